import { PreconditionFailed } from '../errors.ts';
import { announcedElsewhere } from './announced-address.ts';
import { isSlow, whatToCorrect } from './between.ts';
import type { ConfiguredMember } from './clusters.ts';
import { adviceForStranger, describeListed, entriesOf, unlistedIn } from './identity.ts';
import { type ListedMember, type Observation, type SilentMember, seenOf } from './observation.ts';

/** The leader that answering members follow, and that does not answer us. */
export interface UnseenLeader {
  listed: ListedMember;
  followers: string[];
}

/**
 * A leader that a quorum has just agreed on something with, which does not answer from here. Followers forget a leader within seconds, so it is at work; or
 * it has stopped a moment ago, which another look shows. One that refuses us is not looked for: it has said why.
 */
export function findUnseenLeader({ members, memberList }: Observation): UnseenLeader | undefined {
  const answering = members.filter((seen) => seen.answering);
  for (const listed of memberList) {
    const followers = answering.filter(({ leaderId }) => leaderId === listed.id).map(({ name }) => name);
    if (followers.length > 0 && !answering.some(({ id }) => id === listed.id)) return { listed, followers };
  }
  return undefined;
}

/**
 * Waiting does not bring a leader within reach that its followers reach all the time.
 * @throws PreconditionFailed naming what to correct
 */
export function refuseUnseenLeader(configured: readonly ConfiguredMember[], observation: Observation): void {
  const leader = findUnseenLeader(observation);
  if (!leader) return;
  const { listed, followers } = leader;
  const entries = entriesOf(configured, observation);
  const member = configured.find((each) => entries.get(each) === listed);
  const seen = member && seenOf(member, observation.members);
  const follow = `${followers.join(', ')} ${followers.length === 1 ? 'follows' : 'follow'}`;
  if (!member) {
    const advice = adviceForStranger(listed, configured, unlistedIn(configured, observation), { leads: true });
    throw new PreconditionFailed(
      `${follow} ${describeListed(listed)}, which leads, and which clusters.json does not name: ${advice}. Nothing was changed.`,
    );
  }
  if (!seen || seen.answering || seen.silence === 'refused') return;
  const whatToDo = isSlow(seen)
    ? `${whatToCorrect(seen)} Then start again.`
    : `Correct the clientUrl of ${member.name} in clusters.json, or the network between here and there, and start again.`;
  throw new PreconditionFailed(
    `${member.name} leads, for ${follow} it, and it does not answer from here: ${describeAddress(member, seen)}${announcedElsewhere(seen, listed)} It works, because followers forget a dead ` +
      `leader within seconds. ${whatToDo} Nothing was changed.`,
  );
}

function describeAddress({ clientUrl }: ConfiguredMember, { problem }: SilentMember): string {
  const sentence = problem.endsWith('.') ? problem : `${problem}.`;
  return problem.includes(clientUrl) ? sentence : `${clientUrl}: ${sentence}`;
}
