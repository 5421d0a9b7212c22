import type { IncomingHttpHeaders } from 'node:http2';
import { expect, type TestContext } from 'vitest';
import { CLUSTER_NAME, type HostedOptions, type HostedStage } from '../../drills/stage.ts';
import type { Clock } from '../../local/asl/types.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { Platform } from '../../local/platform.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { commandsInARow, RESTART, RESTORE } from './commands-in-a-row.ts';
import { serveGrpcProxy } from './grpc-proxy.ts';
import {
  archivesOf,
  expectWhole,
  hostedStage,
  idsOf,
  lostBy,
  outputOf,
  recover,
  replace,
  roundTripsOf,
  startWriting,
} from './hosted-scene.ts';
import { expectNoScratch, leaveOneWhole, namesOf, putThrough, readValue, reportOf, rungOf } from './lost-quorum.ts';
import { defragmentedIn, fill, leaderOf, MIB, remediate } from './scene.ts';

/** One whole remediation of each runbook, on members of any release, or of two at once. */

/** What members run: `etcd`, and where some are upgraded already, those run another. */
export interface Releases {
  etcd: string;
  upgraded?: { members: readonly string[]; etcd: string };
}

type TakeStage = (options: Partial<HostedOptions>) => Promise<HostedStage>;

/** A test has a stage of its own, where nobody says which to take. */
interface Scene extends Pick<TestContext, 'skip'> {
  take?: TakeStage;
}

async function onStage(
  releases: Releases,
  options: Partial<HostedOptions>,
  { skip, take }: Scene,
  act: (stage: HostedStage) => Promise<void>,
): Promise<void> {
  await requireEtcd(releases.etcd, { skip });
  if (releases.upgraded) await requireEtcd(releases.upgraded.etcd, { skip });
  const stage = await (take ?? hostedStage)({ ...options, ...releases });
  try {
    await act(stage);
  } finally {
    if (!take) await stage.close();
  }
}

/** The commands of an execution on hosts that may have run others before. */
function commandsSince(before: number, { platform }: HostedStage): string[] {
  return commandsInARow(platform.commandsOnHosts().slice(before));
}

/** Whatever a stage that is taken for several tests has to hold. */
const SIZE = { sizeMiB: 16 };

/** A store that refuses writes takes them again, and every member is smaller: followers first, the leader last. */
export function reclaimsSpace(releases: Releases, test: Scene): Promise<void> {
  return onStage(releases, SIZE, test, async (stage) => {
    await fill(stage.etcd, { keys: 20 });
    const { name: leader } = await leaderOf(stage);
    const execution = await remediate(stage.platform);
    expect(outputOf(execution).outcome).toBe('Remediated');
    const order = defragmentedIn(execution);
    expect([order.toSorted(), order.at(-1)]).toEqual([['m1', 'm2', 'm3'], leader]);
    expect((await leaderOf(stage)).name).not.toBe(leader);
    const { members, alarms } = await stage.etcd.observe();
    expect(alarms).toEqual([]);
    for (const member of members) expect(member.answering && member.dbSizeBytes < 8 * MIB).toBe(true);
    await stage.etcd.member('m2').put('accepted', 'again');
    expect(outputOf(await remediate(stage.platform)).outcome).toBe('NothingToDo');
  });
}

/** A member whose log is damaged is replaced, while writes go on. */
export function replacesMember(releases: Releases, test: Scene): Promise<void> {
  return onStage(releases, SIZE, test, async (stage) => {
    const before = await idsOf(stage);
    const writer = startWriting(stage, ['m1', 'm2']);
    try {
      await stage.cluster.destroyMember('m3');
      const execution = await replace(stage);
      expect(outputOf(execution)).toMatchObject({
        outcome: 'Remediated',
        incident: 'member-failed',
        runbook: 'member-replacement',
        archived: [{ member: 'm3', dataDir: expect.stringContaining('/var/lib/etcd/default/member.') }],
      });
      expect(roundTripsOf(execution)).toEqual([
        ...['Inspect hosts', 'Stop service', 'Move data aside', 'Write membership and start'],
      ]);
      await expectWhole(stage);
      expect(await lostBy(writer, stage)).toBe(0);
    } finally {
      await writer.stop();
      writer.close();
    }
    const after = await idsOf(stage);
    expect(after.m3).not.toBe(before.m3);
    expect({ ...after, m3: '' }).toEqual({ ...before, m3: '' });
    expect(await archivesOf(stage, 'm3')).toHaveLength(1);
    expect(outputOf(await replace(stage)).outcome).toBe('NothingToDo');
    expect(await idsOf(stage)).toEqual(after);
  });
}

/** All members are killed, and the data of one is whole: the others are restored from it. */
export function recoversQuorum(releases: Releases, test: Scene): Promise<void> {
  return onStage(releases, SIZE, test, async (stage) => {
    await putThrough(stage, 'm3', 'kept', 'yes');
    await leaveOneWhole(stage);
    const before = stage.platform.commandsOnHosts().length;
    const report = reportOf(await recover(stage));
    expect(report).toMatchObject({ outcome: 'Remediated', winner: { member: 'm3' } });
    expect(rungOf(report)).toBe('replay');
    // Nobody tries to start the member whose log holds nothing.
    expect(commandsSince(before, stage)).toEqual(RESTORE);
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('yes');
    await expectNoScratch(stage);
  });
}

