import type { ConfiguredMember } from './clusters.ts';
import { hasPeerUrl, isItself } from './identity.ts';
import {
  type AnsweringMember,
  type ListedIdentity,
  type MemberObservation,
  type SilentMember,
  seenOf,
} from './observation.ts';

/** The answers that give one cluster ID, and what those members list. */
interface Answers {
  clusterId: string;
  seen: AnsweringMember[];
  /** Every list that was reported; a member that lags has an older one. */
  lists: ListedIdentity[][];
}

/**
 * Which of the clusters that answer is the one that clusters.json describes. Its names and peer URLs decide, held against what members list, and
 * never how many answer: two of three client URLs may lead to another cluster.
 *
 * - `own`: this one is, or may be: nobody has told a list.
 * - `none`: no answering member lists a member at a configured peer URL.
 * - `unknown`: more than one may be. A cluster that was bootstrapped twice is so, under two IDs.
 *
 * One that refuses us reports its ID and no list. A cluster that lets us in and lists a quorum of the configured members is the one in question all the same.
 */
export type OwnCluster = { verdict: 'own'; clusterId: string } | { verdict: 'none' } | { verdict: 'unknown' };

/**
 * @param known members of which it is known, because this execution has made them what they are
 * @returns undefined if none answers
 */
export function findOwnCluster(
  configured: readonly ConfiguredMember[],
  members: readonly MemberObservation[],
  known: readonly string[] = [],
): OwnCluster | undefined {
  const groups = answersIn(members);
  const [only] = groups;
  if (!only) return undefined;
  const isRefusedElsewhere = members.some(
    (seen) => isIdentified(seen) && !groups.some(({ clusterId }) => clusterId === seen.clusterId),
  );
  const certain = groups.find(({ seen }) => seen.some(({ name }) => known.includes(name)));
  if (certain) return { verdict: 'own', clusterId: certain.clusterId };
  const listing = groups.filter(({ lists }) => lists.length > 0);
  if (groups.length === 1 && listing.length === 0 && !isRefusedElsewhere) {
    return { verdict: 'own', clusterId: only.clusterId };
  }
  const named = scoresOf(listing, configured, isListedByName);
  const scores = named.some(({ score }) => score > 0) ? named : scoresOf(listing, configured, hasPeerUrl);
  const [best, ...others] = scores.toSorted((a, b) => b.score - a.score);
  const isIncomplete = listing.length < groups.length;
  if (!best || best.score === 0) return { verdict: isIncomplete ? 'unknown' : 'none' };
  // One that lists a quorum of the configured members may be the one that serves them, even if another lists more of them.
  const quorum = Math.floor(configured.length / 2) + 1;
  const isRivalled = others.some(({ score }) => score === best.score || score >= quorum);
  const isWeak = isRefusedElsewhere && best.score < quorum;
  return isIncomplete || isRivalled || isWeak ? { verdict: 'unknown' } : { verdict: 'own', clusterId: best.clusterId };
}

/**
 * What was seen, where only those have answered that are of the cluster which clusters.json describes, or that are a configured member which has got into
 * another one. Any other that answers is a stranger: nothing that it says is evidence here.
 * @param known as of {@link findOwnCluster}
 */
export function withoutStrangers(
  configured: readonly ConfiguredMember[],
  members: readonly MemberObservation[],
  known: readonly string[] = [],
): MemberObservation[] {
  const own = findOwnCluster(configured, members, known);
  if (!own) return [...members];
  return members.map((seen): MemberObservation => {
    const member = configured.find((each) => seenOf(each, members) === seen) as ConfiguredMember;
    // If none of those that let us in belongs to them, those that do not let us in may.
    if (seen.answering ? isProxy(seen) : !isIdentified(seen) || own.verdict === 'none') return seen;
    if (own.verdict === 'own' && seen.clusterId === own.clusterId) return seen.answering ? seen : ofTheSame(seen);
    if (own.verdict === 'own' && seen.answering && isNamesake(seen, member)) return seen;
    const { name, endpoint } = seen;
    const problem =
      own.verdict === 'unknown'
        ? describeClusters(members)
        : describeStranger(seen.clusterId as string, configured, members, own);
    return { name, endpoint, answering: false, silence: 'stranger', problem };
  });
}

