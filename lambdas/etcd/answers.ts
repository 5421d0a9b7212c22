import { EtcdUnavailable, PreconditionFailed, UnsafeToProceed } from '../../core/errors.ts';
import type { Row } from './meaning.ts';

/** etcd's own messages, the more specific first. */
export const ANSWERS: readonly Row[] = [
  {
    reason: 'TokenRejected',
    details: /invalid auth token/,
    error: PreconditionFailed,
    advice: 'The member rejects a token that was issued a moment ago: see the incident auth-token-invalid.',
  },
  {
    reason: 'TokenOutdated',
    details: /revision of auth store is old|revision in header is old/,
    error: PreconditionFailed,
    advice:
      'Users or roles were changed since the token was issued, or are others on this member. Start again, with a new token; if it stays so on one member, restart that one.',
  },
  {
    reason: 'AuthNotEnabled',
    details: /authentication is not enabled/,
    error: PreconditionFailed,
    advice:
      'The configuration names a login, but etcd runs without authentication. Enable it ("etcdctl auth enable"), or take "auth" out of clusters.json.',
  },
  {
    reason: 'WrongPassword',
    details: /authentication failed, invalid user ID or password/,
    error: PreconditionFailed,
    advice:
      "This member does not take the user name or password. Where no other one does, correct the cluster's auth secret; where the others take it, this clientUrl leads to another cluster, or this member's users are not theirs.",
  },
  {
    reason: 'NoPassword',
    details: /password was given for no password user/,
    error: PreconditionFailed,
    advice:
      'This user has no password: etcd knows it by the common name of a client certificate alone. Take "auth" out of clusters.json, so that ' +
      'the certificate of the tls secret logs in; or name the secret of a user that has a password and the root role.',
  },
  {
    reason: 'VerifyOnly',
    details: /token signing attempted with verify-only key/,
    error: PreconditionFailed,
    advice:
      'This member only verifies JWTs: its --auth-token names no priv-key, so it signs none. To let clients log in there, give it the key that the others sign with.',
  },
  {
    reason: 'LoginRequired',
    details: /user name is empty/,
    error: PreconditionFailed,
    advice: 'etcd asks for a login: name a secret under "auth" in clusters.json.',
  },
  {
    reason: 'PermissionDenied',
    details: /permission denied/,
    error: PreconditionFailed,
    advice: {
      login:
        "The user of the cluster's auth secret may not do this: it needs the root role. Grant it " +
        '("etcdctl user grant-role USER root"), or put another user into the secret.',
      certificate:
        'Without a login etcd takes the common name of the client certificate (of the tls secret) for the user, and that user may not do this. Grant it the ' +
        'root role ("etcdctl user grant-role COMMON-NAME root"). Or name the secret of a user with that role under "auth" in clusters.json.',
      nobody:
        'This is not allowed without a login: name the secret of a user with the root role under "auth" in clusters.json.',
    },
  },
  {
    reason: 'UserNotFound',
    details: /user name not found/,
    error: PreconditionFailed,
    advice:
      'etcd has no such user: correct the name in the cluster\'s auth secret, or add the user ("etcdctl user add NAME").',
  },
  {
    reason: 'RootMissing',
    details: /root user does not/,
    error: PreconditionFailed,
    advice:
      'Authentication can be enabled only where there is a user root with the role root. Add what is missing ("etcdctl user add root", "etcdctl user grant-role root root"), then enable it.',
  },
  {
    reason: 'NoLeader',
    details: /etcdserver: no leader/,
    error: EtcdUnavailable,
    advice:
      'The cluster has no leader: an election is under way, or a quorum is lost. If it lasts for more than some seconds, look which members are down.',
  },
  {
    reason: 'LeaderChanging',
    details: /etcdserver: leader changed|raft proposal dropped/,
    error: EtcdUnavailable,
    advice: 'Leadership is just moving from one member to another.',
  },
  {
    reason: 'NotLeader',
    details: /etcdserver: not leader/,
    error: EtcdUnavailable,
    advice: 'Leadership has moved to another member in the meantime.',
  },
  {
    reason: 'BadLeaderTransferee',
    details: /bad leader transferee/,
    error: PreconditionFailed,
    advice:
      'The chosen member cannot lead: it is a learner, or not in the cluster any more. Start again: another one is chosen.',
  },
  {
    reason: 'NoSpace',
    details: /database space exceeded/,
    error: PreconditionFailed,
    advice: 'The store is full and refuses writes: see the incident space-exceeded.',
  },
  {
    reason: 'TooLarge',
    details: /request is too large|received message larger than max/,
    error: PreconditionFailed,
    advice: 'etcd takes no request of this size: compare its --max-request-bytes with that of the other members.',
  },
  {
    reason: 'AnswerTooLarge',
    details: /^Received message larger than max/,
    error: PreconditionFailed,
    advice: 'The answer of this member is larger than what is taken here.',
  },
  {
    reason: 'Compacted',
    details: /required revision has been compacted/,
    error: PreconditionFailed,
    advice: 'This revision was compacted before.',
  },
  {
    reason: 'FutureRevision',
    details: /required revision is a future revision/,
    error: PreconditionFailed,
    advice: 'This revision does not exist yet.',
  },
  {
    reason: 'TooManyRequests',
    details: /too many requests/,
    error: EtcdUnavailable,
    advice: 'The member has more requests waiting than it can apply: look at its disk and load, and at who sends them.',
  },
  {
    reason: 'DiskFull',
    details: /no space left on device/,
    error: PreconditionFailed,
    advice:
      "The disk of this member's data dir is full, and etcd ends at its next write there: make room, and start it. A defragmentation needs " +
      'as much of it as is in use of the database, and what it has left behind is removed by the start.',
  },
  {
    reason: 'LearnerRefused',
    details: /rpc not supported for learner/,
    error: PreconditionFailed,
    advice: 'The member is a learner, which serves neither logins nor this call: promote it, or ask a voter.',
  },
  {
    reason: 'Corrupt',
    details: /etcdserver: corrupt cluster/,
    error: UnsafeToProceed,
    advice:
      'A CORRUPT alarm is raised: members may hold different data, and nothing may be changed before the wrong one is replaced and the alarm is disarmed.',
  },
  {
    reason: 'MemberNotFound',
    details: /etcdserver: member not found/,
    error: PreconditionFailed,
    advice: 'The member is not in the cluster any more.',
  },
  {
    reason: 'MemberExists',
    details: /etcdserver: member ID already exist/,
    error: PreconditionFailed,
    advice: 'The member is in the cluster already.',
  },
  {
    reason: 'PeerUrlExists',
    details: /etcdserver: Peer URLs already exists/,
    error: PreconditionFailed,
    advice: 'A member with this peer URL is in the cluster already.',
  },
  {
    reason: 'NotInSync',
    details: /can only promote a learner member which is in sync with leader/,
    error: EtcdUnavailable,
    advice: 'The learner is not caught up yet.',
  },
  {
    reason: 'NotALearner',
    details: /can only promote a learner member/,
    error: PreconditionFailed,
    advice: 'The member is a voter already.',
  },
  {
    reason: 'TooManyLearners',
    details: /too many learner members in cluster/,
    error: PreconditionFailed,
    advice: 'etcd takes one learner at a time: promote the one that is there first.',
  },
  {
    reason: 'UnhealthyCluster',
    details: /etcdserver: unhealthy cluster/,
    error: EtcdUnavailable,
    advice:
      'etcd changes its membership only once all its members have been connected for 5 seconds: look which one is not, in the log of the leader.',
  },
  {
    reason: 'NotEnoughStarted',
    details: /re-configuration failed due to not enough started members/,
    error: UnsafeToProceed,
    advice: 'With this change a quorum could be lost: not enough members are up. Start those that are down first.',
  },
  {
    reason: 'ServerTimeout',
    details: /etcdserver: request timed out|context deadline exceeded/,
    error: EtcdUnavailable,
    advice:
      'etcd could not agree in time: it is overloaded, or a quorum is lost. Look at the disks and the load of its members, and which of them are down.',
  },
];
