import type { Cluster } from '../cluster/clusters.ts';
import { quorumIn } from '../cluster/configured-quorum.ts';
import { PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import { judgeWork } from '../hosts/at-work.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { otherMemberOn } from '../hosts/host-fit.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import { stopOf } from '../hosts/service-commands.ts';
import { withStartProblems } from '../hosts/start-problems.ts';
import { START_AGAIN } from '../text/format.ts';
import { compressorFor } from './compressor.ts';
import type { ChooseRecovery, RecoveryAction } from './contracts.ts';
import { stoppedFirst } from './forgotten-data.ts';
import { clearInterrupted, keptRecoveries } from './interrupted-recovery.ts';
import { requireReadableBackup } from './named-backup.ts';
import { discardOf, examineOf, launchOf, salvageOf } from './recovery-commands.ts';
import { releasesMisfit } from './recovery-fit.ts';
import type { Service } from './service.ts';
import { countAlike, describeLastStart, outlookOf, surveyServices } from './services.ts';

/** A wait lasts about 15 s: two minutes for members to replay their logs, reach each other and elect. */
const MAX_WAITS = 8;

/** A leader that hosts already see is seen here within seconds, or not at all. */
const MAX_WAITS_AT_WORK = 2;

/** What a dry run reports in place of a real one. */
const WOULD_RESTART =
  'A dry run starts nothing; a real one first starts the services, which loses nothing, and does the rest only where that does not help.';
const WOULD_WAIT = 'A real run waits for them to find a leader, and where they do not, it restores nothing.';

/** Far more than one interrupted recovery, one start and all the waits take. */
const MAX_TURNS = 40;

/**
 * The cheapest thing that may bring the quorum back, decided again from a fresh inspection of every host: clear away a recovery that was
 * cut off; start the services of a quorum of data dirs, which loses nothing; wait for it; and only then, take snapshots of what is left.
 *
 * @throws UnsafeToProceed where a quorum of members runs and finds no leader: their data is there, and a restore would only lose
 * @throws PreconditionFailed, InvalidInput
 */
export function chooseRecovery(input: ChooseRecovery): RecoveryAction {
  const { cluster, parameters, dryRun, restarted, launchFailed, waits, turn } = input;
  requireReadableBackup(cluster, parameters);
  if (turn > MAX_TURNS) {
    throw new PreconditionFailed(
      `After ${turn} turns the quorum is neither back nor given up: what is done on the hosts does not last. Find out who else works on ` +
        'them, then start again.',
    );
  }
  refuseOtherMembers(input);
  const { kept, forget } = keptRecoveries(input);
  const rest = { discard: [], examine: null, kept, mustStart: 0 };
  const clearance = clearInterrupted(input);
  if (clearance) return { ...rest, ...clearance };
  const services = surveyServices(input);
  const outlook = outlookOf(services, cluster);
  const led = services.filter(({ runs, inspection }) => runs && inspection?.atWork.answer === 'leader');
  const begunAnew = led.filter(({ forgotten }) => forgotten !== '');
  if (countAlike(begunAnew) >= quorumIn(cluster)) throw emptyAtWork(begunAnew);
  const atWork = led.filter(({ forgotten }) => forgotten === '');
  if (countAlike(atWork) >= quorumIn(cluster)) {
    const summary = `The hosts of ${namesOf(atWork)}, which are a quorum, say that their etcd runs and has a leader.`;
    if (dryRun || waits >= MAX_WAITS_AT_WORK) throw onlyUnreached(summary, services);
    return { ...rest, action: 'WaitForQuorum', summary, commands: [], discard: forget };
  }
  const forgetful = stoppedFirst(services);
  if (forgetful.length > 0 && !dryRun) {
    const why = forgetful.map(({ member, forgotten }) => `${member}: ${forgotten}.`).join(' ');
    const summary = `${why} ${namesOf(forgetful)} must not be one of a quorum, and is stopped before anything else is done.`;
    const commands = forgetful.map(({ member }) => stopOf(cluster, member));
    return { ...rest, action: 'Stop', summary, commands };
  }
  if (parameters.snapshot?.force) {
    return {
      ...rest,
      ...salvage(input, services, 'A backup is to be restored whatever is left, so no service is started on its data.'),
    };
  }
  const frozen = describeFrozen(services);
  const up = services.filter(
    ({ member, runs, forgotten }) => runs && forgotten === '' && !launchFailed.includes(member) && !frozen.has(member),
  );
  const running = up.map(({ member }) => member);
  const isEnough = countAlike(up) >= quorumIn(cluster);
  const restarts = outlook.canRestart && !restarted;
  if (frozen.size > 0 && !restarts && !isEnough) throw onlyFrozen([...frozen.values()], input);
  if (dryRun) {
    const stop = forgetful.length > 0 ? `A real run first stops ${namesOf(forgetful)}, which loses nothing. ` : '';
    const first = outlook.canRestart ? WOULD_RESTART : isEnough ? WOULD_WAIT : '';
    return { ...rest, ...salvage(input, services, `${outlook.why} ${stop}${first}`.trim()) };
  }
  if (restarts) {
    const stopped = services.flatMap(({ member, isReady, runs, inspection }) =>
      isReady && !runs && inspection ? [launchOf(cluster, member, inspection)] : [],
    );
    const summary = `${outlook.why} Their services are started, which loses nothing.`;
    const mustStart = quorumIn(cluster) - running.length;
    return { ...rest, action: 'Restart', summary, commands: stopped, mustStart, discard: forget };
  }
  if (isEnough) {
    const summary = `${running.join(', ')} run, which is a quorum: it gets some time to find its leader.`;
    if (waits < MAX_WAITS) return { ...rest, action: 'WaitForQuorum', summary, commands: [], discard: forget };
    throw leaderless(services, input);
  }
  const why = restarted
    ? withStartProblems(
        `Services were started, and ${running.length} of the ${quorumIn(cluster)} that make a quorum stay up.`,
        input,
      )
    : outlook.why;
  return { ...rest, ...salvage(input, services, why) };
}

/** What is on such a host is no evidence of this cluster, and nothing is to be done there: not even a snapshot is taken of it. */
function refuseOtherMembers({ cluster, inspections }: ChooseRecovery): void {
  const found = inspections.flatMap(({ member, host, result }) => {
    const configured = cluster.members.find(({ name }) => name === member);
    const other = configured && result && otherMemberOn(configured, result);
    return other ? [`\n- ${member} on ${host}: ${other}`] : [];
  });
  if (found.length === 0) return;
  throw new PreconditionFailed(
    `The etcd on these hosts is not the member that clusters.json says:${found.join('')}\nNothing was changed there. Correct the "host" of the member in ` +
      `clusters.json, its peerUrl, or how the host is reached. ${START_AGAIN}`,
  );
}

/** The approved plan had no restore in it. */
function nothingMore(why: string): PreconditionFailed {
  return new PreconditionFailed(
    `The quorum is still lost. ${why}\nWhat was approved restores nothing: it only finishes an interrupted recovery. Start again: the next plan is ` +
      'made of the data that is there now.',
  );
}

/** Nothing is wrong with such a cluster, and a recovery would stop it. */
function onlyUnreached(summary: string, services: readonly Service[]): PreconditionFailed {
  const list = services
    .filter(({ inspection }) => inspection !== null)
    .map(({ member, inspection }) => `\n- ${member}: its host ${judgeWork(inspection as HostInspection, '').how}`);
  return new PreconditionFailed(
    `${summary} It serves its clients and only cannot be reached from here, so nothing was stopped or restored.${list.join('')}\n` +
      'Correct what is in between: the clientUrls in clusters.json, the name server, a firewall, or the certificates.',
  );
}

function namesOf(services: readonly Service[]): string {
  return services.map(({ member }) => member).join(', ');
}

/** Its clients may have been writing to it for long. */
function emptyAtWork(services: readonly Service[]): UnsafeToProceed {
  const list = services.map(({ member, forgotten }) => `\n- ${member}: ${forgotten}`).join('');
  return new UnsafeToProceed(
    `${namesOf(services)} run as a cluster that began empty:${list}\nNothing was stopped or restored, because clients may have written to it. Decide which data to ` +
      `keep. To keep the data from before: stop etcd on ${services.map(({ host }) => host).join(', ')}, and start again.`,
  );
}

/** What their hosts say of those that are frozen, by member: a member that holds nothing is not missed. */
function describeFrozen(services: readonly Service[]): Map<string, string> {
  return new Map(
    services.flatMap(({ member, host, forgotten, inspection }) => {
      if (forgotten !== '') return [];
      const work = inspection && judgeWork(inspection, '');
      return work?.state === 'frozen' ? [[member, `\n- ${member}: its host ${host} ${work.how}`]] : [];
    }),
  );
}

/** They may be all that a quorum lacks, and a copy of their data would be of a moment long gone. */
function onlyFrozen(list: readonly string[], input: ChooseRecovery): PreconditionFailed {
  const what = `A member that is frozen has not failed, so nothing is restored:${list.join('')}\nDo that, or restart its service, then start again.`;
  return new PreconditionFailed(
    input.restarted
      ? withStartProblems(`${what} Other services were started before this, and run on; no data was changed.`, input)
      : `${what} Nothing was changed.`,
  );
}

function leaderless(services: readonly Service[], input: ChooseRecovery): UnsafeToProceed {
  const list = services.map((service) => `\n- ${describeLastStart(service, 5)}`).join('');
  return new UnsafeToProceed(
    `A quorum of members runs with its data, and finds no leader.${list}\nTheir data is whole: a restore would not help, and would lose ` +
      'what they hold, so nothing is restored. Look at the network between them, at their certificates and at their configuration. Once that is ' +
      'corrected, they find a leader. If the logs speak of another cluster ID, a member was left out of an earlier recovery and came back: ' +
      'stop that member, move its data dir aside, and start again.' +
      (input.restarted
        ? withStartProblems('\nServices were started before this, and run on; no data was changed.', input)
        : ''),
  );
}

/** @param why nothing cheaper serves */
function salvage(
  { cluster, parameters, dryRun, execution }: ChooseRecovery,
  services: readonly Service[],
  why: string,
): Pick<RecoveryAction, 'action' | 'summary' | 'commands' | 'discard' | 'examine'> {
  if (parameters.restoreNothing) throw nothingMore(why);
  refuseUnstoppable(services, why);
  const onHosts = services.filter(({ inspection }) => inspection !== null);
  if (onHosts.length === 0) {
    const list = services.map(({ member, problem }) => `\n- ${member}: ${problem}`).join('');
    throw new PreconditionFailed(
      `No voter's host can be reached, so there is nothing to recover from.${list}\nNothing was changed. Bring back the hosts that still have data, then start again.`,
    );
  }
  refuseMixedReleases(onHosts, cluster);
  const examine = parameters.snapshot ? chooseExamination(onHosts, { cluster, dryRun, execution }) : null;
  return {
    action: 'Salvage',
    summary: why,
    commands: onHosts.map(({ member }) =>
      salvageOf(cluster, member, { execution, keep: !dryRun, compressor: compressorFor(onHosts) }),
    ),
    discard: onHosts.map(({ member }) => discardOf(cluster, member, execution, 'undo')),
    examine,
  };
}

/**
 * They are known before anything is copied: a salvage of a large database takes its time.
 * @throws PreconditionFailed
 */
function refuseMixedReleases(services: readonly Service[], cluster: Cluster): void {
  const hosts = services.flatMap(({ member, inspection }) => {
    const configured = cluster.members.find(({ name }) => name === member);
    return configured && inspection ? [{ configured, inspection }] : [];
  });
  const problems = releasesMisfit(hosts);
  if (problems.length === 0) return;
  throw new PreconditionFailed(
    `A quorum is recovered by one release of etcd, and ${problems.join('')}. Then start again. Nothing was restored.`,
  );
}

/**
 * Fetches a backup on the host with the most room, of those that have etcd's programs.
 * @param sha256 of its object; empty where it is not known
 * @throws PreconditionFailed where there is none
 */
export function chooseExamination(
  services: readonly Service[],
  { cluster, dryRun, execution }: Pick<ChooseRecovery, 'cluster' | 'dryRun' | 'execution'>,
  sha256 = '',
): HostCommand {
  const freeBytes = ({ inspection }: Service) => inspection?.dataDir.freeBytes ?? 0;
  const [roomiest] = services
    .filter(({ inspection }) => inspection?.etcdVersion)
    .toSorted((a, b) => freeBytes(b) - freeBytes(a));
  if (roomiest)
    return examineOf(cluster, roomiest.member, {
      execution,
      keep: !dryRun,
      compressor: compressorFor(services),
      sha256,
    });
  throw new PreconditionFailed(
    "No host that can be reached has etcd's programs, so the backup cannot be read. Install them where binDir says.",
  );
}

/**
 * What is restored is a new cluster. A member of the old one that is not stopped would go on serving its clients what it has, beside it.
 * @throws PreconditionFailed
 */
function refuseUnstoppable(services: readonly Service[], why: string): void {
  const hidden = services.filter(({ answers, inspection }) => answers && inspection === null);
  const elsewhere = services.filter(({ answers, runs }) => answers && !runs);
  const list = [
    ...hidden.map(({ member, unseen }) => `${member} answers clients, and ${unseen}`),
    ...elsewhere.map(
      ({ member, host }) =>
        `${member} answered clients a moment ago, and its unit on ${host} has no process: it has just ended, or etcd runs there in another way`,
    ),
  ];
  if (list.length === 0) return;
  throw new PreconditionFailed(
    `${why}\nAll members have to be stopped before data is restored. These cannot be:${list.map((each) => `\n- ${each}`).join('')}\n` +
      'Correct what is said of its host, or stop its etcd by hand, then start again. Nothing was restored.',
  );
}
