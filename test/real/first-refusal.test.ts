import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { CHECK_STATE_MACHINE } from '../../core/diagnosis/check.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { type ExecutionRequest, Platform } from '../../local/platform.ts';
import { hostedStage, serviceOf } from '../scenes/hosted-scene.ts';
import { pictureOf } from '../scenes/picture.ts';
import { HURRIED, leaderOf, setAlarm, until } from '../scenes/scene.ts';

type Incident = ExecutionRequest['incident'];

/** Each runbook, stopped at its first refusals, on one cluster that gets worse from test to test. */
describe('a runbook that refuses leaves members, services, files and the store as they were:', () => {
  let stage: HostedStage;
  beforeAll(async () => {
    stage = await hostedStage({ auth: true, sizeMiB: 16, clock: HURRIED });
    await stage.etcd.member('m1').put('kept', 'yes');
  });
  afterAll(() => stage?.close());

  async function expectRefusal(
    incident: Incident,
    error: string,
    cause: RegExp,
    { platform = stage.platform, dryRun = false } = {},
  ) {
    const before = await pictureOf(stage);
    const parameters = incident === 'space-exceeded' ? {} : { confirmSeconds: 1 };
    const execution = await platform.execute({ incident, input: { cluster: CLUSTER_NAME, dryRun, parameters } });
    expect(execution).toMatchObject({ status: 'FAILED', error, cause: expect.stringMatching(cause) });
    expect(await pictureOf(stage)).toEqual(before);
  }

  it.each<Incident>(['space-exceeded', 'auth-token-invalid', 'member-failed'])(
    '%s, while data is said to be corrupt',
    async (incident) => {
      const { id } = await leaderOf(stage);
      await setAlarm(stage, 'Corrupt', id);
      try {
        await expectRefusal(incident, 'UnsafeToProceed', new RegExp(`CORRUPT on member ${id}`));
      } finally {
        await setAlarm(stage, 'Corrupt', id, false);
      }
    },
  );

  it('space-exceeded, auth-token-invalid and member-failed, while clusters.json swaps the URLs of two members', async () => {
    const [m1, m2, m3] = stage.file.clusters[0]?.members ?? [];
    if (!m1 || !m2 || !m3) throw new Error('the stage has three members');
    const members = [m1, { ...m2, clientUrl: m3.clientUrl }, { ...m3, clientUrl: m2.clientUrl }];
    const configured = { ...(stage.file.clusters[0] as Cluster), members };
    const platform = await Platform.start({
      file: { clusters: [configured] },
      secrets: { [configured.auth?.secret ?? '']: stage.secrets.login },
      hosts: stage.hosts,
    });
    try {
      for (const incident of ['space-exceeded', 'auth-token-invalid', 'member-failed'] as const) {
        await expectRefusal(incident, 'PreconditionFailed', /The clientUrl of m2 .* is answered by m3/, { platform });
      }
    } finally {
      await platform.close();
    }
  });

  it.each<[Incident, boolean, RegExp]>([
    ['space-exceeded', false, /1 of 3 members cannot be used/],
    ['member-failed', true, /which would be edited to no effect/],
    ['member-failed', false, /which would be edited to no effect/],
  ])(
    '%s (dry run: %s), while a member is down whose unit reads another file than clusters.json says',
    async (incident, dryRun, cause) => {
      await readAnotherFile();
      await expectRefusal(incident, 'PreconditionFailed', cause, { dryRun });
    },
  );

  it('and so does whoever only looks: a diagnosis, and a check of everything', async () => {
    await readAnotherFile();
    const before = await pictureOf(stage);
    expect(await stage.platform.invokeStep('diagnose-cluster', { cluster: CLUSTER_NAME })).toMatchObject({
      incident: 'member-failed',
    });
    const { ended } = stage.platform.executions.start({
      stateMachineName: CHECK_STATE_MACHINE,
      input: { cluster: CLUSTER_NAME },
    });
    expect(await ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Findings' } });
    expect(await pictureOf(stage)).toEqual(before);
  });

  it.each([true, false])(
    'quorum-lost (dry run: %s), where a host with data reads another file than clusters.json says',
    async (dryRun) => {
      await loseQuorum();
      await expectRefusal('quorum-lost', 'PreconditionFailed', /which would be edited to no effect/, { dryRun });
    },
  );

  it('quorum-lost, where a host does not reach what it would fetch the snapshot from: the option is named', async () => {
    await loseQuorum();
    const curl = join(stage.cluster.member('m2').host.unitDir, '../../../bin/curl');
    await writeFile(
      curl,
      "#!/bin/sh\ncase $* in *--version) echo curl ; exit ;; esac\necho 'curl: (7) Failed to connect' >&2\nexit 7\n",
      { mode: 0o755 },
    );
    try {
      await expectRefusal('quorum-lost', 'PreconditionFailed', /m2 .*Failed to connect.*give --staging-address/, {
        dryRun: true,
      });
    } finally {
      await rm(curl);
    }
  });

  it('quorum-lost, where a host cannot be reached', async () => {
    await loseQuorum();
    const { id } = stage.cluster.member('m1').host;
    const access = stage.hosts[id];
    Object.assign(stage.hosts, { [id]: { exec: ['false'] } });
    try {
      await expectRefusal('quorum-lost', 'PreconditionFailed', /acceptFewerMembers/);
    } finally {
      Object.assign(stage.hosts, { [id]: access });
    }
  });

  /** m3 is stopped; the next time it would start with a copy of its configuration. */
  async function readAnotherFile(): Promise<void> {
    if ((await serviceOf(stage.cluster, 'm3')) !== 'active') return;
    const { unitDir, layout } = stage.cluster.member('m3').host;
    const start = `${layout.binDir}/etcd --config-file ${layout.configFile}.other`;
    await stage.cluster.run(
      'm3',
      `cp '${layout.configFile}' '${layout.configFile}.other'
      mkdir -p '${unitDir}/${UNIT}.service.d'
      printf '[Service]\\nRestart=no\\nExecStart=\\nExecStart=${start}\\n' > '${unitDir}/${UNIT}.service.d/other.conf'
      systemctl daemon-reload
      systemctl stop ${UNIT}`,
    );
    await until(() =>
      leaderOf(stage).then(
        () => true,
        () => false,
      ),
    );
  }

  async function loseQuorum(): Promise<void> {
    await readAnotherFile();
    if ((await serviceOf(stage.cluster, 'm1')) !== 'active') return;
    await crashMembers(stage.cluster, ['m1', 'm2']);
    for (const name of ['m1', 'm2']) await wipeData(stage.cluster, name);
  }
});
