import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import {
  archivesOf,
  expectWhole,
  hostedStage,
  idsOf,
  lostBy,
  outputOf,
  replace,
  serviceOf,
  startWriting,
  untilLed,
} from '../scenes/hosted-scene.ts';
import { sameStage } from '../scenes/same-stage.ts';
import { around, setAlarm, statesOf, until } from '../scenes/scene.ts';

const onStage = sameStage(hostedStage);

async function untilSilent(stage: HostedStage, name: string): Promise<void> {
  await until(async () =>
    (await stage.etcd.observe()).members.some((member) => member.name === name && !member.answering),
  );
}

/** Its service runs something else than etcd, which takes `stopSeconds` to stop; started again, it runs etcd. */
async function supplant(stage: HostedStage, name: string, stopSeconds = 1): Promise<void> {
  const { unitDir } = stage.cluster.member(name).host;
  const file = `${unitDir}/${UNIT}.service.d/other.conf`;
  await stage.cluster.run(
    name,
    `mkdir -p '${unitDir}/${UNIT}.service.d'
    printf '[Service]\\nTimeoutStopSec=${stopSeconds}\\n' > '${unitDir}/${UNIT}.service.d/stop.conf'
    cat > '${file}' << 'END'
[Service]
Type=simple
ExecStart=
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
END
    systemctl daemon-reload
    systemctl restart ${UNIT}
    rm '${file}'
    systemctl daemon-reload`,
  );
  await untilSilent(stage, name);
}

describe('the member runbook', () => {
  it('replaces two of five, both removed before one is added', async () => {
    const stage = await onStage({ members: 5, etcd: '3.5.16' });
    const writer = startWriting(stage, ['m1', 'm2', 'm3']);
    await stage.cluster.destroyMember('m4');
    await stage.cluster.destroyMember('m5');
    const execution = await replace(stage);
    expect(outputOf(execution).outcome).toBe('Remediated');
    const changes = statesOf(execution).filter((state) => state === 'Remove member' || state === 'Add member');
    expect(changes).toEqual(['Remove member', 'Remove member', 'Add member', 'Add member']);
    await expectWhole(stage);
    expect(await lostBy(writer, stage)).toBe(0);
    writer.close();
  });

  it('puts the member of a spare host in the place of the failed one', async () => {
    const stage = await onStage({ spares: 1 });
    const [spare] = stage.cluster.spares;
    if (!spare) throw new Error('no spare host');
    const { m3: old } = await idsOf(stage);
    await stage.cluster.destroyMember('m3');
    const replacement = { host: spare.host.id };
    const output = outputOf(await replace(stage, { member: 'm3', parameters: { replacement } }));
    expect(output.outcome).toBe('Remediated');
    expect((output.plan as string[])[0]).toMatch(/^leave m3 as it is on \S+, which says that its unit is /);
    expect((output.members as { name: string }[]).map(({ name }) => name).toSorted()).toEqual(['m1', 'm2', 'm4']);
    const { memberList } = await stage.etcd.observe();
    expect(memberList).toHaveLength(3);
    expect(memberList.some(({ id }) => id === old)).toBe(false);
    expect(memberList.find(({ name }) => name === 'm4')?.peerUrls).toEqual([spare.peerUrl]);
  });

  it("stops where the unit's flags would go before what is written, and replaces a member of an environment file once they are gone", async () => {
    const stage = await onStage({ format: 'environment' });
    const before = await idsOf(stage);
    const { unitDir, layout } = stage.cluster.member('m3').host;
    const flags = `${unitDir}/${UNIT}.service.d/flags.conf`;
    await stage.cluster.run(
      'm3',
      `mkdir -p '${unitDir}/${UNIT}.service.d'
      printf '[Service]\\nExecStart=\\nExecStart=${layout.binDir}/etcd --initial-cluster-state=new\\n' > '${flags}'
      systemctl daemon-reload`,
    );
    await stage.cluster.destroyMember('m3');
    expect(await replace(stage)).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('--initial-cluster-state'),
    });
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual([]);
    await stage.cluster.run('m3', `rm '${flags}' && systemctl daemon-reload`);
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
  });
});

