import { layoutOf } from '../cluster/clusters.ts';
import { quorumIn, votersOf } from '../cluster/configured-quorum.ts';
import { PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { withStartProblems } from '../hosts/start-problems.ts';
import { firstLine } from '../text/format.ts';
import type { Candidate, ListedBackup, PlanRecovery, RecoveryPlan, RecoveryTarget, Rung } from './contracts.ts';
import { strangeDataIn, withoutStrange } from './data-cluster.ts';
import { forgottenDataIn } from './forgotten-data.ts';
import { describeLeave, mayLeaveOut } from './leave-out.ts';
import { describeListed } from './listed-backups.ts';
import { boundDataLoss } from './loss-bound.ts';
import { describeSalvages, ladderOf, rankCandidates } from './recovery-candidates.ts';
import { type RestoreHost, requireRecoveryFit } from './recovery-fit.ts';
import { commandsOf, describeSteps, isActive, type LeftOut, stagingOf, type Winner } from './recovery-work.ts';
import { outlookOf, surveyServices } from './services.ts';

/**
 * What is restored, what is lost with it, and every command that it takes. Nothing was changed so far.
 * @param lateCertificates by member: which of those on its host do not hold now
 * @throws PreconditionFailed where nothing is left, a host is not ready, or members would have to be left out without leave
 * @throws UnsafeToProceed where it is not the data that is wrong
 */
export function planRecovery(
  input: PlanRecovery,
  lateCertificates: Readonly<Record<string, string[]>> = {},
): RecoveryPlan {
  const { cluster, dryRun } = input;
  requireDamage(input);
  const forgotten = forgottenDataIn(surveyServices(input), input);
  const strange = [...strangeDataIn(input), ...forgotten];
  const isStrange = (name: string) => strange.some(({ member }) => member === name);
  const usable = { ...input, salvaged: withoutStrange(input.salvaged, strange) };
  const candidates = rankCandidates(usable);
  const leftOut = chooseLeftOut(input);
  const winner = winnerOf(candidates, usable);
  const hosts = restoreHostsOf(input, winner, leftOut);
  if (!hosts.some(({ configured }) => configured.name === winner.candidate.member)) {
    throw new PreconditionFailed(
      `The snapshot is on the host of ${winner.candidate.member}, which is left out. Bring its host back, then start again.`,
    );
  }
  const { snapshot } = winner;
  requireRecoveryFit(hosts, lateCertificates, {
    member: winner.candidate.member,
    version: winner.version,
    compressedBytes: snapshot?.sizeBytes ?? winner.candidate.sizeBytes,
    sizeBytes: winner.candidate.sizeBytes,
  });
  const targets = hosts.map((host) => targetOf(host));
  const names = targets.map(({ member }) => member);
  const restart = restartRung(input);
  const bound = boundDataLoss({
    voters: votersOf(cluster).map(({ name }) => name),
    quorum: quorumIn(cluster),
    salvaged: input.salvaged,
    forgotten: forgotten.map(({ member }) => member),
    winner: winner.candidate,
  });
  const loss = { ...bound, explanation: `${bound.explanation}${explainPassedOver(input, winner)}` };
  const commands = commandsOf(input, winner, hosts, isStrange);
  return {
    ladder: ladderOf(candidates, restart, usable),
    candidates,
    backups: input.backup?.backups ?? [],
    winner: winner.candidate,
    loss: restart.serves ? { ...loss, explanation: `If the restart does not help: ${loss.explanation}` } : loss,
    cluster: { ...cluster, members: cluster.members.filter(({ name }) => names.includes(name)) },
    targets,
    leftOut,
    steps: [
      ...stepsOfBackups(input, winner),
      ...strange.map(({ member, why }) => `leave unused what ${member} holds, and move it aside: ${why}`),
      ...describeSteps(input, winner, hosts, leftOut),
    ],
    staging: snapshot && !dryRun ? stagingOf(input, winner.candidate, snapshot) : null,
    commands,
    archives: Object.fromEntries(
      input.inspections.flatMap(({ member, result }) => (result ? [[member, result.archives]] : [])),
    ),
  };
}

/**
 * Services that were started and did not stay up, and whose data is whole all the same: a restored member would stay up no better.
 * @throws UnsafeToProceed
 */
function requireDamage(input: PlanRecovery): void {
  const { cluster, parameters, dryRun, launched, salvaged } = input;
  if (dryRun || launched.length === 0 || parameters.snapshot?.force) return;
  const voters = votersOf(cluster).map(({ name }) => name);
  const logs = salvaged.filter(({ member, result }) => voters.includes(member) && result?.log?.complete);
  // Members of different clusters make no quorum with each other.
  const whole = Object.values(Object.groupBy(logs, ({ result }) => result?.log?.clusterId ?? '')).find(
    (each = []) => each.length >= quorumIn(cluster),
  );
  if (!whole) return;
  throw new UnsafeToProceed(
    withStartProblems(
      `The data of ${whole.map(({ member }) => member).join(', ')} is whole, and these are a quorum. Their services were started, and too few stay up. ` +
        'Their data is not the cause: a restore would not help, and would lose the last entries of their logs. Nothing ' +
        'was restored. Look at their configuration, certificates, ports and disks, then start again.',
      input,
    ),
  );
}

/** @throws PreconditionFailed where there is nothing to restore */
function winnerOf(candidates: readonly Candidate[], input: PlanRecovery): Winner {
  const { dryRun, salvaged, examined } = input;
  const [best] = candidates;
  if (!best) {
    throw new PreconditionFailed(
      `Nothing is left that could be restored:${listed([...describeSalvages(input), ...backupsWithout(input)])}\nLook for a snapshot of the cluster, name it with parameters.snapshot, and start again. Nothing was restored.`,
    );
  }
  const { atLeastRevision } = input.parameters;
  if (atLeastRevision !== undefined && BigInt(best.revision) < BigInt(atLeastRevision)) {
    throw new PreconditionFailed(
      `The newest that is left is revision ${best.revision} of ${best.member}, and less than ${atLeastRevision} was not approved. Nothing was ` +
        'restored. Start again for a new plan.',
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
    version: report?.result?.version ?? '',
    hashCheck: isBackup && examined?.result?.hasHash ? 'yes' : 'no',
    snapshot,
  };
}

/** Which of the cluster's own backups is taken, or why the newest is not. */
function stepsOfBackups({ backup }: PlanRecovery, { candidate }: Winner): string[] {
  if (!backup) return [];
  if (candidate.source === 'backup')
    return [`take the backup ${candidate.note}`, ...passedOver(backup, candidate).map(describePassedOver)];
  if (backup.problem !== '') return [`take no backup: they cannot be looked at: ${firstLine(backup.problem)}`];
  const [newest] = backup.backups;
  return [`take no backup: ${newest ? describeListed(newest) : 'there is none'}`];
}

interface PassedOver {
  backup: ListedBackup;
  /** How many writes it has more than the one that is taken; 0 where that is not known. */
  more: bigint;
}

/** Those that are newer than the one that is taken. */
function passedOver({ chosen, backups }: NonNullable<PlanRecovery['backup']>, { revision }: Candidate): PassedOver[] {
  const at = backups.findIndex(({ name }) => name === chosen?.name);
  return backups.slice(0, Math.max(0, at)).map((backup) => {
    const more = backup.revision === '' ? 0n : BigInt(backup.revision) - BigInt(revision);
    return { backup, more: more > 0n ? more : 0n };
  });
}

function describePassedOver({ backup, more }: PassedOver): string {
  return `pass over the newer backup ${describeListed(backup)}${more > 0n ? `. It has up to ${more} writes more` : ''}`;
}

/** What is lost besides, because a newer backup cannot be restored. */
function explainPassedOver({ backup }: PlanRecovery, { candidate }: Winner): string {
  if (!backup || candidate.source !== 'backup') return '';
  return passedOver(backup, candidate)
    .filter(({ more }) => more > 0n)
    .map(
      ({ backup: { name, revision }, more }) =>
        ` The newer backup ${name}, at revision ${revision}, cannot be taken, so up to ${more} writes more are lost than with it.`,
    )
    .join('');
}

/** The cluster's own backups, none of which could be taken. */
function backupsWithout({ backup, examined }: PlanRecovery): string[] {
  if (!backup) return [];
  if (backup.problem !== '') return [`the backups cannot be looked at: ${backup.problem}`];
  if (backup.backups.length === 0) return ['there is no backup'];
  return [
    ...(backup.chosen ? [`the backup ${backup.chosen.key} could not be looked at: ${examined?.problem ?? ''}`] : []),
    ...backup.backups.map((each) => `the backup ${describeListed(each)}`),
  ];
}

/**
 * Members that are not restored: learners, which join again by themselves; and those whose host or data cannot be reached.
 * @throws PreconditionFailed where the latter were not given leave to stay away
 */
function chooseLeftOut(input: PlanRecovery): LeftOut[] {
  const { cluster, parameters, salvaged, launched } = input;
  const away = surveyServices(input).flatMap(({ member, problem, inspection }): LeftOut[] => {
    if (!inspection) return [{ member, problem }];
    const report = salvaged.find((each) => each.member === member);
    if (report?.result) return [];
    return [
      { member, problem: `its data could not be copied, and may be newer: ${report?.problem ?? 'it was not tried.'}` },
    ];
  });
  const wanted = away.filter(({ member }) => !mayLeaveOut(parameters, member));
  if (wanted.length > 0) {
    const names = wanted.map(({ member }) => member).join(', ');
    const isOne = wanted.length === 1;
    throw new PreconditionFailed(
      `Not every member can be recovered:${listed(wanted.map(({ member, problem }) => `${member}: ${problem}`))}\n` +
        `What the others hold:${listed(describeSalvages({ launched, salvaged: salvaged.filter(({ result }) => result) }))}\n` +
        `What ${names} ${isOne ? 'holds' : 'hold'} may be newer. If ${isOne ? 'it runs out of sight, it serves' : 'they run out of sight, they serve'} ` +
        `clients beside what is restored. Bring ${isOne ? 'its host' : 'their hosts'} back; or make sure that ${names} ${isOne ? 'is' : 'are'} off for good, and ` +
        `${describeLeave(parameters)}. Nothing was restored.`,
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
      // What is restored from the scratch folder that it is in is not sent there once more.
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

function triedRestart(input: PlanRecovery): string | undefined {
  const { launched, restartProblem } = input;
  const names = launched.join(', ');
  const what = `${names} ${launched.length === 1 ? 'was' : 'were'} started, and no quorum came of it.`;
  if (launched.length > 0) return withStartProblems(what, input);
  return restartProblem === '' ? undefined : withStartProblems('No service could be started.', input);
}
