import type { TokenObservation } from '../../core/auth-token-reset/contracts.ts';
import type { LoginAnswer, TokenProbe, TokenUse } from '../../core/cluster/evidence.ts';
import type { MemberObservation } from '../../core/cluster/observation.ts';
import { EtcdUnavailable, RemediationError } from '../../core/errors.ts';
import { readWindow } from './authentication-window.ts';
import { type EtcdCluster, seenAt } from './cluster.ts';
import { hasReason } from './errors.ts';
import type { EtcdMember } from './member.ts';

/** A login has to be agreed on by the members, and is computed for about a tenth of a second. */
const LOGIN_MS = 5_000;
/** etcd's own is a random word and a raft index; a JWT has three parts. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** @throws as EtcdCluster.observe */
export async function observeTokens(etcd: EtcdCluster): Promise<TokenObservation> {
  // What a member says of itself: one that rejects tokens serves nobody, and is a part of the quorum all the same.
  const observation = await etcd.observe((member) => member.status());
  const probes = await probeTokens(etcd, observation.members);
  const isOpen = probes.some(({ login }) => login.answer === 'Open');
  const own = etcd.ofThisCluster(observation.members);
  return { ...observation, probes, window: isOpen && own.length > 0 ? (await readWindow(own)).window : null };
}

/**
 * Lets every voter issue a token and uses each at every member, for reads and for writes that change nothing. The tokens are used here
 * and told to nobody.
 * @param members what each has reported of itself
 */
export async function probeTokens(etcd: EtcdCluster, members: readonly MemberObservation[]): Promise<TokenProbe[]> {
  const logins = await Promise.all(
    etcd.members.map((member) => strangerAt(member, seenAt(member, members)) ?? login(member)),
  );
  const tokens = logins.flatMap(({ issuer, token }) => (token === '' ? [] : [{ issuer, token }]));
  return Promise.all(
    etcd.members.map(async (member) => {
      const seen = seenAt(member, members);
      const { answer } = logins.find(({ issuer }) => issuer === member.name) as Login;
      const isAway = !seen?.answering && answer.answer === 'Unanswered';
      const isLearner = seen?.answering === true && seen.isLearner;
      const uses: TokenUse[] = [];
      for (const { issuer, token } of tokens) {
        uses.push({
          issuer,
          ...(isAway ? { answer: 'Unanswered', problem: answer.problem } : await use(member, token, !isLearner)),
        });
      }
      return { member: member.name, login: answer, uses };
    }),
  );
}

interface Login {
  issuer: string;
  /** Empty where none was issued. */
  token: string;
  answer: LoginAnswer;
}

/** No token is asked of a member of another cluster, and none is shown to it. */
function strangerAt({ name }: EtcdMember, seen: MemberObservation | undefined): Login | undefined {
  if (!seen || seen.answering || seen.silence !== 'stranger') return undefined;
  return { issuer: name, token: '', answer: { answer: 'Unanswered', format: '', problem: seen.problem } };
}

async function login(member: EtcdMember): Promise<Login> {
  const none = { issuer: member.name, token: '' };
  try {
    const token = await member.authentication.issueToken(Date.now() + LOGIN_MS);
    if (token === '') return { ...none, answer: { answer: 'Open', format: '', problem: '' } };
    return { ...none, token, answer: { answer: 'Issued', format: JWT.test(token) ? 'jwt' : 'simple', problem: '' } };
  } catch (error) {
    return { ...none, answer: { answer: loginAnswerOf(error), format: '', problem: (error as Error).message } };
  }
}

/** @throws what is no answer of etcd */
function loginAnswerOf(error: unknown): LoginAnswer['answer'] {
  if (hasReason(error, 'WrongPassword')) return 'WrongPassword';
  if (hasReason(error, 'LearnerRefused')) return 'Learner';
  return unansweredOrRefused(error);
}

async function use(member: EtcdMember, token: string, write: boolean): Promise<Omit<TokenUse, 'issuer'>> {
  try {
    await member.authentication.presentToken(token, { write });
    return { answer: 'Taken', problem: '' };
  } catch (error) {
    const problem = (error as Error).message;
    if (hasReason(error, 'TokenRejected')) return { answer: 'Rejected', problem };
    if (hasReason(error, 'TokenOutdated')) return { answer: 'Outdated', problem };
    return { answer: unansweredOrRefused(error), problem };
  }
}

function unansweredOrRefused(error: unknown): 'Unanswered' | 'Refused' {
  if (error instanceof EtcdUnavailable) return 'Unanswered';
  if (error instanceof RemediationError) return 'Refused';
  throw error;
}
