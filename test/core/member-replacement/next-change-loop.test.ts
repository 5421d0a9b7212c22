import { describe, expect, it } from 'vitest';
import { failureOf } from '../observations.ts';
import { CONDITIONS, type MemberCondition, NOT_RUNNING } from './conditions.ts';
import { execute, violationsWhenCutOff, violationsWhenMeddled } from './executions.ts';
import { SimulatedMembership } from './simulated-membership.ts';

const UNPROMOTED = 'a learner, not promoted';

/** One that joins as a learner, and one that joins as a voter, for its promotions break a later upgrade. */
const RELEASES = [
  { version: '3.5.30', conditions: [...CONDITIONS], addedByHand: ['a voter', 'a learner'] },
  {
    version: '3.5.16',
    conditions: CONDITIONS.filter((condition) => condition !== UNPROMOTED),
    addedByHand: ['a voter'],
  },
];

describe.each(RELEASES)('the replacement of members of etcd $version', ({ version, conditions, addedByHand }) => {
  const three = (name: string, condition: MemberCondition) => () =>
    new SimulatedMembership(3, { [name]: condition }, version);
  const five = (first: MemberCondition, second: MemberCondition) => () =>
    new SimulatedMembership(5, { node2: first, node4: second }, version);
  const addByHand = (name: string, as: string) => (simulated: SimulatedMembership) =>
    simulated.addByHand(name, as === 'a learner');

  describe('cut off anywhere and started again', () => {
    it.each(conditions)('makes one of three that is %s a healthy voter, and harms nobody on the way', (condition) => {
      const violations = ['node1', 'node2', 'node3'].flatMap((name) =>
        violationsWhenCutOff({ make: three(name, condition) }),
      );
      expect(violations).toEqual([]);
    });

    it.each(conditions)('does so for two of five, one of which is %s', (first) => {
      const violations = conditions.flatMap((second) =>
        violationsWhenCutOff({ make: five(first, second) }).map((what) => `${first}, and ${second}: ${what}`),
      );
      expect(violations).toEqual([]);
    });

    it.each([
      { size: 4, names: ['node3', 'node4'] },
      { size: 5, names: ['node1', 'node2', 'node3'] },
    ])('does so for $names of $size, which were removed by hand', ({ size, names }) => {
      const gone = Object.fromEntries(names.map((name) => [name, 'removed, and crashed' as const]));
      expect(violationsWhenCutOff({ make: () => new SimulatedMembership(size, gone, version) })).toEqual([]);
    });

    it.each(NOT_RUNNING)('does so for a member on a spare host in the place of one that is %s', (condition) => {
      const violations = ['node1', 'node2', 'node3'].flatMap((replaced) =>
        violationsWhenCutOff({ make: three(replaced, condition), replaced }),
      );
      expect(violations).toEqual([]);
    });
  });

  describe.each(addedByHand)('while somebody adds the member by hand as %s', (as) => {
    it.each(conditions)('harms nobody where it is %s: between two steps, and between two executions', (condition) => {
      const violations = ['node1', 'node2', 'node3'].flatMap((name) => {
        const meddled = { make: three(name, condition), byHand: addByHand(name, as) };
        return [...violationsWhenMeddled(meddled), ...violationsWhenCutOff(meddled)];
      });
      expect(violations).toEqual([]);
    });

    it.each(conditions)('harms nobody where it is one of two, and %s', (condition) => {
      const violations = ['node2', 'node4'].flatMap((name) => {
        const meddled = { make: five(condition, 'removed, and crashed'), byHand: addByHand(name, as) };
        return [...violationsWhenMeddled(meddled), ...violationsWhenCutOff(meddled)].map((what) => `${name}: ${what}`);
      });
      expect(violations).toEqual([]);
    });

    it.each(NOT_RUNNING)('harms nobody where it takes the place of one that is %s', (condition) => {
      const meddled = { make: three('node3', condition), replaced: 'node3', byHand: addByHand('node9', as) };
      expect([...violationsWhenMeddled(meddled), ...violationsWhenCutOff(meddled)]).toEqual([]);
    });
  });
});

it('a learner that etcd 3.5.16 would have to promote is left as it is', () => {
  const simulated = new SimulatedMembership(3, { node3: UNPROMOTED }, '3.5.16');
  const before = structuredClone(simulated.list);
  expect(failureOf(() => execute(simulated)).name).toBe('PreconditionFailed');
  expect(simulated.list).toEqual(before);
});
