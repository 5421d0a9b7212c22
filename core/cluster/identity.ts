import { PreconditionFailed } from '../errors.ts';
import { START_AGAIN } from '../text/format.ts';
import { type ConfiguredMember, memberName } from './clusters.ts';
import {
  type AnsweringMember,
  type ListedIdentity,
  type ListedMember,
  type MemberObservation,
  type Observation,
  seenOf,
} from './observation.ts';

type Seen = Pick<Observation, 'members' | 'memberList'>;

/** Where what answers, or what etcd lists, is not what clusters.json says. */
export interface Mistake {
  kind:
    | 'another-cluster'
    | 'shared-address'
    | 'answered-by-another'
    | 'grpc-proxy'
    | 'equal-names'
    | 'name-differs'
    | 'alias'
    | 'peer-url-differs';
  /** What was seen and what to correct, in a sentence. */
  message: string;
}

/**
 * Each configured member's entry in etcd's list. An entry belongs to one member: to whose peer URL it has; else to whose name it has, where no
 * other entry has that name; else to the one at whose client URL it answers.
 *
 * A member and the one that takes its place may share an address, and then share the entry.
 */
export function entriesOf(
  configured: readonly ConfiguredMember[],
  { members, memberList }: Seen,
): ReadonlyMap<ConfiguredMember, ListedMember> {
  const entries = new Map(
    configured.flatMap((member) => {
      const listed = memberList.find((each) => hasPeerUrl(each, member));
      return listed ? [[member, listed]] : [];
    }),
  );
  const claim = (
    choose: (member: ConfiguredMember, seen: MemberObservation | undefined) => (listed: ListedMember) => boolean,
  ) => {
    for (const member of configured) {
      const found = memberList.find(choose(member, seenOf(member, members)));
      if (!entries.has(member) && found && ![...entries.values()].includes(found)) entries.set(member, found);
    }
  };
  claim(
    ({ name }) =>
      (listed) =>
        listed.name === name && memberList.filter((other) => other.name === name).length === 1,
  );
  claim(
    (_, seen) =>
      ({ id }) =>
        seen?.answering === true && seen.id === id,
  );
  return entries;
}

/** What answers under the ID of this entry, at whichever address. */
export function answeringMember(
  entry: ListedMember | undefined,
  { members }: Pick<Observation, 'members'>,
): AnsweringMember | undefined {
  return members.find((seen): seen is AnsweringMember => seen.answering && entry !== undefined && seen.id === entry.id);
}

export function hasPeerUrl({ peerUrls }: Pick<ListedMember, 'peerUrls'>, { peerUrl }: ConfiguredMember): boolean {
  const origin = new URL(peerUrl).origin;
  return peerUrls.some((url) => URL.canParse(url) && new URL(url).origin === origin);
}

/** Whether what answers says that it is this configured member, in whichever cluster. */
export function isItself({ entry }: AnsweringMember, configured: ConfiguredMember): boolean {
  return entry !== undefined && hasPeerUrl(entry, configured);
}

/** Whether etcd's list is that of a grpc-proxy, which lists itself and no member. */
export function isProxyList(memberList: readonly ListedMember[]): boolean {
  return memberList.some(({ id }) => id === '0');
}

/**
 * Everything in which the configuration, what answers and etcd's list contradict each other about who is who. Where the list could not be read,
 * what members report of themselves stands in for it.
 * @param replaced the member whose place one of `configured` takes
 */
