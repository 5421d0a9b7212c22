import { expect, it } from 'vitest';
import type { Observation } from '../../../core/cluster/observation.ts';
import { comparableVoters } from '../../../core/member-repair/comparable-voters.ts';
import { clusterIn, failureOf, learner, observation, silent, voter } from '../observations.ts';
import { votersOf, withLast } from './readings.ts';

function comparable(reading: Observation): string[] {
  return comparableVoters(clusterIn(reading).members, reading).map(({ name }) => name);
}

it.each([
  ['all voters', votersOf(3), ['node1', 'node2', 'node3']],
  ['no learner', withLast(3, learner('node3')), ['node1', 'node2']],
  ['none that does not answer', withLast(3, silent('node3')), ['node1', 'node2']],
  ['none that follows nobody', withLast(3, voter('node3', { leaderId: '0' })), ['node1', 'node2']],
])('are %s', (_, members, expected) => {
  expect(comparable(observation(members))).toEqual(expected);
});

it('are waited for while one is only behind: what it does not have yet is no difference', () => {
  const behind = voter('node3', { raftAppliedIndex: '12', revision: '10' });
  expect(failureOf(() => comparable(observation(withLast(3, behind))))).toMatchObject({
    name: 'EtcdUnavailable',
    message: expect.stringContaining('node3 has applied 12 of 7000 log entries: its data cannot be compared'),
  });
});
