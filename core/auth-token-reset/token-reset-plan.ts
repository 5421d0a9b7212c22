import { type Cluster, layoutOf } from '../cluster/clusters.ts';
import { quorumOf, type Survey } from '../cluster/member-survey.ts';
import type { ListedMember } from '../cluster/observation.ts';
import { forgetsToEnableTokens } from '../cluster/releases.ts';
import { PreconditionFailed } from '../errors.ts';
import type { InspectionReport } from '../hosts/host-command-results.ts';
import { foldersMisfit, otherMemberOn } from '../hosts/host-fit.ts';
import { lostData, missingLog } from '../hosts/missing-data.ts';
import type { MemberTokens, PlanTokenReset, ResetPremises, ResetRung, TokenResetPlan } from './contracts.ts';
import { membersThat } from './token-status.ts';

/**
 * What the cure takes: a restart of each member that rejects tokens, where its host can be reached; or, where that cannot be reached or does not
 * help, disabling and enabling authentication.
 * @param members how they stand now
 * @throws PreconditionFailed where neither can be had
 */
export function planTokenReset(
  { cluster, parameters: { strategy }, rejecting, inspections }: PlanTokenReset,
  members: readonly MemberTokens[],
  premises: ResetPremises,
): TokenResetPlan {
  const problems = rejecting.map((name) => ({
    name,
    problem: premises.needed.includes(name)
      ? 'the others are no quorum without it'
      : restartProblem(cluster, name, inspections),
  }));
  const restartable =
    strategy === 'toggle' ? [] : problems.filter(({ problem }) => problem === '').map(({ name }) => name);
  const toggleProblem = toggleMisfit(members, premises, strategy);
  const ladder: ResetRung[] = [
    {
      rung: 'restart',
      serves: restartable.length > 0,
      why: strategy === 'toggle' ? 'Not asked for: the strategy is toggle.' : describeRestarts(problems),
    },
    {
      rung: 'toggle',
      serves: toggleProblem === '',
      why: toggleProblem || 'Disabling authentication and enabling it again enables the tokens of every member.',
    },
  ];
  if (restartable.length < rejecting.length && toggleProblem !== '') {
    throw new PreconditionFailed(
      `Not every member that rejects tokens can be cured, and nothing was changed:\n${ladder.map(({ rung, why }) => `- ${rung}: ${why}`).join('\n')}`,
    );
  }
  return {
    ladder,
    steps: describeSteps(rejecting, restartable, toggleProblem === '', premises),
    restartable,
    mayToggle: toggleProblem === '',
    advice: advise(members, rejecting),
  };
}

/** Those of the members that the quorum cannot do without. */
export function neededBy(survey: Survey, memberList: readonly ListedMember[], names: readonly string[]): string[] {
  const healthy = survey.members.filter(({ state, listed }) => state === 'healthy' && listed?.isLearner === false);
  return names.filter((name) => healthy.filter((member) => member.name !== name).length < quorumOf(memberList));
}

/** Why a member's service cannot be restarted; empty where it can. */
function restartProblem(cluster: Cluster, name: string, inspections: readonly InspectionReport[]): string {
  const member = cluster.members.find((each) => each.name === name);
  if (!member?.host) return 'clusters.json names no "host" for it';
  const report = inspections.find((each) => each.member === name);
  if (!report?.result)
    return `its host ${member.host} cannot be looked at: ${report?.problem ?? 'it was not inspected'}`;
  const other = otherMemberOn(member, report.result);
  if (other !== '') return `the etcd on its host ${member.host} is another member's: ${other}`;
  const [misfit] = foldersMisfit(layoutOf(cluster, member), report.result);
  if (misfit) return misfit;
  // It answers with what it has in memory and in files that are deleted already, and would have nothing after a restart.
  const missing = lostData(report.result) || missingLog(report.result);
  if (missing !== '') return missing;
  const { activeState, subState, mainPid } = report.result.unit;
  // The member answers, so etcd runs: where this unit does not run it, a restart would start a second one.
  if (activeState === 'active' && mainPid !== 0) return '';
  const unit = `its unit on ${member.host} is ${activeState} (${subState})`;
  if (activeState === 'activating') return `${unit}: it has only just been started. Once it is up, start again`;
  return `${unit}, so etcd runs there in another way`;
}

/** Why authentication must not be disabled; empty where it may be. */
function toggleMisfit(
  members: readonly MemberTokens[],
  { rootRoles }: ResetPremises,
  strategy: PlanTokenReset['parameters']['strategy'],
): string {
  if (strategy === 'restart') return 'Not asked for: the strategy is restart.';
  if (membersThat('TakesTokens', members).length === 0) {
    return 'No member accepts a token, and without a token authentication cannot be disabled.';
  }
  return rootMisfit(rootRoles);
}

/**
 * Why authentication could not be enabled again; empty where it could.
 * @see https://etcd.io/docs/v3.5/op-guide/authentication/rbac/
 */
function rootMisfit(rootRoles: readonly string[] | null): string {
  if (rootRoles === null) return 'etcd has no user root, so authentication could not be enabled again.';
  if (rootRoles.includes('root')) return '';
  return 'The user root does not have the role root, so authentication could not be enabled again: "etcdctl user grant-role root root".';
}

/** The last look before authentication is disabled. @param rootRoles null where there is no user root @throws PreconditionFailed */
export function requireRoot(rootRoles: readonly string[] | null): void {
  const misfit = rootMisfit(rootRoles);
  if (misfit !== '') throw new PreconditionFailed(`${misfit} Nothing was changed.`);
}

function describeRestarts(problems: readonly { name: string; problem: string }[]): string {
  const able = problems.filter(({ problem }) => problem === '').map(({ name }) => name);
  const unable = problems.filter(({ problem }) => problem !== '');
  return [
    ...(able.length > 0 ? [`${able.join(', ')} can be restarted, which leaves no moment without authentication.`] : []),
    ...unable.map(({ name, problem }) => `${name} cannot be restarted: ${problem.replace(/\.$/, '')}.`),
  ].join(' ');
}

function describeSteps(
  rejecting: readonly string[],
  restartable: readonly string[],
  mayToggle: boolean,
  { admitsWithoutCertificate }: ResetPremises,
): string[] {
  const restarts = restartable.map((name) => `restart the service of ${name}, alone, while the others are a quorum`);
  const when = restartable.length === rejecting.length ? 'where that does not help, ' : '';
  const exposure = admitsWithoutCertificate
    ? 'meanwhile anyone who reaches a client port may read and write'
    : 'meanwhile anyone with a client certificate of the cluster may read and write: mutual TLS keeps out everyone else';
  const toggle = `${when}disable authentication and enable it again at once; ${exposure}, and afterwards every token in the cluster is invalid`;
  return [
    ...restarts,
    ...(mayToggle ? [toggle] : []),
    'prove it: fresh tokens taken, and strangers refused, by every member',
  ];
}

function advise(members: readonly MemberTokens[], rejecting: readonly string[]): string {
  const affected = members.filter(({ version }) => version !== '' && forgetsToEnableTokens(version));
  if (affected.length === 0) {
    return (
      `No release that runs here is known to reject every token (${rejecting.join(', ')} did): keep the log of that member from before its ` +
      'restart, and report it to the etcd project.'
    );
  }
  const releases = [...new Set(affected.map(({ version }) => version))].join(', ');
  return (
    `etcd ${releases} does this whenever a member joins through a snapshot (https://github.com/etcd-io/etcd/pull/13205): upgrade to 3.4.20, ` +
    '3.5.6 or later. With JWT (--auth-token=jwt,...) no member has to know a token.'
  );
}
