import type { ConfiguredMember, Layout } from '../cluster/clusters.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { announcedPeerUrls, foldersOf, ignoredSettings } from '../hosts/host-fit.ts';
import { placeOf } from '../hosts/host-place.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { formatBytes } from '../text/format.ts';
import type { Candidate, PlanRecovery, RecoveryPlan } from './contracts.ts';
import { keptRecoveries } from './interrupted-recovery.ts';
import {
  discardOf,
  launchOf,
  type Restoration,
  restoreOf,
  revertOf,
  sendOf,
  startRestoredOf,
  swapOf,
} from './recovery-commands.ts';
import { bumpOf, type RestoreHost } from './recovery-fit.ts';
import type { StagedPart } from './staging-contracts.ts';

/** What a recovery takes, host by host: its commands, the parts in which the snapshot is sent, and the same in words. */

/** Each part is a command of its own: at 10 MiB a second it takes less than two minutes. S3 takes up to 5 GiB, and 10,000 parts. */
const PART_BYTES = 1024 ** 3;

/** What is to be restored, and where its compressed snapshot is. */
export interface Winner {
  candidate: Candidate & { host: string };
  /** The release whose storage it is; empty where that is not known. */
  version: string;
  hashCheck: 'yes' | 'no';
  /** Null in a dry run. */
  snapshot: { sizeBytes: number; sha256: string } | null;
}

export interface LeftOut {
  member: string;
  problem: string;
}

/** One that waits for its peers, or that systemd starts again and again, counts as running. */
export function isActive({ unit }: HostInspection): boolean {
  return !['inactive', 'failed'].includes(unit.activeState);
}

/** @param isStrange whether what a member holds is of another cluster */
export function commandsOf(
  input: PlanRecovery,
  { candidate, hashCheck, snapshot }: Winner,
  hosts: readonly RestoreHost[],
  isStrange: (member: string) => boolean,
): RecoveryPlan['commands'] {
  const { cluster, inspections, salvaged, parameters, execution } = input;
  const { revision } = candidate;
  const restoration: Restoration = {
    execution,
    initialCluster: hosts
      .flatMap((host) => announcedPeerUrls(host.inspection).map((url) => `${host.configured.name}=${url}`))
      .join(','),
    token: `etcd-remediation-${execution}`,
    sha256: snapshot?.sha256 ?? '',
    sizeBytes: String(candidate.sizeBytes),
    hashCheck,
    revision,
    bumpRevision: bumpOf(hosts),
  };
  const onEach = (make: (member: string, host: RestoreHost) => HostCommand) =>
    hosts.map((host) => make(host.configured.name, host));
  const reachable = inspections.filter(({ result }) => result?.unit.loadState === 'loaded');
  const swap = (member: string, data: 'swap' | 'leave') =>
    swapOf(cluster, member, data, {
      ...restoration,
      // The revision of another cluster is not newer.
      replaceNewer: parameters.snapshot?.force === true || isStrange(member),
    });
  // Members that are left out are stopped as well, and so are learners: they are of a cluster that is no more.
  const others = reachable.filter(({ member }) => !hosts.some(({ configured }) => configured.name === member));
  const restored = onEach((member, host) =>
    restoreOf(cluster, member, announcedPeerUrls(host.inspection), restoration),
  );
  return {
    restore: restored,
    swap: [...onEach((member) => swap(member, 'swap')), ...others.map(({ member }) => swap(member, 'leave'))],
    discard: salvaged.map(({ member }) => discardOf(cluster, member, execution, 'undo')),
    // What earlier recoveries have kept is moved aside now: their word would be told of again at the next one.
    forget: [
      ...salvaged.map(({ member }) => discardOf(cluster, member, execution, 'forget')),
      ...keptRecoveries(input).forget,
    ],
    start: onEach((member) => startRestoredOf(cluster, member, execution)),
    revert: onEach((member) => revertOf(cluster, member, execution)),
    // Without a quorum they wait for one as long as they like.
    startAgain: reachable.flatMap(({ member, result }) =>
      result && isActive(result) ? [launchOf(cluster, member, result)] : [],
    ),
  };
}

export function stagingOf(
  { cluster, execution }: PlanRecovery,
  { member, source }: Candidate,
  { sizeBytes }: { sizeBytes: number },
): NonNullable<RecoveryPlan['staging']> {
  const send = sendOf(cluster, member, execution, source === 'backup' ? 'backup' : 'data');
  const count = Math.max(1, Math.ceil(sizeBytes / PART_BYTES));
  const parts = Array.from({ length: count }, (_, index): StagedPart => {
    const offsetBytes = index * PART_BYTES;
    const parameters = {
      ...send.parameters,
      offsetBytes: String(offsetBytes),
      lengthBytes: String(Math.min(PART_BYTES, sizeBytes - offsetBytes)),
    };
    return { ...send, partNumber: index + 1, parameters };
  });
  return { key: `${cluster.name}/${execution}.snapshot`, sizeBytes, parts };
}

export function describeSteps(
  { cluster, execution, inspections }: PlanRecovery,
  { candidate, snapshot }: Winner,
  hosts: readonly RestoreHost[],
  leftOut: readonly LeftOut[],
): string[] {
  const names = hosts.map(({ configured }) => configured.name).join(', ');
  const stopped = inspections.filter(({ result }) => result?.unit.loadState === 'loaded');
  const byUnit = Map.groupBy(stopped, ({ member }) => placeOf(cluster, member).layout.unit);
  const what = candidate.source === 'backup' ? 'the backup' : `${candidate.member}'s snapshot (${candidate.source})`;
  const size = formatBytes(snapshot?.sizeBytes ?? candidate.sizeBytes);
  return [
    `send ${what} of revision ${candidate.revision} (${size}) from ${candidate.host} to every host`,
    `restore it beside the data of ${names}`,
    `stop ${[...byUnit].map(([unit, same]) => `${unit} on ${same.map(({ host }) => host).join(', ')}`).join('; ')}`,
    ...hosts.map(({ configured, layout }) => moveOf(configured, layout)),
    `write the membership of ${names}, with a new token, into their configuration`,
    `start ${names} at once`,
    ...hosts.flatMap(({ configured, inspection }) => {
      const ignored = ignoredSettings(inspection);
      return ignored === '' ? [] : [`note that on ${configured.host} ${ignored}`];
    }),
    `compare their data at one revision, and write through each of ${names}`,
    ...leftOut.map(
      ({ member, problem }) =>
        `leave out ${member}: ${problem}; its etcd has to stay off until it joins again, by the runbook for member-failed`,
    ),
    `keep what was moved aside, under the name ${execution}`,
  ];
}

function moveOf({ host }: ConfiguredMember, layout: Layout): string {
  const folders = foldersOf(layout);
  return `move ${folders.join(' and ')} aside on ${host}, and the restored data into ${folders.length > 1 ? 'their places' : 'its place'}`;
}
