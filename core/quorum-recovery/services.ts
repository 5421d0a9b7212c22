import { type Cluster, type ConfiguredMember, layoutOf } from '../cluster/clusters.ts';
import { quorumIn, votersOf } from '../cluster/configured-quorum.ts';
import type { HostInspection, InspectionReport } from '../hosts/host-command-results.ts';
import { foldersMisfit } from '../hosts/host-fit.ts';
import { HOLDS_NOTHING, lostData, missingLog } from '../hosts/missing-data.ts';
import type { MemberStatus } from './contracts.ts';
import { forgottenAmong } from './forgotten-data.ts';
import type { Service } from './service.ts';

interface Surveyed {
  cluster: Cluster;
  members: MemberStatus[];
  inspections: InspectionReport[];
}

/** Every voter's service. Learners are none of a quorum. */
export function surveyServices(surveyed: Surveyed): Service[] {
  const services = markForgotten(eachService(surveyed), quorumIn(surveyed.cluster));
  const [biggest = []] = clustersAmong(services.filter(({ isReady }) => isReady));
  if (biggest.length < quorumIn(surveyed.cluster)) return services;
  // Members of other clusters make no quorum with these, and one that was bootstrapped alone would serve its own data beside them.
  const names = biggest.map(({ member }) => member).join(', ');
  return services.map((service) =>
    !service.isReady || service.clusterId === '' || biggest.includes(service)
      ? service
      : {
          ...service,
          isReady: false,
          problem: `its data is of another cluster (${service.clusterId}) than that of ${names} (${biggest[0]?.clusterId})`,
        },
  );
}

function markForgotten(services: Service[], quorum: number): Service[] {
  const found = forgottenAmong(services, quorum);
  return services.map((service) => {
    const why = found.get(service);
    return why ? { ...service, forgotten: why, isReady: false, problem: service.problem || why } : service;
  });
}

/** By the cluster that their data is of, the most first. Unknown ones are left out. */
function clustersAmong(services: readonly Service[]): Service[][] {
  const identified = services.filter(({ clusterId }) => clusterId !== '');
  return [...Map.groupBy(identified, ({ clusterId }) => clusterId).values()].toSorted((a, b) => b.length - a.length);
}

/** How many of them may be members of one cluster. */
export function countAlike(services: readonly Service[]): number {
  const [most = []] = clustersAmong(services);
  return most.length + services.filter(({ clusterId }) => clusterId === '').length;
}

function eachService({ cluster, members, inspections }: Surveyed): Service[] {
  return votersOf(cluster).map((configured) => {
    const { name: member, host = '' } = configured;
    const answers = members.some(({ name, answering }) => name === member && answering);
    const report = inspections.find((each) => each.member === member);
    const inspection = report?.result ?? null;
    if (!inspection) {
      const unseen =
        host === ''
          ? 'clusters.json names no "host" for it'
          : `its host ${host} cannot be looked at: ${report?.problem.replace(/\.$/, '') ?? 'it was not inspected'}`;
      const problem = answers ? '' : unseen;
      const known = { answers, runs: answers, isReady: answers, forgotten: '', clusterId: '' };
      return { member, host, ...known, problem, unseen, inspection };
    }
    const runs = inspection.unit.mainPid !== 0;
    const problem = startProblemOf(cluster, configured, inspection, runs);
    const { clusterId } = inspection;
    const forgotten = inspection.raftLog?.holds === 'nothing' ? HOLDS_NOTHING : '';
    return {
      member,
      host,
      answers,
      runs,
      isReady: problem === '',
      forgotten,
      clusterId,
      problem,
      unseen: '',
      inspection,
    };
  });
}

/**
 * Why a service could not be one of a quorum. A member whose process ended with an error may be one: the name server, the disk
 * or the port that it lacked may be back, and a start takes seconds. A restored snapshot instead could lose what it holds.
 */
function startProblemOf(
  cluster: Cluster,
  configured: ConfiguredMember,
  inspection: HostInspection,
  runs: boolean,
): string {
  const { unit, configuration } = inspection;
  const layout = layoutOf(cluster, configured);
  const lost = lostData(inspection);
  if (lost !== '') return lost;
  if (runs) return '';
  const missing = missingLog(inspection);
  if (missing !== '') return missing;
  const [misfit] = foldersMisfit(layout, { configuration });
  if (misfit) return misfit;
  const forced = configuration.overriding.find((setting) => /force[-_]new[-_]cluster/i.test(setting));
  if (forced) return `started, it would leave its cluster: ${forced}`;
  return unit.loadState === 'loaded' ? '' : `systemd has no usable unit "${layout.unit}" (${unit.loadState})`;
}

/** Whether starting services may bring a quorum back, and in words why, or why not. */
export function outlookOf(services: readonly Service[], cluster: Cluster): { canRestart: boolean; why: string } {
  const quorum = quorumIn(cluster);
  const ready = services.filter(({ isReady }) => isReady);
  const stopped = ready.filter(({ runs }) => !runs);
  const others = services
    .filter(({ isReady }) => !isReady)
    .map(({ member, problem }) => ` ${member}: ${problem}.`)
    .join('');
  const count = `${ready.length} of ${services.length} voters ${ready.length === 1 ? 'has' : 'have'} data, and a quorum is ${quorum}`;
  if (ready.length < quorum) return { canRestart: false, why: `${count}:${others}` };
  if (countAlike(ready) < quorum) {
    const list = clustersAmong(ready).map(
      (same) => `${same.map(({ member }) => member).join(', ')} (${same[0]?.clusterId})`,
    );
    return { canRestart: false, why: `${count}, but not of one cluster: ${list.join('; ')}.${others}` };
  }
  if (stopped.length > 0) return { canRestart: true, why: `${count}.${others}` };
  return { canRestart: false, why: `${count}, and all of them run already.${others}` };
}

/** `node3: etcd is failed (exit-code)`, and the last lines that it logged. */
export function describeLastStart({ member, unseen, inspection }: Service, lines: number): string {
  if (!inspection) return `${member}: ${unseen}.`;
  const { activeState, subState, result } = inspection.unit;
  const log = inspection.log.slice(-lines).map((line) => `\n    ${line.slice(0, 300)}`);
  return `${member}: etcd is ${activeState} (${subState}, ${result})${log.length > 0 ? `; the end of its log:${log.join('')}` : ''}`;
}
