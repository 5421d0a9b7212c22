import { it } from 'vitest';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { EtcdUnavailable } from '../../../core/errors.ts';
import type { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { observeEvidence } from '../../../lambdas/etcd/evidence.ts';
import { clusterIn, observation, silent, voter } from '../../core/observations.ts';

/** Members that answer and agree on nothing, as each look in turn sees them. */
function looks(...committed: string[]) {
  const seen = committed.map((raftCommittedIndex): MemberObservation[] => [
    voter('node1', { leaderId: 'a2', raftCommittedIndex }),
    silent('node2'),
    silent('node3'),
  ]);
  const left = [...seen];
  const etcd = {
    observeMembers: async () => left.shift(),
    observeAgreement: async () => Promise.reject(new EtcdUnavailable('etcd could not agree in time.')),
    findLoginProblem: async () => '',
    readCertificates: async () => [],
  } as unknown as EtcdCluster;
  const cluster = clusterIn(observation(seen[0] ?? []));
  return observeEvidence(etcd, cluster, Date.now() + 60_000);
}

// Between the two looks lies the time that an election takes.
it.concurrent.for<[string, string[], string[]]>([
  ['a member has learnt of a commit', ['7000', '7001'], ['node1']],
  ['nobody has', ['7000', '7000'], []],
])(
  'a second look at a cluster without a leader tells whether %s since the first',
  async ([, committed, committing], { expect }) => {
    expect((await looks(...committed)).committing).toEqual(committing);
  },
);
