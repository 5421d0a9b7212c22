import type { ConfiguredMember } from '../contracts/clusters.ts';
import type { AnsweringMember, ListedIdentity, MemberObservation } from '../contracts/observation.ts';
import { describeListed, hasPeerUrl, isItself } from './identity.ts';

/** The answers that give one cluster ID, and what those members list. */
interface Answers {
  clusterId: string;
  seen: AnsweringMember[];
  /** Every list that was told; a member that lags has an older one. */
  lists: ListedIdentity[][];
}

/**
 * Which of the clusters that answer is the one that clusters.json describes. Its names and peer URLs decide, held against what members list, and
 * never how many answer: two of three client URLs may lead to another cluster.
 *
 * - `own`: this one is, or may be: nobody has told a list.
 * - `none`: whoever answers lists nobody at a configured peer URL.
 * - `unknown`: more than one may be. A cluster that was bootstrapped twice is so, under two IDs.
 */
export type OwnCluster = { verdict: 'own'; clusterId: string } | { verdict: 'none' } | { verdict: 'unknown' };

/**
 * @param configured in the order of `members`
 * @param known members of which it is known, because this execution has made them what they are
 * @returns undefined where nobody answers
 */
export function findOwnCluster(
  configured: readonly ConfiguredMember[],
  members: readonly MemberObservation[],
  known: readonly string[] = [],
): OwnCluster | undefined {
  const groups = answersIn(members);
  const [only] = groups;
  if (!only) return undefined;
  const certain = groups.find(({ seen }) => seen.some(({ name }) => known.includes(name)));
  if (certain) return { verdict: 'own', clusterId: certain.clusterId };
  const told = groups.filter(({ lists }) => lists.length > 0);
  if (groups.length === 1 && told.length === 0) return { verdict: 'own', clusterId: only.clusterId };
  const named = scoresOf(told, configured, isListedByName);
  const scores = named.some(({ score }) => score > 0) ? named : scoresOf(told, configured, hasPeerUrl);
  const [best, ...others] = scores.toSorted((a, b) => b.score - a.score);
  const isUntold = told.length < groups.length;
  if (!best || best.score === 0) return { verdict: isUntold ? 'unknown' : 'none' };
  // One that lists a quorum of the configured members may be the one that serves them, whoever lists more.
  const quorum = Math.floor(configured.length / 2) + 1;
  const isRivalled = others.some(({ score }) => score === best.score || score >= quorum);
  return isUntold || isRivalled ? { verdict: 'unknown' } : { verdict: 'own', clusterId: best.clusterId };
}

/**
 * What was seen, where only those have answered that are of the cluster which clusters.json describes, or that are a configured member which has got into
 * another one. Whoever else answers is a stranger: nothing that it says is evidence of anything here.
 * @param configured in the order of `members`
 * @param known as of {@link findOwnCluster}
 */
export function withoutStrangers(
  configured: readonly ConfiguredMember[],
  members: readonly MemberObservation[],
  known: readonly string[] = [],
): MemberObservation[] {
  const own = findOwnCluster(configured, members, known);
  if (!own) return [...members];
  return members.map((seen, index): MemberObservation => {
    const member = configured[index] as ConfiguredMember;
    if (!seen.answering || isProxy(seen)) return seen;
    if (own.verdict === 'own' && (seen.clusterId === own.clusterId || isNamesake(seen, member))) return seen;
    const { name, endpoint } = seen;
    const problem =
      own.verdict === 'unknown' ? describeClusters(members) : describeStranger(seen, member, own.verdict, members);
    return { name, endpoint, answering: false, silence: 'stranger', problem };
  });
}

function answersIn(members: readonly MemberObservation[]): Answers[] {
  const answering = members.filter((seen): seen is AnsweringMember => seen.answering && !isProxy(seen));
  return [...Map.groupBy(answering, ({ clusterId }) => clusterId)].map(([clusterId, seen]) => ({
    clusterId,
    seen,
    lists: seen.flatMap(({ list }) => (list ? [list] : [])),
  }));
}

/** What a grpc-proxy lists says nothing of the cluster behind it. */
function isProxy({ id, entry }: AnsweringMember): boolean {
  return id === '0' || entry?.peerUrls.length === 0;
}

type Match = (listed: ListedIdentity, member: ConfiguredMember) => boolean;

/** One that was added and has not started has no name yet. */
const isListedByName: Match = (listed, member) =>
  hasPeerUrl(listed, member) && (listed.name === member.name || listed.name === '');

/** How many of the configured members each cluster lists. */
function scoresOf(
  answers: readonly Answers[],
  configured: readonly ConfiguredMember[],
  isListed: Match,
): { clusterId: string; score: number }[] {
  return answers.map(({ clusterId, lists }) => {
    const counts = lists.map(
      (list) => configured.filter((member) => list.some((listed) => isListed(listed, member))).length,
    );
    return { clusterId, score: Math.max(...counts) };
  });
}

/** Whether it is the configured member itself, which has got into another cluster. Another one may have taken its address. */
function isNamesake(seen: AnsweringMember, member: ConfiguredMember): boolean {
  return isItself(seen, member) && seen.entry?.name === member.name;
}

function describeStranger(
  { id, clusterId, entry }: AnsweringMember,
  { name, clientUrl }: ConfiguredMember,
  verdict: 'own' | 'none',
  members: readonly MemberObservation[],
): string {
  const who = entry ? describeListed({ id, ...entry }) : id;
  const seen = `The clientUrl of ${name} (${clientUrl}) is answered by ${who} of another cluster (${clusterId})`;
  const what = `correct clientUrl of ${name} in clusters.json, or what is in between, so that it reaches ${name} alone`;
  if (verdict === 'own') return `${seen}: ${what}.`;
  const lists = answersIn(members).find((group) => group.clusterId === clusterId)?.lists ?? [];
  const names = lists.flatMap((list) => list.map((listed) => listed.name));
  const likeness = names.includes(name) ? ', though it has a member of this name' : '';
  return (
    `${seen}, which has nobody at a peerUrl of clusters.json${likeness}: ${what}. ` +
    'Should it be the cluster in question after all, it is peerUrl that is wrong, of every member.'
  );
}

function describeClusters(members: readonly MemberObservation[]): string {
  const list = answersIn(members)
    .map(({ clusterId, seen, lists }) => {
      const names = lists.map((each) => each.map(describeIdentity).join(' and ')).toSorted(byLength)[0];
      const at = seen.map(({ name, endpoint }) => `${name} (${endpoint})`).join(', ');
      return `at ${at} the cluster ${clusterId} answers, which ${names ? `lists ${names}` : 'does not tell whom it lists'}`;
    })
    .join('; ');
  return (
    `The clientUrls lead to different clusters, and nothing in clusters.json says which of them is meant: ${list}. ` +
    'Either some clientUrls lead elsewhere, or a member was bootstrapped a second time (initial-cluster-state new). Find out which cluster holds the ' +
    'data, correct the clientUrls of the others in clusters.json, or stop the etcd that was bootstrapped by mistake; until then nothing is changed.'
  );
}

function describeIdentity({ name, peerUrls }: ListedIdentity): string {
  return `${name || '(not started)'} at ${peerUrls.join(' ')}`;
}

function byLength(a: string, b: string): number {
  return b.length - a.length;
}
