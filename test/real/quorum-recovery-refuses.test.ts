import { describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import type { HostAccess } from '../../local/hosts/access.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { archivesOf, expectWhole, hostedStage, recover, replace, serviceOf } from '../scenes/hosted-scene.ts';
import {
  expectNoScratch,
  filesOf,
  filesOfAll,
  leaveOneWhole,
  namesOf,
  putThrough,
  readValue,
  reportOf,
  rungOf,
} from '../scenes/lost-quorum.ts';
import { pictureOf } from '../scenes/picture.ts';
import { sameStage } from '../scenes/same-stage.ts';
import { around, HOST_STEPS, HURRIED, statesOf, statuses, until } from '../scenes/scene.ts';

/** A host that is away does not come back while it is waited for. */
const takeStage = sameStage(hostedStage);
const onStage = () => takeStage({ clock: HURRIED });

/** @returns how the host was reached before */
function reachThrough({ cluster, hosts }: HostedStage, name: string, access: HostAccess): HostAccess {
  const { id } = cluster.member(name).host;
  const before = hosts[id] as HostAccess;
  Object.assign(hosts, { [id]: access });
  return before;
}

const UNREACHABLE: HostAccess = { exec: ['false'] };
/**
 * Is reached, lets a script of ours begin, and then loses the connection, as ssh says it; nothing of the script is run. What a shell has to compute
 * stands two lines before the script, and what only asks whether the host is there has no first line as a script of ours has.
 */
const DYING: HostAccess = {
  exec: ['bash', '-c', `eval "$(sed -n '/^  echo /{p;n;n;/^#!/!s/.*/exit 0/p;q;}')"; exit 255`],
};

describe('the quorum runbook, when a host dies', () => {
  /** Lets a host die when it is to run a command, and stay dead. @returns brings it back */
  function dieAt(stage: HostedStage, name: string, command: string): Disposable & { revive(): void } {
    const { id } = stage.cluster.member(name).host;
    let alive: HostAccess | undefined;
    const death = around(stage.platform, HOST_STEPS, {
      before: async (_, { commands = [], command: sent }) => {
        if (sent === command && commands.some(({ host }) => host === id)) alive ??= reachThrough(stage, name, DYING);
      },
    });
    const stop = () => death[Symbol.dispose]();
    return {
      revive: () => {
        stop();
        if (alive) reachThrough(stage, name, alive);
      },
      [Symbol.dispose]: stop,
    };
  }

  it('starts a member again that ran before', async () => {
    const stage = await onStage();
    await putThrough(stage, 'm2', 'kept', 'yes');
    await crashMembers(stage.cluster, ['m1', 'm3']);
    for (const name of ['m1', 'm3']) await wipeData(stage.cluster, name);
    using death = dieAt(stage, 'm3', 'swap-data-dir');
    expect(await recover(stage)).toMatchObject({
      status: 'FAILED',
      error: 'HostCommandFailed',
      cause: expect.stringContaining('run again'),
    });
    // It waits for the others, and answers nobody until then.
    expect(await serviceOf(stage.cluster, 'm2')).toBe('activating');
    expect(await archivesOf(stage, 'm2')).toEqual([]);
    death.revive();
    expect(rungOf(reportOf(await recover(stage)))).toBe('survivor');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
  });

  it.each([
    ['restore-snapshot', 'Restore on every host'],
    ['swap-data-dir', 'Put restored data in place'],
  ])('at %s, moves everything back, raises HostCommandFailed, and ends well the next time', async (command, state) => {
    const stage = await onStage();
    await putThrough(stage, 'm3', 'kept', 'yes');
    await leaveOneWhole(stage);
    const before = await filesOfAll(stage);
    using death = dieAt(stage, 'm2', command);
    const execution = await recover(stage);
    expect(statesOf(execution)).toContain(state);
    expect(execution, JSON.stringify(execution.status)).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
    // The dead host keeps what it had so far; all others are as they were.
    expect(execution.status === 'FAILED' && execution.cause).toContain(stage.cluster.member('m2').host.id);
    for (const name of ['m1', 'm3']) {
      expect(dataIn(await filesOf(stage, name))).toEqual(dataIn(before[namesOf(stage).indexOf(name)] ?? {}));
      expect(await serviceOf(stage.cluster, name)).not.toBe('active');
    }
    death.revive();
    expect(rungOf(reportOf(await recover(stage)))).toBe('replay');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
    await expectNoScratch(stage);
  });
});

describe('the quorum runbook and a host that cannot be reached', () => {
  it('stops and changes nothing; and recovers without it where that is accepted, so that it joins later', async () => {
    const stage = await onStage();
    await putThrough(stage, 'm3', 'kept', 'yes');
    await leaveOneWhole(stage);
    const { id } = stage.cluster.member('m1').host;
    const access = reachThrough(stage, 'm1', UNREACHABLE);
    const [before, own] = [await pictureOf(stage), await filesOf(stage, 'm1')];
    const refused = await recover(stage);
    expect(refused).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('acceptFewerMembers'),
    });
    expect(refused.status === 'FAILED' && refused.cause).toContain(id);
    expect(await pictureOf(stage)).toEqual(before);

    const report = reportOf(await recover(stage, { parameters: { acceptFewerMembers: true } }));
    expect(report.leftOut).toEqual([{ member: 'm1', problem: expect.stringContaining(id) }]);
    const { memberList } = await stage.etcd.observe();
    expect(memberList.map(({ name }) => name).toSorted()).toEqual(['m2', 'm3']);
    expect(await filesOf(stage, 'm1')).toEqual(own);

    reachThrough(stage, 'm1', access);
    expect(reportOf(await replace(stage)).outcome).toBe('Remediated');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
  });

  it('never goes on while a member runs there, for nobody could stop it', async () => {
    const stage = await onStage();
    await crashMembers(stage.cluster, ['m1', 'm3']);
    for (const name of ['m1', 'm3']) await wipeData(stage.cluster, name);
    reachThrough(stage, 'm2', UNREACHABLE);
    await until(async () => (await statuses(stage)).every(({ leaderId }) => leaderId === '0'));
    const before = await pictureOf(stage);
    const execution = await recover(stage, { parameters: { acceptFewerMembers: true } });
    expect(execution.status).toBe('FAILED');
    expect(execution.status === 'FAILED' && execution.error).toMatch(/^(PreconditionFailed|UnsafeToProceed)$/);
    expect(execution.status === 'FAILED' && execution.cause).toContain('m2');
    expect(await pictureOf(stage)).toEqual(before);
    expect(await serviceOf(stage.cluster, 'm2')).toBe('active');
  });
});

/** Of a host's files those in its data dir, with their sizes: a start that was tried first has touched them. */
function dataIn(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path.includes('/var/lib/etcd/default/'))
      .map(([path, what]) => [path, what.replace(/ of .*/, '')]),
  );
}