/** One cluster whose third member is gone, for all that changes nothing; each takes back what it was given. */
describe('the member runbook, with a member that is gone,', () => {
  let stage: HostedStage;
  let before: Record<string, string>;
  beforeAll(async () => {
    stage = await hostedStage();
    before = await idsOf(stage);
    await stage.cluster.destroyMember('m3');
    await untilLed(stage);
  });
  afterAll(async () => stage?.close());

  async function expectUntouched(): Promise<void> {
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual([]);
    expect(await serviceOf(stage.cluster, 'm3')).not.toBe('inactive');
  }

  it('tells its plan in a dry run, and changes nothing', async () => {
    expect(outputOf(await replace(stage, { dryRun: true }))).toMatchObject({
      outcome: 'Planned',
      plan: expect.arrayContaining([expect.stringContaining(`remove member ${before.m3}`)]),
    });
    await expectUntouched();
  });

  it('stops and changes nothing where Run Command does not reach the host', async () => {
    const { id } = stage.cluster.member('m3').host;
    const access = stage.hosts[id];
    Object.assign(stage.hosts, { [id]: { exec: ['false'] } });
    const execution = await replace(stage);
    Object.assign(stage.hosts, { [id]: access });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'HostUnreachable', cause: expect.stringContaining(id) });
    await expectUntouched();
  });

  it('stops and changes nothing where NOSPACE is raised, and names the runbook that comes first', async () => {
    await setAlarm(stage, 'Nospace', before.m1 ?? '');
    const execution = await replace(stage);
    await setAlarm(stage, 'Nospace', before.m1 ?? '', false);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('space-exceeded'),
    });
    await expectUntouched();
  });

  it('stops and changes nothing where the data dir is not the one of the configuration', async () => {
    const { layout } = stage.cluster.member('m3').host;
    const { configFile, dataDir } = layout;
    await stage.cluster.run('m3', `sed -i.bak "s#^data-dir: .*#data-dir: '${dataDir}-2'#" '${configFile}'`);
    const execution = await replace(stage);
    await stage.cluster.run('m3', `mv '${configFile}.bak' '${configFile}'`);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining(`data dir is "${dataDir}-2"`),
    });
    await expectUntouched();
  });

  it('ends with the end of the log where the new member does not start, and the next execution finishes', async () => {
    using _ = around(stage.platform, 'change-membership', {
      before: (invocation) => (invocation === 1 ? misconfigure(stage) : Promise.resolve()),
    });
    const execution = await replace(stage);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
    expect(execution.status === 'FAILED' && execution.cause).toContain('max-wals');
    expect(execution.status === 'FAILED' && execution.cause).toContain('m3');
    // It was removed, so its data stays aside.
    await configureRightly(stage);
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
  });

  it('stops and changes nothing where the log of the member says what a new one would not start with either', async () => {
    before = await idsOf(stage);
    const archives = await archivesOf(stage, 'm3');
    await stage.cluster.destroyMember('m3');
    await misconfigure(stage);
    await start(stage.cluster);
    const execution = await replace(stage);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('max-wals'),
    });
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual(archives);
  });
});

describe('the member runbook, interfered with,', () => {
  it('starts the service again when it has to stop before the member was removed, and has moved nothing', async () => {
    const stage = await onStage();
    const before = await idsOf(stage);
    await supplant(stage, 'm3');
    using _ = around(stage.platform, 'change-membership', {
      before: async () => setAlarm(stage, 'Corrupt', before.m1 ?? ''),
    });
    const execution = await replace(stage);
    expect(statesOf(execution)).toContain('Stop service');
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'UnsafeToProceed',
      cause: expect.stringContaining('The services that were stopped run again.'),
    });
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual([]);
    await setAlarm(stage, 'Corrupt', before.m1 ?? '', false);
    // A restart was all that it needed.
    await expectWhole(stage);
  });

  it('leaves a member alone whose process is frozen, and tells what lets it go on with its data', async () => {
    const stage = await onStage();
    const before = await idsOf(stage);
    await stage.cluster.run('m3', `systemctl kill -s SIGSTOP ${UNIT}`);
    await untilSilent(stage, 'm3');
    const execution = await replace(stage);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('and nothing was changed: two views of it differ.'),
    });
    const [, pid] = /kill -CONT (\d+)/.exec(JSON.stringify(execution)) ?? [];
    await stage.cluster.run('m3', `kill -CONT ${pid}`);
    await expectWhole(stage);
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual([]);
  });

  it('replaces a member whose process runs and answers nobody, and takes long to stop', async () => {
    const stage = await onStage();
    await supplant(stage, 'm3', 20);
    expect(await serviceOf(stage.cluster, 'm3')).toBe('active');
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
  });

  it('is not disturbed by host commands being killed each time after they acted and before they answered', async () => {
    const stage = await onStage();
    await stage.cluster.destroyMember('m3');
    const killed = new Set<string>();
    using _ = around(stage.platform, 'run-host-commands', {
      after: async (invocation) => {
        // Lambda's own retries are two: every other invocation is lost.
        if (invocation % 2 === 0) return;
        killed.add(String(invocation));
        throw new ExecutionError('Sandbox.Timedout', 'Task timed out');
      },
    });
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    expect(killed.size).toBeGreaterThan(0);
    await expectWhole(stage);
  });
});

/** Something that etcd does not understand, so that it does not start. */
async function misconfigure({ cluster }: HostedStage): Promise<void> {
  const { layout } = cluster.member('m3').host;
  await cluster.run('m3', `printf 'max-wals: nonsense\\n' >> '${layout.configFile}'`);
}

/** Whether it stays up or not. */
async function start(cluster: HostedStage['cluster']): Promise<void> {
  await cluster.run('m3', `systemctl reset-failed ${UNIT}; systemctl start ${UNIT} || true`);
}

async function configureRightly({ cluster }: HostedStage): Promise<void> {
  const { layout } = cluster.member('m3').host;
  await cluster.run('m3', `sed -i.bak '/max-wals/d' '${layout.configFile}'`);
  // As the refusal says: what the log says is over then.
  await start(cluster);
}