export function findMistakes(
  configured: readonly ConfiguredMember[],
  observation: Seen,
  replaced?: ConfiguredMember,
): Mistake[] {
  const all = replaced ? [...configured, replaced] : configured;
  const strangers = strangersIn(observation.members);
  const proxies = proxiesIn(all, observation);
  if (proxies.length > 0) return [...strangers, describeProxies(proxies)];
  const memberList = observation.memberList.length > 0 ? observation.memberList : ownEntries(observation.members);
  const entries = entriesOf(all, { ...observation, memberList });
  const shared = sharedAddresses(configured, observation.members);
  const mistakes: Mistake[] = [...strangers];
  for (const [id, names] of shared) {
    mistakes.push({
      kind: 'shared-address',
      message: `The same member (${id}) answers at the addresses of ${names.join(', ')}: each clientUrl has to reach its own member alone. Correct clusters.json, or the balancer or the name server in between.`,
    });
  }
  for (const member of configured) {
    const seen = seenOf(member, observation.members);
    const known = [entries.get(member), replaced && entries.get(replaced)];
    if (!seen?.answering || shared.some(([id]) => id === seen.id)) continue;
    const other = whoAnswers(seen, member, memberList);
    if (other === undefined || known.some((entry) => entry?.id === other.id)) continue;
    const owner = all.find((each) => entries.get(each) === other);
    const whose = owner ? `${owner.name} (${other.id})` : `${describeListed(other)}, which clusters.json does not name`;
    mistakes.push({
      kind: 'answered-by-another',
      message: `The clientUrl of ${member.name} (${member.clientUrl}) is answered by ${whose}: correct clusters.json, or what is in between, so that it reaches ${member.name} alone.`,
    });
  }
  const equal = equalNamesIn(memberList);
  for (const [name, same] of equal) {
    mistakes.push({
      kind: 'equal-names',
      message: `etcd has ${same.length} members of the name "${name}" (${same.map(({ id, peerUrls }) => `${id} at ${peerUrls.join(' ')}`).join(', ')}), so the name does not say which is meant. Give each a name of its own (--name), restart it, and write that name into clusters.json.`,
    });
  }
  for (const member of all) {
    const entry = entries.get(member);
    if (!entry) continue;
    if (!hasPeerUrl(entry, member)) {
      mistakes.push({
        kind: 'peer-url-differs',
        message: `etcd lists ${member.name} at ${entry.peerUrls.join(', ')}, and clusters.json says ${member.peerUrl}: the member was moved. Correct peerUrl in clusters.json.`,
      });
    }
    const isShared = entry.name === replaced?.name || member === replaced;
    if (entry.name === '' || entry.name === member.name || equal.has(entry.name) || isShared) continue;
    mistakes.push(describeName(member, entry.name));
  }
  return mistakes;
}

/** @param name in etcd, which is another one than in the configuration */
function describeName({ peerUrl, name: configured }: ConfiguredMember, name: string): Mistake {
  const both = `clusters.json calls the member at ${peerUrl} "${configured}", and its name in etcd is "${name}"`;
  if (memberName.safeParse(name).success) {
    return { kind: 'name-differs', message: `${both}. Correct name in clusters.json.` };
  }
  return {
    kind: 'alias',
    message: `${both}, which clusters.json does not accept. "${configured}" is enough for a reclaim of space and for tokens. No member is replaced or recovered while one has such a name, because each member's configuration holds the names. Give it another (--name), restart it, and write that into clusters.json.`,
  };
}

/** Who answers: on this a change depends at each moment. What names and peer URLs etcd lists is settled before the first one. */
const ABOUT_ANSWERS: readonly Mistake['kind'][] = [
  'another-cluster',
  'shared-address',
  'answered-by-another',
  'grpc-proxy',
];

/**
 * That everybody is who the configuration says, before anything is asked of anybody in particular.
 * @param begun a change is under way, in which entries of etcd's list come and go
 * @param untouched nothing was changed yet, as the message then says
 * @param writesNames the change writes names into members' configuration, so that an alias does not do
 * @throws PreconditionFailed with everything that contradicts it
 */
export function requireIdentities(
  configured: readonly ConfiguredMember[],
  observation: Seen,
  {
    replaced,
    begun = false,
    untouched = false,
    writesNames = false,
  }: { replaced?: ConfiguredMember | undefined; begun?: boolean; untouched?: boolean; writesNames?: boolean } = {},
): void {
  const found = findMistakes(configured, observation, replaced).filter(({ kind }) => writesNames || kind !== 'alias');
  const mistakes = begun ? found.filter(({ kind }) => ABOUT_ANSWERS.includes(kind)) : found;
  if (mistakes.length === 0) return;
  throw new PreconditionFailed(
    `The members that answer, or that etcd lists, are not those of clusters.json:${mistakes.map(({ message }) => `\n- ${message}`).join('')}\nA change ` +
      `could reach another member than the one that is meant.${untouched ? ' Nothing was changed.' : ''} Correct this. ${START_AGAIN}`,
  );
}

/** Where someone answers where another member is configured. */
export function mistakenAnswers(configured: readonly ConfiguredMember[], observation: Seen): Mistake[] {
  return findMistakes(configured, observation).filter(({ kind }) => ABOUT_ANSWERS.includes(kind));
}

/** What answers from another cluster; if it is undecided between clusters, it is one sentence for all. */
function strangersIn(members: readonly MemberObservation[]): Mistake[] {
  const problems = members.flatMap((seen) => (!seen.answering && seen.silence === 'stranger' ? [seen.problem] : []));
  return [...new Set(problems)].map((message) => ({ kind: 'another-cluster', message }));
}

