/**
 * Defects of etcd that matter to whoever runs a cluster, by release. Each row was held against its source, against etcd's changelogs, and against the
 * tags of etcd's repository: the release that ends it is the first whose tag has the change, the first that has it is the first with the code in question.
 */
export interface KnownDefect {
  id: string;
  /** By minor release: the first patch that has it, and the first that has it no more; null where no patch of that minor ends it. */
  affects: Readonly<Record<string, readonly [first: number, fixed: number | null]>>;
  /** What it costs: data that is lost, or differs among members; members that do not run, or cannot be changed; what clients see; who may do what. */
  harm: 'data' | 'outage' | 'clients' | 'access';
  /**
   * Without that it does not matter. `upgrade`: while members of two minor releases are in the cluster. Whether there are `untrusted clients` cannot be
   * seen from here.
   */
  onlyWith?: 'auth' | 'learner' | 'one voter' | 'untrusted clients' | 'upgrade';
  /** Read after "runs etcd 3.5.16, in which". */
  what: string;
  /** Until it is upgraded; a sentence. */
  meanwhile: string;
  /** Which runbook meets with it, and what that does about it; a sentence. */
  runbook?: string;
  source: string;
}

const ETCD = 'https://github.com/etcd-io/etcd';

/** In each kind of harm the worst first. */
export const KNOWN_DEFECTS = [
  {
    id: 'data-differs-after-kill',
    affects: { '3.5': [0, 3] },
    harm: 'data',
    what: 'a member that is killed may come back with other data than the others',
    meanwhile: 'Compare the hashes of all members ("etcdctl endpoint hashkv --cluster") before and after the upgrade.',
    runbook:
      'member-failed and quorum-lost compare the hashes of all members at their end; data-corrupt repairs a member that differs.',
    source: `${ETCD}/issues/13766`,
  },
  {
    id: 'no-permissions-after-snapshot',
    affects: { '3.4': [20, 22], '3.5': [5, 6] },
    harm: 'data',
    onlyWith: 'auth',
    what: 'a member that joins through a snapshot has no permissions in memory, and leaves out writes that the others take',
    meanwhile: 'Restart a member once it has joined, then compare hashes.',
    runbook: 'member-failed compares hashes once the member has joined; data-corrupt repairs a member that differs.',
    source: `${ETCD}/issues/14571`,
  },
  {
    id: 'defragmentation-meets-snapshot',
    affects: { '3.4': [0, 38], '3.5': [0, 23], '3.6': [0, 5] },
    harm: 'data',
    what: 'a defragmentation of a member that is just receiving a snapshot may damage its database',
    meanwhile: 'Defragment one member at a time, and only while all are caught up.',
    runbook: 'space-exceeded defragments only members that are caught up, one at a time.',
    source: `${ETCD}/issues/20271`,
  },
  {
    id: 'crash-in-defragmentation',
    affects: { '3.5': [0, 6] },
    harm: 'data',
    what: 'a member that crashes while it defragments may apply writes twice, and so be at another revision than the others',
    meanwhile: 'Compare hashes after a crash.',
    runbook:
      'space-exceeded defragments one member at a time, so that at most one can differ; data-corrupt repairs it.',
    source: `${ETCD}/pull/14733`,
  },
  {
    id: 'write-lost-by-one-voter',
    affects: { '3.4': [0, 21], '3.5': [0, 5] },
    harm: 'data',
    onlyWith: 'one voter',
    what: 'a write may be acknowledged before it is on the disk, so that a crash loses it',
    meanwhile: 'Run three voters.',
    source: `${ETCD}/pull/14424`,
  },
  {
    id: 'transaction-half-applied',
    affects: { '3.5': [5, 17] },
    harm: 'data',
    what: 'a transaction that fails in one member may leave a part of its writes there',
    meanwhile: 'Compare hashes after a member has panicked.',
    runbook: 'data-corrupt repairs a member that differs.',
    source: `${ETCD}/issues/18679`,
  },
  {
    id: 'transaction-reads-old-revision',
    affects: { '3.4': [0, null], '3.5': [0, null], '3.6': [0, null] },
    harm: 'data',
    what: 'a transaction that writes, and reads at a revision that was compacted, is applied by some members and not by others',
    meanwhile: 'Let no client name a revision in a read within a transaction. 3.7.0 ends it.',
    source: `${ETCD}/issues/18667`,
  },
  {
    id: 'revision-goes-back',
    affects: { '3.4': [0, 32], '3.5': [0, 14] },
    harm: 'data',
    what: 'a crash during a compaction at the newest revision may set the revision back, if that was a deletion',
    meanwhile: 'Compact below the newest revision.',
    runbook: 'space-exceeded compacts at the newest revision, if "retainRevisions" keeps none.',
    source: `${ETCD}/issues/17780`,
  },
  {
    id: 'leases-revoked-by-old-leader',
    affects: { '3.4': [0, 31], '3.5': [0, 13] },
    harm: 'data',
    what: 'a leader that was stuck (a slow disk) may revoke leases that clients have kept alive, with their keys',
    meanwhile: 'Watch the time that a sync of the log takes, and give leases a longer time.',
    source: `${ETCD}/issues/15247`,
  },
  {
    id: 'experimental-settings-ignored',
    affects: { '3.7': [0, null] },
    harm: 'data',
    onlyWith: 'upgrade',
    what: 'settings of a configuration file that are called experimental-* are passed over without a word, checks for corruption among them',
    meanwhile: 'Rename them before the upgrade: most are called the same without experimental-, or are feature gates.',
    runbook: 'A check and the plans read the names of such settings on each host.',
    source: `${ETCD}/pull/19959`,
  },
  {
    id: 'panic-at-start-with-auth',
    affects: { '3.5': [3, 4] },
    harm: 'outage',
    onlyWith: 'auth',
    what: 'a member may panic at each start, after requests that were refused',
    meanwhile: 'Upgrade before you restart a member.',
    source: `${ETCD}/pull/13946`,
  },
  {
    id: 'no-start-after-alarm-list',
    affects: { '3.5': [3, 5] },
    harm: 'outage',
    what: 'a member that had nothing to do but to list alarms may not start again after it was killed',
    meanwhile: 'Write a key now and then.',
    runbook: 'Every look lists the alarms. quorum-lost and member-failed bring such members back.',
    source: `${ETCD}/issues/14382`,
  },
  {
    id: 'rejects-tokens-after-snapshot',
    affects: { '3.3': [0, null], '3.4': [0, 19], '3.5': [0, 5] },
    harm: 'outage',
    onlyWith: 'auth',
    what: 'a member that joins through a snapshot rejects every token until it is restarted',
    meanwhile: 'Restart a member once it has joined.',
    runbook: 'auth-token-invalid restarts it.',
    source: `${ETCD}/pull/13205`,
  },
  {
    id: 'promotion-not-kept',
    affects: { '3.5': [1, 20] },
    harm: 'outage',
    what: 'the promotion of a learner is not kept for an upgrade to 3.6',
    meanwhile: 'Upgrade to the newest 3.5 before you upgrade to 3.6.',
    runbook: 'member-failed adds a member as a voter there.',
    source: `${ETCD}/issues/19557`,
  },
  {
    id: 'promotion-lost-by-snapshot',
    affects: { '3.5': [20, 24] },
    harm: 'outage',
    what: 'a voter that was promoted before may still be taken for a learner, so that an upgrade to 3.6 fails',
    meanwhile: 'Upgrade to the newest 3.5 before you upgrade to 3.6.',
    source: `${ETCD}/issues/20793`,
  },
  {
    id: 'removed-members-come-back',
    affects: { '3.5': [0, 26] },
    harm: 'outage',
    what: 'members that were removed long ago may come back with an upgrade to 3.6',
    meanwhile: 'Upgrade to the newest 3.5 before you upgrade to 3.6.',
    runbook: 'Runbooks refuse while etcd lists a member that clusters.json does not name.',
    source: `${ETCD}/issues/20967`,
  },
  {
    id: 'promotion-ends-start',
    affects: { '3.6': [0, 4] },
    harm: 'outage',
    what: 'a member may not start again once a learner was promoted',
    meanwhile: 'Promote no learner before the upgrade.',
    runbook: 'member-failed lets the new member join as a learner, and promotes it.',
    source: `${ETCD}/issues/20340`,
  },
  {
    id: 'failed-defragmentation-panics',
    affects: { '3.4': [0, 35], '3.5': [0, 17] },
    harm: 'outage',
    what: 'a defragmentation that fails, on a full disk for example, leaves a member that panics',
    meanwhile: 'Look at the free room on the disk before each defragmentation.',
    runbook: 'space-exceeded looks at the room on each host that is configured before it defragments.',
    source: `${ETCD}/issues/18810`,
  },
  {
    id: 'no-member-added-beside-a-failed-one',
    affects: { '3.4': [0, null], '3.5': [0, 30], '3.6': [0, 11] },
    harm: 'outage',
    what: 'no member can be added while another one is down, although there is a quorum',
    meanwhile: 'Bring the failed member back first, or let member-failed replace it.',
    runbook: 'member-failed takes failed members out before it adds new ones.',
    source: `${ETCD}/issues/21640`,
  },
  {
    id: 'promotion-through-follower',
    affects: { '3.5': [0, 28], '3.6': [0, 6] },
    harm: 'outage',
    onlyWith: 'auth',
    what: 'a follower cannot pass on the promotion of a learner, because it drops the login',
    meanwhile: 'Send it to the leader.',
    runbook: 'member-failed sends it to the leader.',
    source: `${ETCD}/pull/21494`,
  },
  {
    id: 'learner-forgotten-by-update',
    affects: { '3.4': [0, null], '3.5': [0, 31], '3.6': [0, 12] },
    harm: 'outage',
    onlyWith: 'learner',
    what: '"etcdctl member update" of a learner makes it look like a voter, which it is not, and blocks its promotion',
    meanwhile: 'Never update a learner.',
    runbook: 'No runbook updates a member.',
    source: `${ETCD}/issues/21694`,
  },
  {
    id: 'force-new-cluster-keeps-members',
    affects: { '3.5': [0, 25], '3.6': [0, 6] },
    harm: 'outage',
    what: '--force-new-cluster may leave other members, or learners, in the list',
    meanwhile: 'Restore a snapshot instead.',
    runbook: 'quorum-lost uses it on a copy only, to read what the log holds, and restores a snapshot of that.',
    source: `${ETCD}/pull/20896`,
  },
  {
    id: 'watches-leak-memory',
    affects: { '3.4': [0, 35], '3.5': [0, 17] },
    harm: 'outage',
    what: 'watches that clients have given up may keep their memory until the member is restarted',
    meanwhile: 'Watch the memory of etcd.',
    source: `${ETCD}/pull/18784`,
  },
  {
    id: 'default-quota-not-reported',
    affects: { '3.6': [0, 6] },
    harm: 'outage',
    what: 'a member without --quota-backend-bytes reports no quota, although it has one of 2 GiB',
    meanwhile: 'Write the quota that members have into "quotaBackendBytes".',
    runbook: 'space-exceeded takes "quotaBackendBytes" of clusters.json then.',
    source: `${ETCD}/pull/20790`,
  },
  {
    id: 'reads-are-stale',
    affects: { '3.4': [20, 42], '3.5': [0, 28], '3.6': [0, 9] },
    harm: 'clients',
    what: 'a linearizable read may return an old value after a member was paused',
    meanwhile: 'Do not pause a machine that runs etcd, as some backups of virtual machines do.',
    source: `${ETCD}/issues/20418`,
  },
  {
    id: 'deletion-lost-to-watch',
    affects: { '3.4': [0, 36], '3.5': [0, 18] },
    harm: 'clients',
    what: 'a watch that begins at the revision of a compaction may miss the deletion that was made there',
    meanwhile: 'Let clients begin anew, with a read, after a compaction.',
    source: `${ETCD}/issues/19179`,
  },
  {
    id: 'old-events-to-watch',
    affects: { '3.4': [0, 38], '3.5': [0, 22], '3.6': [0, 2] },
    harm: 'clients',
    what: 'a watch of a revision to come may get older events once its member has received a snapshot',
    meanwhile: 'Let clients pass over events of older revisions.',
    source: `${ETCD}/issues/20221`,
  },
  {
    id: 'CVE-2026-33413',
    affects: { '3.4': [0, 42], '3.5': [0, 28], '3.6': [0, 9] },
    harm: 'access',
    onlyWith: 'auth',
    what: 'several calls are not held to the permissions of their user (CVE-2026-33413)',
    meanwhile: 'Let only trusted clients reach the client port.',
    source: `${ETCD}/security/advisories/GHSA-q8m4-xhhv-38mg`,
  },
  {
    id: 'CVE-2026-33343',
    affects: { '3.4': [0, 42], '3.5': [0, 28], '3.6': [0, 9] },
    harm: 'access',
    onlyWith: 'auth',
    what: 'transactions within transactions are not held to the permissions of their user (CVE-2026-33343)',
    meanwhile: 'Let only trusted clients reach the client port.',
    source: `${ETCD}/security/advisories/GHSA-rfx7-8w68-q57q`,
  },
  {
    id: 'read-by-nested-put',
    affects: { '3.4': [0, 44], '3.5': [0, 30], '3.6': [0, 11] },
    harm: 'access',
    onlyWith: 'auth',
    what: 'a put in a transaction may read the value before it, or attach a lease, without the permission for that',
    meanwhile: 'Let only trusted clients reach the client port.',
    source: `${ETCD}/pull/21687`,
  },
  {
    id: 'CVE-2026-73499',
    affects: { '3.4': [0, null], '3.5': [0, 33], '3.6': [0, 14], '3.7': [0, 1] },
    harm: 'access',
    onlyWith: 'auth',
    what: 'some watches are not held to the permissions of their user (CVE-2026-73499)',
    meanwhile: 'Give a permission to read only to who may read everything.',
    source: `${ETCD}/security/advisories/GHSA-xg4h-6gfc-h4m8`,
  },
  {
    id: 'CVE-2026-73500',
    affects: { '3.4': [0, null], '3.5': [0, 33], '3.6': [0, 14], '3.7': [0, 1] },
    harm: 'access',
    onlyWith: 'untrusted clients',
    what: 'whoever reaches the port of a member may use up its memory (CVE-2026-73500)',
    meanwhile: 'Let only trusted clients reach the client port, and only members the peer port.',
    source: `${ETCD}/security/advisories/GHSA-6vch-q96h-7gc3`,
  },
] as const satisfies readonly KnownDefect[];

export type KnownDefectId = (typeof KNOWN_DEFECTS)[number]['id'];
