import { describe, expect, it } from 'vitest';
import { memberParametersSchema } from '../../core/contracts/execution-input.ts';
import type { PlannedTarget, Readings } from '../../core/contracts/membership.ts';
import { parse } from '../../core/contracts/parse.ts';
import { assessMembers } from '../../core/decisions/member-assessment.ts';
import { chooseNextChange } from '../../core/decisions/next-change.ts';
import { planReplacement } from '../../core/decisions/replacement-plan.ts';
import { CONDITIONS, SimulatedMembership } from './simulated-membership.ts';

const parameters = parse(memberParametersSchema, {}, 'parameters');
const NO_READINGS: Readings = { targets: [], equal: 0, total: 0 };
/** A replacement takes 7 changes and 2 waits; the question that is answered with "Finish" is one more. */
const MAX_TURNS_PER_TARGET = 9;

/** One that joins as a learner, and one that joins as a voter. */
const VERSIONS = ['3.5.30', '3.5.16'];

/** What the first steps of an execution come to: the confirmed targets, and the plan for them. */
function plan(simulated: SimulatedMembership): PlannedTarget[] {
  const request = { cluster: simulated.cluster, parameters, member: '' };
  let readings = NO_READINGS;
  for (;;) {
    const { verdict, ...assessment } = assessMembers(simulated.observe(), { ...request, readings });
    readings = assessment.readings;
    if (verdict === 'NothingToDo') return [];
    if (verdict === 'Confirm') continue;
    const inspections = assessment.inspections.map(({ member }) => ({ member, inspection: simulated.inspect(member) }));
    return planReplacement(simulated.observe(), { ...request, targets: readings.targets, inspections }).targets;
  }
}

/**
 * One execution, which asks and does what is answered until it is "Finish", or is cut off after `maxTurns`.
 * @returns what was done
 */
function execute(simulated: SimulatedMembership, maxTurns = Number.POSITIVE_INFINITY): string[] {
  const targets = plan(simulated);
  const done: string[] = [];
  let waits = 0;
  for (let turn = 0; turn < maxTurns; turn++) {
    const request = { cluster: simulated.cluster, targets, done, waits, turn, execution: 'run-1' };
    const next = chooseNextChange(simulated.observe(), request);
    if (turn > MAX_TURNS_PER_TARGET * targets.length) throw new Error(`there is no end to it: ${done.join(', ')}`);
    simulated.apply(next);
    if (next.action === 'Finish') return done;
    waits = next.action === 'WaitForMember' ? waits + 1 : 0;
    done.push(`${next.action} ${next.member}`);
  }
  return done;
}

/** What is wrong after one execution that was cut off after each number of turns, and the one that went on from there. */
function violationsOf(make: () => SimulatedMembership): string[] {
  const uninterrupted = make();
  const turns = execute(uninterrupted).length;
  return Array.from({ length: turns + 1 }, (_, cutOffAfter) => cutOffAfter).flatMap((cutOffAfter) => {
    const simulated = make();
    execute(simulated, cutOffAfter);
    execute(simulated);
    const { violations, cluster, list, healthyVoters } = simulated;
    const names = cluster.members.map(({ name }) => name);
    if (healthyVoters.join() !== names.join()) violations.push(`only ${healthyVoters.join()} are healthy voters`);
    if (list.length !== names.length) violations.push(`etcd has ${list.length} members`);
    if (execute(simulated).length > 0) violations.push('a third execution finds something to do');
    return violations.map((what) => `cut off after ${cutOffAfter} of ${turns} turns: ${what}`);
  });
}

describe.each(VERSIONS)('the replacement of members of etcd %s, cut off anywhere and started again', (version) => {
  it.each(CONDITIONS)('makes one of three that is %s a healthy voter, and harms nobody on the way', (condition) => {
    const violations = ['node1', 'node2', 'node3'].flatMap((name) =>
      violationsOf(() => new SimulatedMembership(3, { [name]: condition }, version)),
    );
    expect(violations).toEqual([]);
  });

  it.each(CONDITIONS)('does so for two of five, one of which is %s', (first) => {
    const violations = CONDITIONS.flatMap((second) =>
      violationsOf(() => new SimulatedMembership(5, { node2: first, node4: second }, version)).map(
        (what) => `${first}, and ${second}: ${what}`,
      ),
    );
    expect(violations).toEqual([]);
  });

  it.each([
    { size: 4, names: ['node3', 'node4'] },
    { size: 5, names: ['node1', 'node2', 'node3'] },
  ])('does so for $names of $size, which were removed by hand', ({ size, names }) => {
    const conditions = Object.fromEntries(names.map((name) => [name, 'removed, and crashed' as const]));
    expect(violationsOf(() => new SimulatedMembership(size, conditions, version))).toEqual([]);
  });
});
