import type { Cluster } from '../../core/contracts/clusters.ts';
import type { HostInspection } from '../../core/contracts/host-commands.ts';
import type { NextChange } from '../../core/contracts/membership.ts';
import type { ListedMember, MemberObservation, Observation } from '../../core/contracts/observation.ts';
import { quorumOf } from '../../core/decisions/member-survey.ts';
import { clusterOf, configuration, configured, directory, inspection, LAYOUT, silent, voter } from './observations.ts';

/** How a member came to be a target. */
export const CONDITIONS = [
  'crashed',
  'crashed, a learner',
  'in another cluster',
  'following nobody',
  'removed, but answering',
  'removed, and crashed',
  'added as a voter, never started',
  'added as a learner, never started',
  'added, never started, with old data',
  'behind',
  'a learner, not promoted',
] as const;
export type MemberCondition = (typeof CONDITIONS)[number];

interface SimulatedMember {
  name: string;
  version: string;
  running: boolean;
  /** The member ID that its data belongs to; empty where there is no data. */
  dataId: string;
  clusterId: string;
  followsNobody: boolean;
  /** 0: not answering yet, 1: behind, 2: caught up. */
  progress: number;
  archived: string[];
  initialCluster: string;
}

/**
 * A cluster without etcd and hosts: it does at once what it is told, refuses what etcd would refuse, and keeps a record of
 * everything that must never happen.
 */
export class SimulatedMembership {
  readonly cluster: Cluster;
  readonly violations: string[] = [];
  list: ListedMember[];
  readonly #members: Map<string, SimulatedMember>;
  #nextId = 0xb0;

  constructor(size: number, conditions: Readonly<Record<string, MemberCondition>>, version: string) {
    const names = Array.from({ length: size }, (_, index) => `node${index + 1}`);
    this.cluster = clusterOf(names.map((name) => configured(name)));
    this.#members = new Map(names.map((name) => [name, { ...RUNNING, name, version, dataId: name, archived: [] }]));
    this.list = names.map((name) => ({ id: name, name, peerUrls: [`https://${name}:2380`], isLearner: false }));
    for (const [name, condition] of Object.entries(conditions)) this.#spoil(this.#named(name), condition);
  }

