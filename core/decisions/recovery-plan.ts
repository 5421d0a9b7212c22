import { type Cluster, type ConfiguredMember, layoutOf } from '../contracts/clusters.ts';
import type { HostInspection } from '../contracts/host-command-results.ts';
import type { HostCommand } from '../contracts/membership.ts';
import type { Candidate, PlanRecovery, RecoveryPlan, RecoveryTarget, Rung, StagedPart } from '../contracts/recovery.ts';
import { PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import { formatBytes } from '../format.ts';
import { quorumIn, votersOf } from './configured-quorum.ts';
import { placeOf } from './host-place.ts';
import { boundLoss } from './loss-bound.ts';
import { describeSalvages, ladderOf, rankCandidates } from './recovery-candidates.ts';
import {
  configureOf,
  controlOf,
  discardOf,
  placeRestoredOf,
  type Restoration,
  restoreOf,
  revertOf,
} from './recovery-commands.ts';
import { bumpOf, type RestoreHost, requireRecoveryFit } from './recovery-fit.ts';
import { outlookOf, surveyServices } from './services.ts';

/** Each part is a command of its own: at 10 MiB a second it takes less than two minutes. S3 takes up to 5 GiB, and 10,000 parts. */
const PART_BYTES = 1024 ** 3;

/** What is to be restored, and where its compressed snapshot lies. */
interface Winner {
  candidate: Candidate & { host: string };
  hashCheck: 'yes' | 'no';
  /** Null in a dry run. */
  snapshot: { sizeBytes: number; sha256: string } | null;
}

interface LeftOut {
  member: string;
  problem: string;
}

/**
 * What is restored, what is lost with it, and every command that it takes. Nothing was changed so far.
 * @throws PreconditionFailed where nothing is left, a host is not ready, or members would have to be left out without leave
 * @throws UnsafeToProceed where it is not the data that is wrong
 */
export function planRecovery(input: PlanRecovery): RecoveryPlan {
  const { cluster, dryRun, execution } = input;
  requireDamage(input);
  const candidates = rankCandidates(input);
  const leftOut = chooseLeftOut(input);
  const winner = winnerOf(candidates, input);
  const hosts = restoreHostsOf(input, winner, leftOut);
  if (!hosts.some(({ configured }) => configured.name === winner.candidate.member)) {
    throw new PreconditionFailed(
      `The snapshot lies on the host of ${winner.candidate.member}, which is left out. Bring its host back, then start again.`,
    );
  }
  const { snapshot } = winner;
  requireRecoveryFit(hosts, snapshot?.sizeBytes ?? winner.candidate.sizeBytes, winner.candidate.sizeBytes);
  const targets = hosts.map((host) => targetOf(host));
  const names = targets.map(({ member }) => member);
  const restart = restartRung(input);
  const loss = boundLoss({
    voters: votersOf(cluster).map(({ name }) => name),
    quorum: quorumIn(cluster),
    salvaged: input.salvaged,
    winner: winner.candidate,
  });
  return {
    ladder: ladderOf(candidates, restart, input),
    candidates,
    winner: winner.candidate,
    loss: restart.serves ? { ...loss, explanation: `If the restart does not help: ${loss.explanation}` } : loss,
    cluster: { ...cluster, members: cluster.members.filter(({ name }) => names.includes(name)) },
    targets,
    leftOut,
    steps: describeSteps(input, winner, hosts, leftOut),
    staging: snapshot && !dryRun ? stagingOf(cluster, execution, winner, snapshot) : null,
    commands: commandsOf(input, winner, hosts),
    archives: Object.fromEntries(
      input.inspections.flatMap(({ member, result }) => (result ? [[member, result.archives]] : [])),
    ),
  };
}

/**
 * Services that were started and did not stay up, and whose data is whole all the same: a restored member would stay up no better.
 * @throws UnsafeToProceed
 */
function requireDamage({ cluster, parameters, dryRun, launched, salvaged, restartProblem }: PlanRecovery): void {
  if (dryRun || launched.length === 0 || parameters.snapshot?.force) return;
  const voters = votersOf(cluster).map(({ name }) => name);
  const logs = salvaged.filter(({ member, result }) => voters.includes(member) && result?.log?.complete);
  // Members of different clusters make no quorum with each other.
  const whole = Object.values(Object.groupBy(logs, ({ result }) => result?.log?.clusterId ?? '')).find(
    (each = []) => each.length >= quorumIn(cluster),
  );
  if (!whole) return;
  throw new UnsafeToProceed(
    `The data of ${whole.map(({ member }) => member).join(', ')} is whole, and these are a quorum. Their services were started, and too few stay up: ` +
      'it is not their data that keeps them from it, so a restore would not help, and would lose the last entries of their logs. Nothing ' +
      `was restored. Look at their configuration, certificates, ports and disks, then start again.\n${restartProblem}`.trim(),
  );
}

/** @throws PreconditionFailed where there is nothing to restore */
function winnerOf(candidates: readonly Candidate[], input: PlanRecovery): Winner {
  const { dryRun, salvaged, examined } = input;
  const [best] = candidates;
  if (!best) {
    throw new PreconditionFailed(
      `Nothing is left that could be restored:${listed(describeSalvages(input))}\nLook for a snapshot of the cluster, name it with parameters.snapshot, and start again. Nothing was restored.`,
    );
  }
  const { atLeastRevision } = input.parameters;
  if (atLeastRevision !== undefined && BigInt(best.revision) < BigInt(atLeastRevision)) {
    throw new PreconditionFailed(
      `The newest that is left is revision ${best.revision} of ${best.member}, and nobody has approved of less than ${atLeastRevision}. Nothing was ` +
        'restored; start again, and the plan is made anew.',
    );
  }
  const isBackup = best.source === 'backup';
  const report = isBackup ? examined : salvaged.find(({ member }) => member === best.member);
  const snapshot = report?.result?.snapshot ?? null;
  if (!dryRun && !snapshot) {
    throw new PreconditionFailed(
      `The host of ${best.member} has kept no snapshot of revision ${best.revision}, and none that is older is taken instead. Start again.`,
    );
  }
  return {
    candidate: { ...best, host: report?.host ?? '' },
    hashCheck: best.source === 'raw' || (isBackup && !examined?.result?.hasHash) ? 'no' : 'yes',
    snapshot,
  };
}

/**
 * Members that are not restored: learners, which join again by themselves; and those whose host or data cannot be had.
 * @throws PreconditionFailed where the latter were not given leave to stay away
 */
function chooseLeftOut(input: PlanRecovery): LeftOut[] {
  const { cluster, parameters, salvaged } = input;
  const away = surveyServices(input).flatMap(({ member, problem, inspection }): LeftOut[] => {
    if (!inspection) return [{ member, problem }];
    const report = salvaged.find((each) => each.member === member);
    if (report?.result) return [];
    return [
      { member, problem: `its data could not be copied, and may be newer: ${report?.problem ?? 'nobody tried.'}` },
    ];
  });
  if (away.length > 0 && !parameters.acceptFewerMembers) {
    const names = away.map(({ member }) => member).join(', ');
    const isOne = away.length === 1;
    throw new PreconditionFailed(
      `Not every member can be recovered:${listed(away.map(({ member, problem }) => `${member}: ${problem}`))}\n` +
        `What the others hold:${listed(describeSalvages({ salvaged: salvaged.filter(({ result }) => result) }))}\n` +
        `What ${names} ${isOne ? 'holds' : 'hold'} may be newer, and if ${isOne ? 'it runs where nobody sees it, it serves' : 'they run where nobody sees them, they serve'} ` +
        `beside what is restored. Bring ${isOne ? 'its host' : 'their hosts'} back; or make sure that ${names} ${isOne ? 'is' : 'are'} off for good, and ` +
        'start again with parameters.acceptFewerMembers. Nothing was restored.',
    );
  }
  const learners = cluster.members.filter(({ learner }) => learner);
  return [
    ...away,
    ...learners.map(({ name }) => ({ member: name, problem: 'it is a learner, which has no part in a quorum' })),
  ];
}

/** A line each; what one of them has in further lines belongs to it. */
function listed(problems: readonly string[]): string {
  return problems.map((problem) => `\n- ${problem.replaceAll('\n', '\n  ')}`).join('');
}

function restoreHostsOf(
  { cluster, inspections, salvaged, examined }: PlanRecovery,
  { candidate }: Winner,
  leftOut: LeftOut[],
): RestoreHost[] {
  return cluster.members
    .filter(({ name }) => !leftOut.some(({ member }) => member === name))
    .map((configured) => {
      const { name } = configured;
      const inspection = inspections.find(({ member }) => member === name)?.result as HostInspection;
      const own = salvaged.find(({ member }) => member === name)?.result?.snapshot?.sizeBytes ?? 0;
      const backup = examined?.member === name ? (examined.result?.snapshot?.sizeBytes ?? 0) : 0;
      // What is restored from the scratch folder that it lies in is not sent there once more.
      const isThere = candidate.source !== 'backup' && candidate.member === name;
      return {
        configured,
        layout: layoutOf(cluster, configured),
        inspection,
        scratchBytes: backup + (isThere ? 0 : own),
      };
    });
}

function targetOf({ configured, layout, inspection }: RestoreHost): RecoveryTarget {
  return {
    member: configured.name,
    host: configured.host as string,
    unit: layout.unit,
    wasActive: isActive(inspection),
  };
}

/** One that waits for its peers, or that systemd starts again and again, counts as running. */
function isActive({ unit }: HostInspection): boolean {
  return !['inactive', 'failed'].includes(unit.activeState);
}

/** What was tried before, or, in a dry run, would be. */
function restartRung(input: PlanRecovery): Rung {
  if (input.parameters.snapshot?.force) return { rung: 'restart', serves: false, why: 'the backup was asked for' };
  const { canRestart, why } = outlookOf(surveyServices(input), input.cluster);
  if (input.dryRun) {
    return {
      rung: 'restart',
      serves: canRestart,
      why: canRestart ? `${why} This is tried first, and loses nothing.` : why,
    };
  }
  return { rung: 'restart', serves: false, why: triedRestart(input) ?? why };
}

function triedRestart({ launched, restartProblem }: PlanRecovery): string | undefined {
  if (launched.length === 0) return restartProblem || undefined;
  return `${launched.join(', ')} ${launched.length === 1 ? 'was' : 'were'} started, and no quorum came of it. ${restartProblem}`.trim();
}

/** Those that its own etcd announces, `name=url1,name=url2`: the restored member must have no others. */
function peerUrlsOf({ inspection }: RestoreHost): string[] {
  return inspection.configuration.initialAdvertisePeerUrls
    .split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .filter((url) => url !== '');
}

function commandsOf(
  input: PlanRecovery,
  { candidate, hashCheck, snapshot }: Winner,
  hosts: readonly RestoreHost[],
): RecoveryPlan['commands'] {
  const { cluster, inspections, salvaged, parameters, execution } = input;
  const { revision } = candidate;
  const restoration: Restoration = {
    execution,
    initialCluster: hosts.flatMap((host) => peerUrlsOf(host).map((url) => `${host.configured.name}=${url}`)).join(','),
    token: `etcd-remediation-${execution}`,
    sha256: snapshot?.sha256 ?? '',
    hashCheck,
    revision,
    bumpRevision: bumpOf(hosts),
  };
  const onEach = (make: (member: string, host: RestoreHost) => HostCommand) =>
    hosts.map((host) => make(host.configured.name, host));
  // Members that are left out are stopped as well, and so are learners: they are of a cluster that is no more.
  const reachable = inspections.filter(({ result }) => result?.unit.loadState === 'loaded');
  const restored = onEach((member, host) => restoreOf(cluster, member, peerUrlsOf(host), restoration));
  const own = restored.find(({ member }) => member === candidate.member) as HostCommand;
  return {
    trial: { ...own, parameters: { ...own.parameters, url: '' } },
    stop: reachable.map(({ member }) => controlOf(cluster, member, 'stop')),
    restore: restored,
    place: onEach((member) =>
      placeRestoredOf(cluster, member, { execution, revision, replaceNewer: parameters.snapshot?.force === true }),
    ),
    configure: onEach((member) => configureOf(cluster, member, restoration)),
    commit: onEach((member) => discardOf(cluster, member, execution, 'commit')),
    discard: salvaged.map(({ member }) => discardOf(cluster, member, execution, 'undo')),
    forget: salvaged.map(({ member }) => discardOf(cluster, member, execution, 'forget')),
    start: onEach((member) => controlOf(cluster, member, 'start')),
    revert: onEach((member) => revertOf(cluster, member, execution)),
    // Without a quorum they wait for one as long as they like.
    startAgain: reachable
      .filter(({ result }) => result && isActive(result))
      .map(({ member }) => controlOf(cluster, member, 'launch')),
  };
}

function stagingOf(
  cluster: Cluster,
  execution: string,
  { candidate }: Winner,
  { sizeBytes }: { sizeBytes: number },
): NonNullable<RecoveryPlan['staging']> {
  const { host, layout } = placeOf(cluster, candidate.member);
  const count = Math.max(1, Math.ceil(sizeBytes / PART_BYTES));
  const parts = Array.from({ length: count }, (_, index): StagedPart => {
    const offsetBytes = index * PART_BYTES;
    const parameters = {
      dataDir: layout.dataDir,
      execution,
      offsetBytes: String(offsetBytes),
      lengthBytes: String(Math.min(PART_BYTES, sizeBytes - offsetBytes)),
    };
    return { partNumber: index + 1, member: candidate.member, host, parameters };
  });
  return { key: `${cluster.name}/${execution}.db.gz`, sizeBytes, parts };
}

function describeSteps(
  { execution, inspections }: PlanRecovery,
  { candidate, snapshot }: Winner,
  hosts: readonly RestoreHost[],
  leftOut: readonly LeftOut[],
): string[] {
  const names = hosts.map(({ configured }) => configured.name).join(', ');
  const stopped = inspections.filter(({ result }) => result?.unit.loadState === 'loaded');
  const what = candidate.source === 'backup' ? 'the backup' : `${candidate.member}'s snapshot (${candidate.source})`;
  const size = formatBytes(snapshot?.sizeBytes ?? candidate.sizeBytes);
  return [
    `restore ${what} of revision ${candidate.revision} on trial on ${candidate.host}`,
    `send it (${size}) to every host, and restore it beside the data of ${names}`,
    `stop etcd on ${stopped.map(({ host }) => host).join(', ')}`,
    ...hosts.map(({ configured, layout }) => moveOf(configured, layout.dataDir, layout.walDir)),
    `write the membership of ${names}, with a new token, into their configuration`,
    `start ${names} at once`,
    `compare their data at one revision, and write through each of ${names}`,
    ...leftOut.map(
      ({ member, problem }) =>
        `leave out ${member}: ${problem}; its etcd has to stay off until it joins again, by the runbook for member-failed`,
    ),
    `keep what was moved aside, under the name ${execution}`,
  ];
}

function moveOf({ host }: ConfiguredMember, dataDir: string, walDir: string | null): string {
  return `move ${walDir ? `${dataDir} and ${walDir}` : dataDir} aside on ${host}, and the restored data into ${walDir ? 'their places' : 'its place'}`;
}