/** All members are killed, and their data is whole: they are started, whatever release each runs. */
export function startsAllAgain(releases: Releases, test: Scene): Promise<void> {
  return onStage(releases, SIZE, test, async (stage) => {
    const [before, commands] = [await idsOf(stage), stage.platform.commandsOnHosts().length];
    await putThrough(stage, 'm1', 'kept', 'yes');
    await crashMembers(stage.cluster, namesOf(stage));
    const report = reportOf(await recover(stage));
    expect(report).toMatchObject({ outcome: 'Remediated', incident: 'quorum-lost', runbook: 'quorum-recovery' });
    expect(rungOf(report)).toBe('restart');
    expect(commandsSince(commands, stage)).toEqual(RESTART);
    await expectWhole(stage);
    expect(await idsOf(stage)).toEqual(before);
    expect(await readValue(stage, 'kept')).toBe('yes');
    await expectNoScratch(stage);
    expect(outputOf(await recover(stage)).outcome).toBe('NothingToDo');
  });
}

/** Where two releases hold the data, neither is restored by the other: nothing is changed, and the members still have their data. */
export function refusesToRestore(releases: Releases, test: Scene): Promise<void> {
  return onStage(releases, SIZE, test, async (stage) => {
    const archives = () => Promise.all(namesOf(stage).map((name) => archivesOf(stage, name)));
    const before = await archives();
    await leaveOneWhole(stage);
    expect(await recover(stage)).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('different releases of etcd'),
    });
    await expectNoScratch(stage);
    expect(await archives()).toEqual(before);
  });
}

/**
 * A member that rejects every token takes them again: once it is restarted, and another time once authentication was toggled. Releases from
 * 3.4.19 and 3.5.5 on do not have the defect, so a proxy in front of m3 rejects tokens as such a member does.
 */
export function resetsTokens(releases: Releases, test: Scene): Promise<void> {
  return onStage(releases, { auth: true }, test, async (stage) => {
    let isRejecting = () => false;
    let toggles = 0;
    const through = await behindProxies(stage, { rejects: () => isRejecting(), onEnabled: () => toggles++ });
    const { platform } = through;
    try {
      const pid = await pidOf(stage, 'm3');
      isRejecting = () => isRunning(pid);
      expect(await reset(platform, 'restart')).toMatchObject({
        ...{ outcome: 'Remediated', window: null },
        roundTrips: ['Inspect hosts', 'Restart service'],
      });
      expect(await pidOf(stage, 'm3')).not.toBe(pid);
      isRejecting = () => toggles === 0;
      expect(await reset(platform, 'toggle')).toMatchObject({
        outcome: 'Remediated',
        window: { ms: expect.any(Number) },
      });
      expect(toggles).toBeGreaterThan(0);
      for (const member of stage.etcd.members) expect(await member.authentication.servesAnybody()).toBe(false);
      expect((await reset(platform, 'restart')).outcome).toBe('NothingToDo');
    } finally {
      await through.close();
    }
  });
}

/** A platform that reaches a stage's members through proxies, of which m3's rejects tokens as a member with the defect does. */
export async function behindProxies(
  { cluster, file, secrets, hosts }: HostedStage,
  { rejects, onEnabled = () => undefined, clock }: { rejects: () => boolean; onEnabled?: () => void; clock?: Clock },
): Promise<{ platform: Platform; close: () => Promise<void> }> {
  const [configured] = file.clusters;
  if (!configured?.auth) throw new Error('the stage has authentication');
  const reject = (headers: IncomingHttpHeaders) => {
    // A member with the defect still tells its status: only keys and users are behind its tokens there.
    const isChecked = headers.token !== undefined && /^.etcdserverpb.(KV|Auth)./.test(String(headers[':path']));
    return isChecked && rejects() ? { code: 16, message: 'etcdserver: invalid auth token' } : undefined;
  };
  const proxies = await Promise.all(
    cluster.members.map(({ name, clientUrl }) =>
      serveGrpcProxy(
        clientUrl,
        async (moment, path) => {
          if (moment === 'after' && path === '/etcdserverpb.Auth/AuthEnable') onEnabled();
        },
        undefined,
        name === 'm3' ? reject : undefined,
      ),
    ),
  );
  const members = configured.members.map((member, index) => ({ ...member, clientUrl: proxies[index]?.url ?? '' }));
  const platform = await Platform.start({
    file: { clusters: [{ ...configured, members }] },
    secrets: { [configured.auth.secret]: secrets.login },
    hosts,
    ...(clock && { clock }),
    reboot: async (id) => cluster.members.find(({ host }) => host.id === id)?.host.reboot(),
  });
  const close = async () => {
    await platform.close();
    for (const proxy of proxies) await proxy.close();
  };
  return { platform, close };
}

async function reset(platform: Platform, strategy: 'restart' | 'toggle') {
  const parameters = { confirmSeconds: 1, strategy };
  const execution = await platform.execute({
    incident: 'auth-token-invalid',
    input: { cluster: CLUSTER_NAME, parameters },
  });
  return { ...outputOf(execution), roundTrips: roundTripsOf(execution) };
}

export async function pidOf({ cluster }: HostedStage, name: string): Promise<number> {
  return Number((await cluster.run(name, `systemctl show -p MainPID ${UNIT}`)).trim().replace('MainPID=', ''));
}

/** Of a process on a host that is this machine. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
