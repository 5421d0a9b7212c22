import type { Cluster, ConfiguredMember } from '../../../core/cluster/clusters.ts';
import { quorumOf } from '../../../core/cluster/member-survey.ts';
import type { ListedMember, MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import type { NextChange } from '../../../core/member-replacement/contracts.ts';
import {
  clusterOf,
  configuration,
  configured,
  directory,
  inspection,
  LAYOUT,
  silent,
  spare,
  voter,
} from '../observations.ts';
import type { MemberCondition } from './conditions.ts';

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
  /** When its data dir was emptied, by the simulation's clock; before everything else where it never was. */
  emptiedAt: number;
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
  /** When each ID was added, by the same clock; those that are not in it were there from the start. */
  readonly #addedAt = new Map<string, number>();
  #clock = 0;
  #isAddedByHand = false;
  #nextId = 0xb0;

  /** node9 is a member that could be: its host is a spare one, and nothing is on it. */
  constructor(size: number, conditions: Readonly<Record<string, MemberCondition>>, version: string) {
    const names = Array.from({ length: size }, (_, index) => `node${index + 1}`);
    this.cluster = clusterOf(
      names.map((name) => configured(name)),
      { spareHosts: [spare('node9')] },
    );
    this.#members = new Map(names.map((name) => [name, { ...RUNNING, name, version, dataId: name }]));
    this.#members.set('node9', { ...RUNNING, name: 'node9', version, dataId: '', running: false, progress: 0 });
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

  /** @param observed the members that are asked, in this order */
  observe(observed: readonly ConfiguredMember[]): Observation {
    const leaderId = this.#named(this.healthyVoters[0] ?? '').dataId;
    const members = observed.map(({ name }): MemberObservation => {
      const member = this.#named(name);
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

  /** @param halfway only on the first of the hosts; and of what is done there, only the first thing */
  apply(next: NextChange, halfway = false): void {
    switch (next.action) {
      case 'StopService':
        for (const { member } of next.commands.slice(0, halfway ? 1 : undefined)) {
          this.#note(this.#isHealthy(this.#named(member)), `${member} is healthy and is stopped`);
          Object.assign(this.#named(member), { running: false, progress: 0 });
        }
        break;
      case 'ArchiveDataDir':
        for (const { member } of next.commands.slice(0, halfway ? 1 : undefined)) this.#archive(this.#named(member));
        break;
      case 'RemoveMember':
        this.#remove(next.id);
        break;
      case 'AddMember':
        this.#add(next.peerUrls[0] ?? '', next.asLearner);
        break;
      case 'JoinCluster':
        for (const { member, parameters } of next.commands) {
          this.#named(member).initialCluster = parameters.initialCluster ?? '';
          if (!halfway) this.#start(this.#named(member));
        }
        break;
      case 'WaitForMember':
        this.#goOn(this.#named(next.member));
        break;
      case 'PromoteMember':
        this.#promote(next.member, next.id);
        break;
      case 'GiveUp':
        this.#note(!this.#isAddedByHand, next.problem);
        break;
      case 'Finish':
        break;
    }
    const quorum = quorumOf(this.list);
    const { length } = this.healthyVoters;
    this.#note(length < quorum, `after ${next.action} ${length} voters are healthy, and a quorum is ${quorum}`);
    for (const member of this.#members.values()) this.#requireNoLostData(member, next.action);
  }

  /** Somebody adds a member that is not listed, where etcd takes it in. */
  addByHand(name: string, asLearner: boolean): void {
    const peerUrl = configured(name).peerUrl;
    if (this.#refusalOf(peerUrl, asLearner) !== undefined) return;
    this.#add(peerUrl, asLearner);
    this.#isAddedByHand = true;
  }

  /** Whoever starts a member whose data is gone gives it the ID that is listed for it, which must not have been anybody's before. */
  #requireNoLostData({ name, dataId, emptiedAt }: SimulatedMember, action: string): void {
    const ids = this.list.filter((entry) => isEntryOf(entry, name)).map(({ id }) => id);
    const older = ids.filter((id) => dataId === '' && (this.#addedAt.get(id) ?? 0) < emptiedAt);
    this.#note(older.length > 0, `after ${action} ${name} is listed as ${older.join()}, and its data dir is empty`);
  }

  #note(violated: boolean, what: string): void {
    if (violated) this.violations.push(what);
  }

  #archive(member: SimulatedMember): void {
    this.#note(member.running, `the data of ${member.name} is moved while it runs`);
    Object.assign(member, { dataId: '', clusterId: 'c0ffee', followsNobody: false, emptiedAt: ++this.#clock });
  }

  #remove(id: string): void {
    const owner = [...this.#members.values()].find(({ running, dataId }) => running && dataId === id);
    this.#note(owner !== undefined && this.#isHealthy(owner), `${owner?.name} is healthy and is removed`);
    this.#note(owner !== undefined, `${owner?.name} runs and is removed`);
    this.list = this.list.filter((listed) => listed.id !== id);
  }

  #add(peerUrl: string, asLearner: boolean): void {
    const refusal = this.#refusalOf(peerUrl, asLearner);
    this.#note(refusal !== undefined, `${peerUrl} is added ${refusal}`);
    const id = (this.#nextId++).toString(16);
    this.#addedAt.set(id, ++this.#clock);
    this.list.push({ id, name: '', peerUrls: [peerUrl], isLearner: asLearner });
  }

  /** etcd adds nobody while a voter is down, no second learner, and no peer URL twice. */
  #refusalOf(peerUrl: string, asLearner: boolean): string | undefined {
    const running = [...this.#members.values()].map((member) => this.#entryOf(member));
    const dead = this.list.filter((listed) => !listed.isLearner && !running.includes(listed));
    if (dead.length > 0) return `while ${dead.map(({ id }) => id).join()} is listed and down`;
    if (asLearner && this.list.some(({ isLearner }) => isLearner)) return 'as a second learner';
    return this.list.some(({ peerUrls }) => peerUrls.includes(peerUrl)) ? 'twice' : undefined;
  }

  /**
   * With an empty data dir etcd joins by its configuration, and takes the ID that the list has for its peer URL. It does not start
   * where the two differ, which only somebody who adds a member at that moment may bring about.
   */
  #start(member: SimulatedMember): void {
    Object.assign(member, { running: true, progress: 0 });
    if (member.dataId !== '') return;
    const expected = this.list.flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name || hostOf(url)}=${url}`));
    if (member.initialCluster !== expected.join()) {
      this.#note(
        !this.#isAddedByHand,
        `${member.name} is started with ${member.initialCluster} instead of ${expected.join()}`,
      );
      member.running = false;
      return;
    }
    const entry = this.list.find((listed) => isEntryOf(listed, member.name));
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
    const { progress, version } = this.#named(name);
    this.#note(progress < 2, `${name} is promoted before it has caught up`);
    this.#note(version === '3.5.16', `${name} is promoted by etcd ${version}, which does not write it to its store`);
    if (entry) entry.isLearner = false;
  }
}

const RUNNING = {
  running: true,
  clusterId: 'c0ffee',
  followsNobody: false,
  progress: 2,
  emptiedAt: -1,
  initialCluster: '',
};

function isEntryOf({ name, peerUrls }: ListedMember, member: string): boolean {
  return name === member || peerUrls.some((url) => hostOf(url) === member);
}

function hostOf(url: string): string {
  return new URL(url).hostname;
}
