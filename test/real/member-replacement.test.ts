import { describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import {
  archivesOf,
  expectWhole,
  idsOf,
  lostBy,
  outputOf,
  replace,
  serviceOf,
  stageForEachTest,
  startWriting,
  untilLed,
} from '../scenes/hosted-scene.ts';
import { around, HURRIED, setAlarm, statesOf, until } from '../scenes/scene.ts';

const onStage = stageForEachTest();

async function untilSilent(stage: HostedStage, name: string): Promise<void> {
  await until(async () =>
    (await stage.etcd.observe()).members.some((member) => member.name === name && !member.answering),
  );
}

/** Stops the process without ending it; its service then takes `stopSeconds` to stop. */
async function freeze(stage: HostedStage, name: string, stopSeconds = 1): Promise<void> {
  const { unitDir } = stage.cluster.members.find((member) => member.name === name)?.host ?? {};
  await stage.cluster.run(
    name,
    `mkdir -p '${unitDir}/${UNIT}.service.d'
    printf '[Service]\\nTimeoutStopSec=${stopSeconds}\\n' > '${unitDir}/${UNIT}.service.d/stop.conf'
    systemctl daemon-reload
    systemctl kill -s SIGSTOP ${UNIT}`,
  );
  await untilSilent(stage, name);
}

describe('the member runbook', () => {
  it('replaces a member that is configured by an environment file', async () => {
    const stage = await onStage({ format: 'environment' });
    await stage.cluster.destroyMember('m2');
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
  });

  it('replaces a member whose process runs and answers nobody, and takes longer to stop than a function waits', async () => {
    const stage = await onStage();
    await freeze(stage, 'm3', 20);
    expect(await serviceOf(stage.cluster, 'm3')).toBe('active');
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
  });

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
    expect(await lostBy(writer)).toBe(0);
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

  it('tells its plan in a dry run, and changes nothing', async () => {
    const stage = await onStage();
    const before = await idsOf(stage);
    await stage.cluster.destroyMember('m3');
    const output = outputOf(await replace(stage, { dryRun: true }));
    expect(output).toMatchObject({
      outcome: 'Planned',
      plan: expect.arrayContaining([expect.stringContaining(`remove member ${before.m3}`)]),
    });
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual([]);
    expect(await serviceOf(stage.cluster, 'm3')).not.toBe('inactive');
  });
});

describe('the member runbook stops and changes nothing', () => {
  async function expectUntouched(stage: HostedStage, before: Record<string, string>): Promise<void> {
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual([]);
  }

  it('where Run Command does not reach the host', async () => {
    const stage = await onStage({ clock: HURRIED });
    const before = await idsOf(stage);
    await stage.cluster.destroyMember('m3');
    const host = stage.cluster.members[2]?.host.id ?? '';
    Object.assign(stage.hosts, { [host]: { exec: ['false'] } });
    const execution = await replace(stage);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'HostUnreachable',
      cause: expect.stringContaining(host),
    });
    await expectUntouched(stage, before);
  });

  it('where NOSPACE is raised, and names the runbook that comes first', async () => {
    const stage = await onStage();
    const before = await idsOf(stage);
    await stage.cluster.destroyMember('m3');
    await untilLed(stage);
    await setAlarm(stage, 'Nospace', before.m1 ?? '');
    expect(await replace(stage)).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('space-exceeded'),
    });
    await expectUntouched(stage, before);
  });

  it("where the unit's flags would go before what is written", async () => {
    const stage = await onStage({ format: 'environment' });
    const before = await idsOf(stage);
    const { unitDir, layout } = stage.cluster.members[2]?.host ?? { unitDir: '', layout: { binDir: '' } };
    await stage.cluster.run(
      'm3',
      `mkdir -p '${unitDir}/${UNIT}.service.d'
      printf '[Service]\\nExecStart=\\nExecStart=${layout.binDir}/etcd --initial-cluster-state=new\\n' > '${unitDir}/${UNIT}.service.d/flags.conf'
      systemctl daemon-reload`,
    );
    await stage.cluster.destroyMember('m3');
    expect(await replace(stage)).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('--initial-cluster-state'),
    });
    await expectUntouched(stage, before);
  });

  it('where the data dir is not the one of the configuration', async () => {
    const stage = await onStage();
    const before = await idsOf(stage);
    const { layout } = stage.cluster.members[2]?.host ?? { layout: { configFile: '', dataDir: '' } };
    await stage.cluster.destroyMember('m3');
    await stage.cluster.run(
      'm3',
      `sed -i.bak "s#^data-dir: .*#data-dir: '${layout.dataDir}-2'#" '${layout.configFile}'`,
    );
    expect(await replace(stage)).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining(`data dir is "${layout.dataDir}-2"`),
    });
    await expectUntouched(stage, before);
  });
});

describe('the member runbook, interfered with,', () => {
  it('starts the service again when it has to stop before the member was removed, and has moved nothing', async () => {
    const stage = await onStage();
    const before = await idsOf(stage);
    await freeze(stage, 'm3');
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
    // Frozen as it was, a restart was all that it needed.
    await expectWhole(stage);
  });

  it.each(['run-host-command'])(
    'is not disturbed by %s being killed each time after it acted and before it answered',
    async (step) => {
      const stage = await onStage();
      await stage.cluster.destroyMember('m3');
      const killed = new Set<string>();
      using _ = around(stage.platform, step, {
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
    },
  );

  it('stops before anything is changed where the log of the member says what a new one would not start with either', async () => {
    const stage = await onStage();
    const before = await idsOf(stage);
    await stage.cluster.destroyMember('m3');
    await misconfigure(stage);
    const execution = await replace(stage);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed' });
    expect(execution.status === 'FAILED' && execution.cause).toContain('max-wals');
    expect(await idsOf(stage)).toEqual(before);
    expect(await archivesOf(stage, 'm3')).toEqual([]);
  });

  it('ends with the end of the log where the new member does not start', async () => {
    const stage = await onStage();
    await stage.cluster.destroyMember('m3');
    using _ = around(stage.platform, 'change-membership', {
      before: (invocation) => (invocation === 1 ? misconfigure(stage) : Promise.resolve()),
    });
    const execution = await replace(stage);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
    expect(execution.status === 'FAILED' && execution.cause).toContain('max-wals');
    expect(execution.status === 'FAILED' && execution.cause).toContain('m3');
    // It was removed, so its data stays aside; the next execution finishes once the configuration is right.
    const { layout } = stage.cluster.member('m3').host;
    await stage.cluster.run('m3', `sed -i.bak '/max-wals/d' '${layout.configFile}'`);
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
  });
});

/** Something that etcd does not understand, so that it does not start. */
async function misconfigure({ cluster }: HostedStage): Promise<void> {
  const { layout } = cluster.member('m3').host;
  await cluster.run('m3', `printf 'max-wals: nonsense\\n' >> '${layout.configFile}'`);
}