/** How the one that is listed is described where no configured member is it. */
export function describeListed({ name, id, peerUrls }: ListedIdentity): string {
  return `${name || '(not started)'} (${id}, ${peerUrls.join(' ')})`;
}

/**
 * What to do about an entry that is no configured member. With a configured name or peer URL it is one of ours. If it has
 * started, it may be one of ours under another name and URL. Neither is advised to be removed.
 * @param unlisted as of {@link unlistedIn}
 * @param leads whether others follow it: then it is a part of the cluster
 */
export function adviceForStranger(
  stranger: ListedMember,
  configured: readonly ConfiguredMember[],
  unlisted: readonly string[],
  { leads = false }: { leads?: boolean } = {},
): string {
  const namesake = configured.find((member) => member.name === stranger.name || hasPeerUrl(stranger, member));
  if (namesake) {
    return `clusters.json has a member ${namesake.name} at ${namesake.peerUrl}: find out which of both is meant, and correct clusters.json`;
  }
  if (unlisted.length > 0 && stranger.name !== '') {
    return `it may be ${unlisted.join(' or ')}, which etcd does not list: if so, correct name and peerUrl in clusters.json; if not, add it there`;
  }
  if (leads) return 'add it to clusters.json';
  return `add it to clusters.json; or, if it is really no part of the cluster, remove it with "etcdctl member remove ${stranger.id}"`;
}

/** Configured members that have no entry in etcd's list and do not answer as themselves either, by name. */
export function unlistedIn(configured: readonly ConfiguredMember[], observation: Seen): string[] {
  const entries = entriesOf(configured, observation);
  const unlisted = configured.filter((member) => {
    const seen = seenOf(member, observation.members);
    return !entries.has(member) && !(seen?.answering && isItself(seen, member));
  });
  return unlisted.map(({ name }) => name);
}

/** Names that more than one member has; one that has not started has none. */
function equalNamesIn(memberList: readonly ListedMember[]): Map<string, ListedMember[]> {
  const named = Map.groupBy(
    memberList.filter(({ name }) => name !== ''),
    ({ name }) => name,
  );
  return new Map([...named].filter(([, same]) => same.length > 1));
}

function proxiesIn(configured: readonly ConfiguredMember[], { members, memberList }: Seen): string[] {
  return configured
    .filter((member) => {
      const seen = seenOf(member, members);
      return seen?.answering && (seen.id === '0' || seen.entry?.peerUrls.length === 0 || isProxyList(memberList));
    })
    .map(({ name }) => name);
}

function describeProxies(names: readonly string[]): Mistake {
  return {
    kind: 'grpc-proxy',
    message: `What answers at the clientUrl of ${names.join(', ')} is a grpc-proxy of etcd: it lists itself with the ID 0 and no peer URL. clientUrl has to be the member's own client URL. Correct clusters.json.`,
  };
}

/** IDs that answer at the addresses of more than one configured member, and of whom. */
function sharedAddresses(
  configured: readonly ConfiguredMember[],
  members: readonly MemberObservation[],
): [string, string[]][] {
  const answers = configured.flatMap((member) => {
    const seen = seenOf(member, members);
    return seen?.answering ? [{ name: member.name, id: seen.id }] : [];
  });
  return [...Map.groupBy(answers, ({ id }) => id)]
    .filter(([, same]) => same.length > 1)
    .map(([id, same]) => [id, same.map(({ name }) => name)]);
}

/** Who answers at a member's client URL; undefined where it may be the member itself, of whichever cluster. */
export function whoAnswers(
  seen: AnsweringMember,
  configured: ConfiguredMember,
  memberList: readonly ListedMember[],
): ListedMember | undefined {
  const listed = memberList.find(({ id }) => id === seen.id);
  if (listed) return listed;
  if (!seen.entry || isItself(seen, configured)) return undefined;
  const { name, peerUrls } = seen.entry;
  const own = memberList.find((other) => other.peerUrls.some((url) => peerUrls.includes(url)));
  return own ?? { id: seen.id, name, peerUrls, isLearner: seen.isLearner };
}

/** What the members report of themselves, as a list. */
function ownEntries(members: readonly MemberObservation[]): ListedMember[] {
  return members.flatMap((seen) => {
    if (!seen.answering || !seen.entry) return [];
    const { id, isLearner, entry } = seen;
    return [{ id, isLearner, ...entry }];
  });
}
