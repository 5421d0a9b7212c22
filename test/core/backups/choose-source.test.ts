import { describe, expect, it } from 'vitest';
import { orderSources } from '../../../core/backups/choose-source.ts';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { MemberObservation, Observation } from '../../../core/cluster/observation.ts';
import { configured, learner, noSpace, observation, silent, sizes, voter } from '../observations.ts';

const NAMES = ['node1', 'node2', 'node3'];
const CLUSTER: Cluster = {
  name: 'orders',
  members: NAMES.map((name) => configured(name)),
  quotaBackendBytes: 1,
};

/** node1 leads. */
function sourcesOf(members: MemberObservation[], differences: Partial<Observation> = {}): string[] {
  return orderSources(CLUSTER, observation(members, differences)).map(({ member }) => member);
}

describe('the member whose database is backed up', () => {
  it('is the follower with the smallest database, and the leader only where no other serves', () => {
    const members = [voter('node1', sizes(1, 1)), voter('node2', sizes(9, 9)), voter('node3', sizes(5, 5))];
    expect(sourcesOf(members)).toEqual(['node3', 'node2', 'node1']);
  });

  it('is one that is left while another is down, or while the store is full', () => {
    expect(sourcesOf([voter('node1'), silent('node2'), voter('node3')])).toEqual(['node3', 'node1']);
    expect(
      sourcesOf(
        NAMES.map((name) => voter(name)),
        { alarms: [noSpace('node3')] },
      ),
    ).toHaveLength(3);
  });

  it('is none that is behind, that has no leader, that is a learner or that etcd does not list', () => {
    const members = [voter('node1'), voter('node2', { raftAppliedIndex: '5999' }), voter('node3', { leaderId: '0' })];
    expect(sourcesOf(members)).toEqual(['node1']);
    expect(sourcesOf([voter('node1'), learner('node2'), silent('node3')])).toEqual(['node1']);
    const { memberList } = observation([voter('node1'), voter('node3')]);
    expect(sourcesOf([voter('node1'), voter('node2'), voter('node3')], { memberList })).toEqual(['node3', 'node1']);
  });

  it('is nobody without a quorum: what is left is for its recovery', () => {
    const members = [voter('node1', { leaderId: '0' }), silent('node2', 'Nothing listens.'), silent('node3')];
    expect(() => sourcesOf(members, { memberList: [] })).toThrow(
      expect.objectContaining({
        name: 'EtcdUnavailable',
        message: expect.stringMatching(/quorum-lost[\s\S]*node2.*Nothing listens/),
      }),
    );
  });

  it('is nobody while members may hold different data', () => {
    const members = NAMES.map((name) => voter(name));
    expect(() => sourcesOf(members, { alarms: [{ memberId: 'a1', alarm: 'CORRUPT' }] })).toThrow(
      expect.objectContaining({ name: 'UnsafeToProceed' }),
    );
  });

  it('is nobody where another member answers at its address', () => {
    const members = [voter('node1'), voter('node2', { id: 'a3' }), voter('node3')];
    expect(() => sourcesOf(members, { memberList: observation(NAMES.map((name) => voter(name))).memberList })).toThrow(
      expect.objectContaining({ name: 'PreconditionFailed', message: expect.stringContaining('No backup was made') }),
    );
  });
});