/** Whether it refuses us, and has said of which cluster it is. */
function isIdentified(seen: MemberObservation): seen is SilentMember & { clusterId: string } {
  return !seen.answering && seen.clusterId !== undefined;
}

/** No stranger, though it does not take a login that the others take. */
function ofTheSame(seen: SilentMember): SilentMember {
  if (!seen.deniesLogin) return seen;
  const problem = `It is of the same cluster as those that take this login, so its users are not theirs: it lags behind, or what it holds differs. ${seen.problem}`;
  return { ...seen, problem };
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

/** One sentence for all addresses at which the same cluster answers. */
function describeStranger(
  clusterId: string,
  configured: readonly ConfiguredMember[],
  members: readonly MemberObservation[],
  own: Exclude<OwnCluster, { verdict: 'unknown' }>,
): string {
  const at = configured.filter((member) => {
    const seen = seenOf(member, members);
    return seen?.clusterId === clusterId && !(seen.answering && isNamesake(seen, member));
  });
  const urls = at.map(({ name, clientUrl }) => `${name} (${clientUrl})`).join(', ');
  const lead = at.length > 1 ? `The clientUrls of ${urls} lead` : `The clientUrl of ${urls} leads`;
  const lists = answersIn(members).find((group) => group.clusterId === clusterId)?.lists ?? [];
  const correct = 'correct clusters.json, or what is in between, so that each clientUrl reaches its own member alone.';
  const differs = own.verdict === 'own' && lists.length === 0 ? describeOwn(own.clusterId, members) : '';
  const seen = `${lead} to another cluster (${clusterId})${differs || describeList(lists)}`;
  if (own.verdict === 'own') return `${seen}: ${correct}`;
  return (
    `${seen} and no member at a peerUrl of clusters.json: ${correct} If it is the right cluster after all, then ` +
    'peerUrl of every member is wrong in clusters.json.'
  );
}

/** What differs, of one that does not let us in and so tells no list. */
function describeOwn(clusterId: string, members: readonly MemberObservation[]): string {
  const own = members.filter((seen) => seen.answering && seen.clusterId === clusterId).map(({ name }) => name);
  return ` than that of ${own.join(', ')} (${clusterId}), and it does not let us in as that one does`;
}

/** The longest of the lists that were reported. */
function describeList(lists: readonly ListedIdentity[][]): string {
  const [longest] = lists.toSorted((a, b) => b.length - a.length);
  if (!longest) return ', which does not show its list';
  return `, which lists ${longest.map(({ name, peerUrls }) => `${name || '(not started)'} at ${peerUrls.join(' ')}`).join(', ')}`;
}

function describeClusters(members: readonly MemberObservation[]): string {
  const list = answersIn(members)
    .map(({ clusterId, seen, lists }) => {
      const at = seen.map(({ name, endpoint }) => `${name} (${endpoint})`).join(', ');
      return `at ${at} the cluster ${clusterId} answers${describeList(lists)}`;
    })
    .join('; ');
  const refusing = members
    .filter(isIdentified)
    .map(
      ({ name, endpoint, clusterId }) =>
        `; at ${name} (${endpoint}) the cluster ${clusterId} answers, which does not let us in`,
    );
  return (
    `The clientUrls lead to different clusters, and nothing in clusters.json says which of them is meant: ${list}${refusing.join('')}. ` +
    'Either some clientUrls lead elsewhere, or a member was bootstrapped a second time (initial-cluster-state new). Find out which cluster holds the ' +
    'data, correct the clientUrls of the others in clusters.json, or stop the etcd that was bootstrapped by mistake; until then nothing is changed.'
  );
}
