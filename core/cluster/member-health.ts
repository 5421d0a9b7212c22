/** How one configured member stands to the cluster. */
export interface MemberHealth {
  name: string;
  /** In hex; empty where the member is not in etcd's list. */
  id: string;
  /**
   * `healthy`; `joining`: in the cluster, but a learner still or behind; `unjudged`: what was seen says nothing of the member itself, so nothing
   * may be done to it; `failed`: anything else.
   */
  state: 'healthy' | 'joining' | 'unjudged' | 'failed';
  role: 'leader' | 'follower' | 'learner' | 'none';
  version: string;
  raftAppliedIndex: string;
  /** Why it is not healthy, in words for a responder; empty where it is. */
  problem: string;
}