  #spoil(member: SimulatedMember, condition: MemberCondition): void {
    const entry = this.list.find(({ id }) => id === member.name) as ListedMember;
    if (condition.includes('crashed') || condition.includes('never started')) {
      Object.assign(member, { running: false, progress: 0 });
    }
    if (condition.includes('learner')) entry.isLearner = true;
    if (condition.startsWith('removed')) this.list = this.list.filter((listed) => listed !== entry);
    if (condition.startsWith('added')) {
      Object.assign(entry, { id: `new-${member.name}`, name: '' });
      if (!condition.includes('old data')) member.dataId = '';
    }
    if (condition === 'in another cluster') member.clusterId = 'f00d';
    if (condition === 'following nobody') member.followsNobody = true;
    if (condition === 'behind') member.progress = 1;
  }

  #named(name: string): SimulatedMember {
    return this.#members.get(name) as SimulatedMember;
  }

  #entryOf({ running, dataId }: SimulatedMember): ListedMember | undefined {
    return running && dataId !== '' ? this.list.find(({ id }) => id === dataId) : undefined;
  }

  #isHealthy(member: SimulatedMember): boolean {
    const entry = this.#entryOf(member);
    return entry !== undefined && member.progress === 2 && member.clusterId === 'c0ffee' && !member.followsNobody;
  }

  get healthyVoters(): string[] {
    return [...this.#members.values()]
      .filter((member) => this.#isHealthy(member) && this.#entryOf(member)?.isLearner === false)
      .map(({ name }) => name);
  }

  /** Data that was moved aside, by member. */
  get archived(): Record<string, string[]> {
    return Object.fromEntries([...this.#members].map(([name, { archived }]) => [name, archived]));
  }

  observe(): Observation {
    const leaderId = this.#named(this.healthyVoters[0] ?? '').dataId;
    const members = [...this.#members.values()].map((member): MemberObservation => {
      if (!member.running || member.progress === 0) return silent(member.name);
      return voter(member.name, {
        id: member.dataId,
        version: member.version,
        clusterId: member.clusterId,
        leaderId: member.followsNobody ? '0' : leaderId,
        isLearner: this.#entryOf(member)?.isLearner === true,
        raftAppliedIndex: member.progress === 2 ? '7000' : '12',
      });
    });
    return { members, memberList: structuredClone(this.list), alarms: [] };
  }

  inspect(name: string): HostInspection {
    const { running, dataId, version } = this.#named(name);
    const activeState = running ? 'active' : 'failed';
    return inspection(name, {
      unit: { ...inspection(name).unit, activeState },
      etcdVersion: version,
      dataDir: directory(LAYOUT.dataDir, { empty: dataId === '' }),
      configuration: configuration(name),
    });
  }

  apply(next: NextChange): void {
    switch (next.action) {
      case 'StopService':
        this.#note(this.#isHealthy(this.#named(next.member)), `${next.member} is healthy and is stopped`);
        Object.assign(this.#named(next.member), { running: false, progress: 0 });
        break;
      case 'ArchiveDataDir':
        this.#archive(this.#named(next.member));
        break;
      case 'RemoveMember':
        this.#remove(next.id);
        break;
      case 'AddMember':
        this.#add(next.peerUrl, next.asLearner);
        break;
      case 'ConfigureMembership':
        this.#named(next.member).initialCluster = next.parameters.initialCluster ?? '';
        break;
      case 'StartService':
        this.#start(this.#named(next.member));
        break;
      case 'WaitForMember':
        this.#goOn(this.#named(next.member));
        break;
      case 'PromoteMember':
        this.#promote(next.member, next.id);
        break;
      case 'GiveUp':
        this.#note(true, next.problem);
        break;
      case 'Finish':
        break;
    }
    const quorum = quorumOf(this.list);
    const { length } = this.healthyVoters;
    this.#note(length < quorum, `after ${next.action} ${length} voters are healthy, and a quorum is ${quorum}`);
  }

  #note(violated: boolean, what: string): void {
    if (violated) this.violations.push(what);
  }

  #archive(member: SimulatedMember): void {
    this.#note(member.running, `the data of ${member.name} is moved while it runs`);
    if (member.dataId !== '') member.archived.push(member.dataId);
    Object.assign(member, { dataId: '', clusterId: 'c0ffee', followsNobody: false });
  }

  #remove(id: string): void {
    const owner = [...this.#members.values()].find(({ running, dataId }) => running && dataId === id);
    this.#note(owner !== undefined && this.#isHealthy(owner), `${owner?.name} is healthy and is removed`);
    this.#note(owner !== undefined, `${owner?.name} runs and is removed`);
    this.list = this.list.filter((listed) => listed.id !== id);
  }

  /** etcd adds nobody while a voter is down, no second learner, and no peer URL twice. */
  #add(peerUrl: string, asLearner: boolean): void {
    const running = [...this.#members.values()].map((member) => this.#entryOf(member));
    const dead = this.list.filter((listed) => !listed.isLearner && !running.includes(listed));
    this.#note(dead.length > 0, `${peerUrl} is added while ${dead.map(({ id }) => id).join()} is listed and down`);
    const learners = this.list.filter(({ isLearner }) => isLearner);
    this.#note(asLearner && learners.length > 0, `${peerUrl} is added as a second learner`);
    this.#note(
      this.list.some(({ peerUrls }) => peerUrls.includes(peerUrl)),
      `${peerUrl} is added twice`,
    );
    this.list.push({ id: (this.#nextId++).toString(16), name: '', peerUrls: [peerUrl], isLearner: asLearner });
  }

  /** With an empty data dir etcd joins by its configuration, and takes the ID that the list has for its peer URL. */
  #start(member: SimulatedMember): void {
    Object.assign(member, { running: true, progress: 0 });
    if (member.dataId !== '') return;
    const expected = this.list.flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name || hostOf(url)}=${url}`));
    this.#note(
      member.initialCluster !== expected.join(),
      `${member.name} is started with ${member.initialCluster} instead of ${expected.join()}`,
    );
    const entry = this.list.find(({ peerUrls }) => peerUrls.some((url) => hostOf(url) === member.name));
    this.#note(entry === undefined, `${member.name} is started without being in the list`);
    if (!entry) return;
    this.#note(entry.name !== '', `${member.name} has lost its data and keeps the ID ${entry.id}`);
    entry.name = member.name;
    member.dataId = entry.id;
  }

  #goOn(member: SimulatedMember): void {
    if (this.#entryOf(member)) member.progress = Math.min(2, member.progress + 1);
  }

  #promote(name: string, id: string): void {
    const entry = this.list.find((listed) => listed.id === id);
    this.#note(!entry?.isLearner, `${name} is promoted and is no learner`);
    this.#note(this.#named(name).progress < 2, `${name} is promoted before it has caught up`);
    if (entry) entry.isLearner = false;
  }
}

const RUNNING = {
  running: true,
  clusterId: 'c0ffee',
  followsNobody: false,
  progress: 2,
  initialCluster: '',
};

function hostOf(url: string): string {
  return new URL(url).hostname;
}
