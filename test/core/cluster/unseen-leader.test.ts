import { describe, expect, it } from 'vitest';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { findUnseenLeader } from '../../../core/cluster/unseen-leader.ts';
import { proof, rejecting } from '../diagnosis/diagnoses.ts';
import { type FirstRefusal, firstLookAtSpace, firstRefusals } from '../first-looks.ts';
import {
  clusterOf,
  configured,
  failureOf,
  idOf,
  listed,
  noSpace,
  observation,
  refusing,
  silent,
  unreached,
  voter,
} from '../observations.ts';

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const cluster = { ...clusterOf(MEMBERS), auth: { secret: 'root' } };
const follows = (name: string, leader: string) => voter(name, { leaderId: idOf(leader) });
const REFUSED = 'ECONNREFUSED 127.0.0.1:2379';

/** What each runbook that needs the leader says at its first look. */
function refusals(seen: Observation): FirstRefusal[] {
  const full = { ...seen, alarms: [noSpace('node1')] };
  const ofSpace = { runbook: 'space-exceeded, with NOSPACE', ...failureOf(() => firstLookAtSpace(full, cluster)) };
  if (seen.alarms.length > 0) return [ofSpace];
  return [...firstRefusals(seen, cluster, rejecting([], proof(seen.members)).probes), ofSpace];
}

describe('a leader that its followers name and that does not answer from here', () => {
  it.each<[string, MemberObservation[], string]>([
    [
      'its port is wrong',
      [follows('node1', 'node3'), follows('node2', 'node3'), silent('node3', REFUSED)],
      'node1, node2 follow',
    ],
    [
      'its name is not known',
      [follows('node1', 'node3'), follows('node2', 'node3'), unreached('node3', REFUSED)],
      'node1, node2 follow',
    ],
    [
      'another one is not seen either',
      [follows('node1', 'node3'), silent('node2'), silent('node3', REFUSED)],
      'node1 follows',
    ],
  ])('is no failure, and every runbook that needs it says so at its first look: %s', (_, members, follow) => {
    for (const { runbook, name, message } of refusals(observation(members))) {
      expect([runbook, name]).toEqual([runbook, 'PreconditionFailed']);
      expect(message, runbook).toBe(
        `node3 leads, for ${follow} it, and it does not answer from here: https://node3:2379: ${REFUSED}. It works, because followers forget a dead leader ` +
          'within seconds. Correct the clientUrl of node3 in clusters.json, or the network between here and there, and start again. Nothing was changed.',
      );
    }
  });

  it('is named with what to do where clusters.json does not name it', () => {
    const members = MEMBERS.map(({ name }) => follows(name, 'node4'));
    const seen = {
      ...observation(members),
      memberList: [...MEMBERS, { name: 'node4' }].map(({ name }) => listed(name)),
    };
    for (const { name, message } of refusals(seen)) {
      expect(name).toBe('PreconditionFailed');
      expect(message).toMatch(
        /^node1, node2, node3 follow node4 \(a4, https:\/\/node4:2380\), which leads, and which clusters\.json does not name: add it to clusters\.json\. Nothing was changed\.$/,
      );
    }
  });

  it.each<[string, MemberObservation[]]>([
    ['the leader answers', [follows('node1', 'node2'), follows('node2', 'node2'), silent('node3')]],
    [
      'nobody is followed',
      [follows('node1', '0'), follows('node2', '0'), silent('node3')].map((seen) => ({
        ...seen,
        ...(seen.answering && { leaderId: '0' }),
      })),
    ],
  ])('is not what is seen where %s', (_, members) => {
    expect(findUnseenLeader(observation(members))).toBeUndefined();
  });

  it('is not what is seen where no quorum could be asked: it may have stopped a moment ago', () => {
    const members = [follows('node1', 'node3'), follows('node2', 'node3'), silent('node3')];
    expect(findUnseenLeader({ members, memberList: [], alarms: [] })).toBeUndefined();
  });

  it('is told by what it refuses us with, where it does', () => {
    const members = [follows('node1', 'node3'), follows('node2', 'node3'), refusing('node3', 'The login is refused.')];
    const [first] = refusals(observation(members));
    expect(first?.name).toBe('PreconditionFailed');
    expect(first?.message).toMatch(/Correct the certificate or the login for node3/);
  });
});
