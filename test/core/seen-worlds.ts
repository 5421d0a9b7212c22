import type { ConfiguredMember } from '../../core/cluster/clusters.ts';
import type { MemberObservation, Observation, Silence } from '../../core/cluster/observation.ts';
import type { HostInspection } from '../../core/hosts/host-command-results.ts';
import {
  configuration,
  configured,
  directory,
  FRAGMENTED,
  inspection,
  LAYOUT,
  listed,
  silent,
  voter,
} from './observations.ts';

/** Clusters as they may be, seen through configurations and networks as they may be, on hosts as they may be. */

/** What is true of one member, and how it looks from here. */
interface Truth {
  name: string;
  id: string;
  isAlive: boolean;
  /** How the way to its client port ends; `open` where it does not. */
  way: 'open' | Silence;
}
export interface World {
  truths: Truth[];
  configuration: ConfiguredMember[];
  leader: Truth | undefined;
  observation: Observation;
  /** What each host says, by the name of its member. */
  inspections: Record<string, HostInspection>;
  /** The members on whose hosts a later command would refuse its work, or a new member would not start. */
  unfit: string[];
}

/** What is wrong with a host; each is a reason that exists before a replacement begins. */
const DEFECTS: readonly ((name: string) => Partial<HostInspection>)[] = [
  (name) => ({ configuration: configuration(`other-${name}`) }),
  (name) => ({ configuration: configuration(name, { initialAdvertisePeerUrls: 'https://elsewhere:2380' }) }),
  (name) => ({ configuration: configuration(name, { dataDir: '/elsewhere' }) }),
  () => ({ refusals: [{ refusal: 'data-dir-is-link', incident: 'any', message: 'It would be refused.' }] }),
  () => ({ refusals: [{ refusal: 'curl-missing', incident: 'member-failed', message: 'It would be refused.' }] }),
  () => ({ etcdVersion: '' }),
  () => ({ etcdVersion: '3.4.23' }),
  () => ({ dataDir: directory(LAYOUT.dataDir, { freeBytes: 1 }) }),
  () => ({ errors: ['{"level":"fatal","error":"open /etc/etcd/pki/peer.crt: no such file or directory"}'] }),
  () => ({ errors: ['{"level":"fatal","error":"incompatible with current running cluster"}'] }),
  () => ({ atWork: { ...inspection('').atWork, clientPortListens: true } }),
];

export function generate(next: () => number): World {
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(next() * values.length)] as Value;
  const chance = (probability: number) => next() < probability;
  const count = pick([1, 2, 3, 3, 3, 4, 5, 5]);
  const names = Array.from({ length: count }, (_, index) => `node${index + 1}`);
  const truths = names.map((name, index): Truth => {
    const way = chance(0.25) ? pick<Silence>(['away', 'refused', 'busy', 'unreached', 'unreached']) : 'open';
    return { name, id: `a${index + 1}`, isAlive: chance(0.8), way };
  });
  const alive = truths.filter(({ isAlive }) => isAlive);
  const leader = alive.length > count / 2 ? pick(alive) : undefined;
  const order = names.map((_, index) => index);
  const addresses = chance(0.75)
    ? order
    : pick([
        [...order.slice(1), 0],
        order.map(() => 0),
        order.map(() => Math.floor(next() * count)),
        order.toReversed(),
      ]);
  const configuration = names.map((name) =>
    configured(name, chance(0.05) ? { peerUrl: `https://moved-${name}:2380` } : {}),
  );
  const memberList = names.map((name, index) =>
    listed(chance(0.05) ? 'default' : name, { id: `a${index + 1}`, peerUrls: [`https://${name}:2380`] }),
  );
  const members = names.map((name, index): MemberObservation => {
    const truth = truths[addresses[index] as number] as Truth;
    if (truth.way !== 'open' && !(truth.way === 'busy' && !truth.isAlive)) {
      return { ...silent(name, 'So it is.'), silence: truth.isAlive || truth.way !== 'refused' ? truth.way : 'away' };
    }
    if (!truth.isAlive) return silent(name);
    const entry = { name: truth.name, peerUrls: [`https://${truth.name}:2380`] };
    const leaderId = leader?.id ?? '0';
    return {
      ...voter(truth.name, { id: truth.id, leaderId, entry, ...FRAGMENTED }),
      name,
      endpoint: `https://${name}:2379`,
    };
  });
  const isAgreed = leader !== undefined && members.some(({ answering }) => answering);
  const observation = { members, memberList: isAgreed ? memberList : [], alarms: [] };
  const unfit = names.filter(() => chance(0.3));
  const inspections = truths.map(({ name, id, isAlive }) => {
    const process = { unit: { ...inspection(name).unit, activeState: 'active', subState: 'running', mainPid: 812 } };
    const answer = leader ? ('leader' as const) : ('no-leader' as const);
    const atWork = {
      clientPortListens: true,
      peerPortListens: true,
      processState: 'S',
      answer,
      memberId: id,
      problem: '',
    };
    const defect = unfit.includes(name) ? pick(DEFECTS)(name) : {};
    return [name, inspection(name, isAlive ? { ...process, errors: [], log: [], ...defect, atWork } : defect)];
  });
  return { truths, configuration, leader, observation, inspections: Object.fromEntries(inspections), unfit };
}

export function isAlive({ truths }: World, name: string): boolean {
  return truths.some((truth) => truth.name === name && truth.isAlive);
}

/** Why nothing may be done to this member; undefined where it may have failed. Told from the world, without any of the code that is tested. */
export function reasonToLeave({ truths, leader, observation }: World, name: string): string | undefined {
  const truth = truths.find((each) => each.name === name) as Truth;
  const answering = observation.members.flatMap((seen) => (seen.answering ? [seen] : []));
  if (answering.some(({ id, leaderId }) => id === truth.id && leaderId !== '0')) return 'it answers and follows';
  if (leader === truth && answering.length > 0) return 'members that answer follow it';
  const own = observation.members[truths.indexOf(truth)];
  const areMixedUp = observation.members.some((seen, index) => seen.answering && seen.id !== truths[index]?.id);
  if (areMixedUp) return 'its address may be that of another';
  if (own && !own.answering && own.silence !== 'away') return `we do not know: ${own.silence}`;
  const running = observation.members.filter((seen) => !seen.answering && ['refused', 'busy'].includes(seen.silence));
  const seen = new Set(answering.map(({ id }) => id)).size + running.length;
  if (observation.memberList.length > 0 && seen <= truths.length / 2) return 'a quorum is at work, and may need it';
  return undefined;
}
