import type { Cluster, Layout } from '../cluster/clusters.ts';
import type { SurveyedMember } from '../cluster/member-survey.ts';
import type { AnsweringMember } from '../cluster/observation.ts';
import { judgeWork } from '../hosts/at-work.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { foldersOf, ignoredSettings } from '../hosts/host-fit.ts';
import { placeOf } from '../hosts/host-place.ts';
import type { PlannedTarget } from './contracts.ts';
import { describeReplay } from './replayed-log.ts';

interface OnHost {
  surveyed: SurveyedMember;
  replaced: SurveyedMember | undefined;
  inspection: HostInspection;
  leader: AnsweringMember;
}

/** What an earlier run has done before it was cut off is listed as done, so that the plan shows what is left. */
export function describeSteps(target: PlannedTarget, cluster: Cluster, seen: OnHost): string[] {
  const { member, host, asLearner, peerUrls } = target;
  const { layout } = placeOf(cluster, member);
  const ignored = ignoredSettings(seen.inspection);
  const replay = describeReplay(seen.leader, seen.inspection);
  return [
    describeStop(target, layout, seen),
    ...describeRemoval(target, seen),
    describeMove(target, layout, seen.inspection),
    `add ${member} (${peerUrls.join(', ')}) to etcd as a ${asLearner ? 'learner' : 'voter'}`,
    `write the membership into ${layout.configFile} on ${host}, and start ${layout.unit}${ignored && `; ${ignored}`}`,
    ...(replay === '' ? [] : [`note that ${replay}`]),
    ...describeWait(target),
  ];
}

export function describeWait({ member, asLearner, staysLearner }: PlannedTarget): string[] {
  const promotion = asLearner && !staysLearner ? [`promote ${member} once it is caught up`] : [];
  return [`wait until ${member} is caught up`, ...promotion];
}

function describeStop({ host, wasActive }: PlannedTarget, { unit }: Layout, { surveyed, inspection }: OnHost): string {
  if (!wasActive) return `already done: ${unit} on ${host} is stopped (${inspection.unit.activeState})`;
  // Why a member that has a process is taken for failed.
  const how = inspection.unit.mainPid === 0 ? '' : `, which ${judgeWork(inspection, surveyed.listed?.id ?? '').how}`;
  return `stop ${unit} on ${host}${how}`;
}

function describeRemoval({ removeIds }: PlannedTarget, { surveyed, replaced }: OnHost): string[] {
  const { name } = replaced ?? surveyed;
  if (removeIds.length === 0) return [`already done: ${name} is not in etcd's list`];
  return removeIds.map((id) => {
    const isUnstarted = surveyed.listed?.id === id && surveyed.listed.name === '';
    return `remove member ${id} from etcd${isUnstarted ? `, which was added for ${surveyed.name} and has never started` : ''}`;
  });
}

function describeMove({ host }: PlannedTarget, layout: Layout, { dataDir, walDir, archives }: HostInspection): string {
  const [member = '', ...wal] = foldersOf(layout);
  const remaining = [...(dataDir.empty ? [] : [member]), ...(walDir?.empty ? [] : wal)];
  if (remaining.length > 0) return `move ${remaining.join(' and ')} aside on ${host}`;
  return archives.length > 0
    ? `already done: the data on ${host} is moved aside, and kept: ${archives.join(', ')}`
    : `nothing to move aside: ${dataDir.path} on ${host} holds no data of etcd`;
}
