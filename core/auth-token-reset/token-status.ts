import type { ConfiguredMember } from '../cluster/clusters.ts';
import type { LoginAnswer, TokenProbe, TokenUse } from '../cluster/evidence.ts';
import { type Survey, type SurveyedMember, surveyMembers } from '../cluster/member-survey.ts';
import { EtcdUnavailable, PreconditionFailed } from '../errors.ts';
import type { MemberTokens, TokenObservation, TokenStatus } from './contracts.ts';

/** How every member stands to fresh tokens, and to the part of the cluster that works. */
export interface TokenSurvey {
  survey: Survey;
  members: MemberTokens[];
}

/**
 * Whether authentication is disabled. Members answer a login as the cluster has agreed on it; where they differ, one is of another cluster, or
 * it was just disabled or enabled.
 */
export function isOpen({ probes }: TokenObservation): boolean {
  const count = (...answers: LoginAnswer['answer'][]) =>
    probes.filter(({ login }) => answers.includes(login.answer)).length;
  return count('Open') > count('Issued', 'WrongPassword');
}

/**
 * Tells a member that rejects every token from those whose trouble only looks like it. For where authentication is enabled.
 * @throws PreconditionFailed where nobody can log in; EtcdUnavailable without a leader that a quorum follows
 */
export function surveyTokens(configured: readonly ConfiguredMember[], observation: TokenObservation): TokenSurvey {
  requireLogin(observation);
  const survey = surveyMembers(configured, observation);
  const probes = observation.probes.map((probe) => ({ ...probe, uses: probe.uses.filter(isOfThisCluster(survey)) }));
  const members = survey.members.map((member) => {
    const { name, id, version } = member;
    const probe = probes.find((each) => each.member === name) as TokenProbe;
    return { name, id, version, ...judgeTokens(member, probe, probes) };
  });
  return { survey, members };
}

/** A token of a member of another cluster need not be accepted. */
function isOfThisCluster({ members }: Survey): (use: TokenUse) => boolean {
  return ({ issuer }) =>
    members.some(({ name, state }) => name === issuer && state !== 'failed' && state !== 'unjudged');
}

export function membersThat(status: TokenStatus, members: readonly MemberTokens[]): string[] {
  return members.filter((member) => member.status === status).map(({ name }) => name);
}

function requireLogin({ probes }: TokenObservation): void {
  if (probes.some(({ login }) => login.answer === 'Issued')) return;
  const list = probes.map(({ member, login }) => `\n- ${member}: ${login.problem}`).join('');
  if (probes.some(({ login }) => login.answer === 'WrongPassword')) {
    throw new PreconditionFailed(
      `The login with the cluster's auth secret fails: its user name or password is wrong. No token was rejected.${list}\n` +
        'Correct the secret. A restart would not help.',
    );
  }
  if (probes.some(({ login }) => login.answer === 'Refused')) {
    throw new PreconditionFailed(`No member issues a token:${list}\nCorrect what is said of each, then start again.`);
  }
  throw new EtcdUnavailable(
    `No member issues a token, for which etcd needs a quorum:${list}\nIf it goes on, see the incident quorum-lost.`,
  );
}

type Judgement = Pick<MemberTokens, 'status' | 'problem'>;

function judgeTokens(
  { name, state, problem, isCaughtUp }: SurveyedMember,
  { uses, login }: TokenProbe,
  probes: readonly TokenProbe[],
): Judgement {
  const having = (answer: TokenUse['answer']) => uses.filter((use) => use.answer === answer);
  const [taken, rejected] = [having('Taken'), having('Rejected')];
  const [refused] = having('Refused');
  const [outdated] = having('Outdated');
  const [unanswered] = having('Unanswered');
  if (state === 'failed' || state === 'unjudged') return { status: 'Failed', problem };
  if (refused) return { status: 'Refuses', problem: refused.problem };
  const isJwt = probes.some((probe) => probe.login.format === 'jwt');
  if (isJwt && isClockBehind(name, probes)) {
    return {
      status: 'ClockDiffers',
      problem:
        'issues JWTs that the others reject, and takes theirs: its clock is behind, so that its tokens have ended already. Set its clock.',
    };
  }
  if (taken.length === uses.length) return { status: 'TakesTokens', problem: '' };
  if (outdated) {
    return {
      status: 'AuthStoreDiffers',
      problem: `says that the token which ${outdated.issuer} has just issued is older than its own users and roles: ${outdated.problem}`,
    };
  }
  if (!isCaughtUp) return { status: 'Lags', problem: `${problem}: it does not know new tokens yet.` };
  if (unanswered) return { status: 'Lags', problem: `does not answer to a new token in time: ${unanswered.problem}` };
  if (isJwt) return judgeSignatures(name, uses, probes);
  if (taken.length === 0) {
    return {
      status: 'RejectsTokens',
      problem: `rejects each of the ${uses.length} tokens that were issued a moment ago${login.answer === 'Issued' ? ', its own too' : ''} ("invalid auth token").`,
    };
  }
  return {
    status: 'Unsettled',
    problem: `rejects the new tokens of ${rejected.map(({ issuer }) => issuer).join(', ')} and takes others: it was just restarted, or authentication was just enabled.`,
  };
}

/**
 * A JWT need not be known to anybody: what a member does not take of it is the signature, or the time. One that rejects no more than half
 * of the issuers is not the one that differs.
 */
function judgeSignatures(name: string, uses: readonly TokenUse[], probes: readonly TokenProbe[]): Judgement {
  const rejected = uses.filter(({ answer }) => answer === 'Rejected');
  if (rejected.length * 2 < uses.length) return { status: 'TakesTokens', problem: '' };
  const takers = takersOf(name, probes);
  const [takesItsOwn, othersTakeIt] = [takers.includes(name), takers.some((taker) => taker !== name)];
  if (takesItsOwn && othersTakeIt) {
    return {
      status: 'ClockDiffers',
      problem:
        'rejects the JWTs of others, which take its own: its clock is ahead of theirs, so that a new token has ended to it already. Set its clock.',
    };
  }
  return {
    status: 'KeysDiffer',
    problem: `rejects the JWTs of ${rejected.map(({ issuer }) => issuer).join(', ')}: its keys are not theirs. Give every member the same --auth-token: pub-key, priv-key and sign-method.`,
  };
}

/** Who takes the token that a member has issued. */
function takersOf(issuer: string, probes: readonly TokenProbe[]): string[] {
  return probes
    .filter(({ uses }) => uses.some((use) => use.issuer === issuer && use.answer === 'Taken'))
    .map(({ member }) => member);
}

/** Whether no other takes its token, while it takes those of all. */
function isClockBehind(name: string, probes: readonly TokenProbe[]): boolean {
  const own = probes.find(({ member }) => member === name);
  const others = probes.filter((probe) => probe !== own && probe.uses.length > 0);
  const rejecting = others.filter(({ uses }) =>
    uses.some(({ issuer, answer }) => issuer === name && answer === 'Rejected'),
  );
  return (
    own?.uses.every(({ answer }) => answer === 'Taken') === true &&
    others.length > 1 &&
    rejecting.length === others.length
  );
}
