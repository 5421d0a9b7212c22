import { describe, expect, it } from 'vitest';
import type { AnsweringMember, Observation } from '../../../core/cluster/observation.ts';
import { type NextDefragmentation, spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  FRAGMENTED,
  failureOf,
  idOf,
  learner,
  ledBy,
  noSpace,
  observation,
  silent,
  sizes,
  voter,
} from '../observations.ts';
import { assessSpace, chooseAlarmsToDisarm, chooseNextDefragmentation, provenWrites } from './space-decisions.ts';

const parameters = parse(spaceParametersSchema, {}, 'parameters');
const LIMIT_SHARE = parameters.disarmBelowRatio;
const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

/** A small seeded generator (mulberry32): numbers from 0 to 1, the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A cluster without etcd: it does at once what it is told, and changes its leader on its own. */
class SimulatedCluster {
  members: AnsweringMember[];
  readonly #random: () => number;
  /** Members whose compaction is still under way: their first defragmentation gives back half. */
  readonly #compacting: Set<string>;
  /** Members that do not answer. */
  readonly away: Set<string>;

  constructor(voters: number, learners: number, seed: number, away = 0) {
    this.#random = randomFrom(seed);
    this.away = new Set(Array.from({ length: away }, (_, index) => `node${voters - index}`));
    this.members = Array.from({ length: voters + learners }, (_, index) => {
      const name = `node${index + 1}`;
      const dbSizeMib = 20 + Math.floor(this.#random() * 79);
      const inUseMib = Math.floor(this.#random() * Math.min(dbSizeMib, 88));
      return (index < voters ? voter : learner)(name, sizes(dbSizeMib, inUseMib));
    });
    this.#compacting = new Set(this.voters.filter(() => this.#random() < 0.3).map((member) => member.name));
    this.electAnyone();
  }

  get voters(): AnsweringMember[] {
    return this.members.filter((member) => !member.isLearner);
  }

  /** What a look at it sees. */
  observe(differences: Partial<Observation> = {}): Observation {
    const { memberList } = observation(this.members);
    const members = this.members.map((member) => (this.away.has(member.name) ? silent(member.name) : member));
    return observation(members, { memberList, ...differences });
  }

  get leader(): AnsweringMember {
    return this.find((member) => member.id === member.leaderId);
  }

  get overThreshold(): string[] {
    return this.voters
      .filter((member) => member.dbSizeBytes > (member.quotaBytes ?? 0) * LIMIT_SHARE)
      .map((member) => member.name);
  }

  named(name: string): AnsweringMember {
    return this.find((member) => member.name === name);
  }

  find(condition: (member: AnsweringMember) => boolean): AnsweringMember {
    const found = this.members.find(condition);
    if (!found) throw new Error('the cluster has no such member');
    return found;
  }

  elect(name: string): void {
    this.members = ledBy(name, this.members);
  }

  electAnyone(): void {
    const voters = this.voters.filter(({ name }) => !this.away.has(name));
    this.elect(voters[Math.floor(this.#random() * voters.length)]?.name ?? '');
  }

  /**
   * What happens between two turns: entries are applied here sooner than there, now and then another leader is elected, and one that was
   * away comes back.
   */
  goOn(electionProbability: number, returnProbability = 0): void {
    for (const name of this.away) if (this.#random() < returnProbability) this.away.delete(name);
    this.members = this.members.map((member) => ({
      ...member,
      raftAppliedIndex: String(7000 + Math.floor(this.#random() * 900)),
    }));
    if (this.#random() < electionProbability) this.electAnyone();
  }

  defragment(name: string): void {
    const { dbSizeBytes, dbSizeInUseBytes } = this.named(name);
    const givesHalf = this.#compacting.delete(name);
    const after = givesHalf ? Math.ceil((dbSizeBytes + dbSizeInUseBytes) / 2) : dbSizeInUseBytes;
    this.members = this.members.map((member) => (member.name === name ? { ...member, dbSizeBytes: after } : member));
  }
}

/** Asks and does what is answered until it is "Finish"; `check` sees the cluster before each action. */
function walk(
  cluster: SimulatedCluster,
  electionProbability: number,
  check: (action: NextDefragmentation, defragmented: readonly string[]) => void,
  returnProbability = 0,
): string[] {
  const leftOut = [...cluster.away];
  const defragmented: string[] = [];
  const alarms = [noSpace('node1')];
  for (let turn = 0; ; turn++) {
    cluster.goOn(electionProbability, returnProbability);
    const next = chooseNextDefragmentation(cluster.observe({ alarms }), parameters, defragmented, turn, leftOut);
    check(next, defragmented);
    if (next.action === 'Finish') return defragmented;
    if (next.action === 'MoveLeadership') {
      cluster.elect(next.transferee);
    } else {
      cluster.defragment(next.member);
      defragmented.push(next.member);
    }
  }
}

/** What one walk does that must never happen; empty where all is well. */
function violationsOf(cluster: SimulatedCluster, electionProbability: number, returnProbability = 0): string[] {
  const violations: string[] = [];
  const learnersBefore = cluster.members.filter((member) => member.isLearner);
  const fullBefore = cluster.overThreshold;
  const note = (violated: boolean, what: string) => {
    if (violated) violations.push(what);
  };
  const defragmented = walk(
    cluster,
    electionProbability,
    (next, soFar) => {
      if (next.action === 'Defragment') {
        const member = cluster.named(next.member);
        const tries = soFar.filter((name) => name === next.member).length;
        note(cluster.away.has(member.name), `${member.name} is away and defragmented`);
        note(member.isLearner, `the learner ${member.name} is defragmented`);
        note(
          member === cluster.leader && cluster.voters.length > 1,
          `${member.name} is defragmented while it leads others`,
        );
        note(tries === 2, `${member.name} is defragmented a third time`);
      }
      if (next.action === 'MoveLeadership') {
        const transferee = cluster.named(next.transferee);
        note(next.member !== cluster.leader.name, `${next.member} is to give up a leadership it does not have`);
        note(cluster.away.has(transferee.name), `${transferee.name} is away and is to lead`);
        note(transferee === cluster.leader, `${transferee.name} leads already`);
        note(transferee.isLearner, `the learner ${transferee.name} is to lead`);
        note(cluster.overThreshold.includes(transferee.name), `${transferee.name} is to lead before its own turn`);
      }
    },
    returnProbability,
  );
  const there = (name: string) => !cluster.away.has(name);
  for (const name of fullBefore.filter(there)) note(!defragmented.includes(name), `${name} is full and was left out`);
  for (const name of cluster.overThreshold.filter(there)) note(true, `${name} is still full at the end`);
  for (const { name, dbSizeBytes } of learnersBefore) {
    note(cluster.named(name).dbSizeBytes !== dbSizeBytes, `the learner ${name} was touched`);
  }
  return violations;
}

describe('the whole loop, whatever the sizes', () => {
  it.each([
    { voters: 1, learners: 0, elections: 0 },
    { voters: 1, learners: 1, elections: 0 },
    { voters: 3, learners: 0, elections: 0 },
    { voters: 3, learners: 0, elections: 0.3 },
    { voters: 3, learners: 1, elections: 0.3 },
    { voters: 5, learners: 0, elections: 0.3 },
    { voters: 5, learners: 2, elections: 0.3 },
  ])(
    'reclaims every full voter and acts on no wrong member: $voters voters, $learners learners, elections in $elections of the turns',
    ({ voters, learners, elections }) => {
      const violations = SEEDS.flatMap((seed) =>
        violationsOf(new SimulatedCluster(voters, learners, seed), elections).map((what) => `seed ${seed}: ${what}`),
      );
      expect(violations).toEqual([]);
    },
  );

  it.each([
    { voters: 3, learners: 0, away: 1, elections: 0, returns: 0 },
    { voters: 3, learners: 1, away: 1, elections: 0.3, returns: 0 },
    { voters: 3, learners: 0, away: 1, elections: 0.3, returns: 0.3 },
    { voters: 5, learners: 0, away: 2, elections: 0.3, returns: 0 },
    { voters: 5, learners: 2, away: 2, elections: 0.3, returns: 0.2 },
  ])(
    'reclaims every full voter that answers while $away of $voters do not, and those that come back in $returns of the turns',
    ({ voters, learners, away, elections, returns }) => {
      const violations = SEEDS.flatMap((seed) =>
        violationsOf(new SimulatedCluster(voters, learners, seed, away), elections, returns).map(
          (what) => `seed ${seed}: ${what}`,
        ),
      );
      expect(violations).toEqual([]);
    },
  );
});

describe('the whole loop', () => {
  it('follows the plan of the assessment, the leader last, and ends with nothing left to do', () => {
    const cluster = new SimulatedCluster(3, 0, 1);
    cluster.members = ledBy('node2', [
      voter('node1', FRAGMENTED),
      voter('node2', FRAGMENTED),
      voter('node3', FRAGMENTED),
    ]);
    const alarms = [noSpace('node3')];
    const { plan } = assessSpace(observation(cluster.members, { alarms }), parameters);
    const actions: NextDefragmentation[] = [];
    const defragmented = walk(cluster, 0, (next) => actions.push(next));
    expect([...new Set(defragmented)]).toEqual(plan);
    expect([...new Set(actions.map((next) => next.action))]).toEqual(['Defragment', 'MoveLeadership', 'Finish']);
    expect(defragmented.at(-1)).toBe('node2');
    expect(chooseAlarmsToDisarm(observation(cluster.members, { alarms }), parameters)).toEqual(alarms);
    expect(provenWrites(observation(cluster.members)).members).toHaveLength(3);
    expect(assessSpace(observation(cluster.members), parameters).verdict).toBe('NothingToDo');
  });

  it('gives up on a cluster whose leadership moves back each time, and leaves the leader alone', () => {
    const cluster = new SimulatedCluster(3, 0, 1);
    cluster.members = [voter('node1', FRAGMENTED), voter('node2'), voter('node3')];
    const actions: string[] = [];
    const failure = failureOf(() =>
      walk(cluster, 0, (next) => {
        actions.push(next.action);
        cluster.elect = () => {};
      }),
    );
    expect(failure.name).toBe('PreconditionFailed');
    expect(failure.message).toContain('After 19 turns node1 is still to be defragmented: leadership keeps moving');
    expect(actions).toEqual(Array(19).fill('MoveLeadership'));
    expect(cluster.leader.id).toBe(idOf('node1'));
  });

  it('ends on a member that never shrinks, whose alarm is then kept', () => {
    const cluster = new SimulatedCluster(3, 0, 1);
    cluster.members = [voter('node1'), voter('node2', FRAGMENTED), voter('node3')];
    cluster.defragment = () => {};
    expect(walk(cluster, 0, () => {})).toEqual(['node2', 'node2']);
    const reading = observation(cluster.members, { alarms: [noSpace('node2')] });
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parameters)).message).toContain(
      'Still over 90 % of the quota: node2.',
    );
  });
});
