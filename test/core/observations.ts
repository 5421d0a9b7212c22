import type { Cluster, ConfiguredMember, SpareHost } from '../../core/cluster/clusters.ts';
import type {
  AnsweringMember,
  ListedMember,
  MemberObservation,
  Observation,
  RaisedAlarm,
  SilentMember,
} from '../../core/cluster/observation.ts';
import { RemediationError } from '../../core/errors.ts';
import type { HostInspection, InspectionReport } from '../../core/hosts/host-command-results.ts';

export const MIB = 1024 * 1024;
export const QUOTA_BYTES = 100 * MIB;

/** Nothing to gain, and far from the quota. */
export const SMALL = sizes(20, 19);
/** Over the threshold, and a defragmentation gives most of it back. */
export const FRAGMENTED = sizes(95, 20);
/** Over the threshold, and a defragmentation gives nothing back. */
export const FULL = sizes(95, 95);

export function sizes(dbSizeMib: number, inUseMib: number) {
  return { dbSizeBytes: dbSizeMib * MIB, dbSizeInUseBytes: inUseMib * MIB };
}

/** `node2` -> `a2` */
export function idOf(name: string): string {
  return `a${name.replace(/\D/g, '')}`;
}

/** A voter that follows node1 and needs nothing. */
export function voter(name: string, differences: Partial<AnsweringMember> = {}): AnsweringMember {
  return {
    name,
    endpoint: `https://${name}:2379`,
    answering: true,
    id: idOf(name),
    clusterId: 'c0ffee',
    leaderId: idOf('node1'),
    isLearner: false,
    version: '3.5.30',
    storageVersion: '',
    downgradeTo: '',
    revision: '5000',
    raftAppliedIndex: '7000',
    raftCommittedIndex: '7000',
    raftTerm: '3',
    ...SMALL,
    quotaBytes: QUOTA_BYTES,
    quotaIsReported: false,
    entry: { name, peerUrls: [`https://${name}:2380`] },
    ...differences,
  };
}

export function learner(name: string, differences: Partial<AnsweringMember> = {}): AnsweringMember {
  return voter(name, { isLearner: true, ...differences });
}

export function silent(name: string, problem = 'Nothing answers at this address.'): SilentMember {
  return { name, endpoint: `https://${name}:2379`, answering: false, silence: 'away', problem };
}

/** Something answers there and does not let us in. */
export function refusing(name: string, problem = 'Its certificate is not of the CA.'): SilentMember {
  return { ...silent(name, problem), silence: 'refused' };
}

/** Nobody gets to it from here, which says nothing of the member. */
export function unreached(
  name: string,
  problem = 'The host name in clientUrl is not known to DNS here.',
): SilentMember {
  return { ...silent(name, problem), silence: 'unreached' };
}

/** A reading of a cluster whose own list of members is exactly these. */
export function observation(members: MemberObservation[], differences: Partial<Observation> = {}): Observation {
  const memberList = members.map((member) =>
    member.answering ? listed(member.name, { id: member.id, isLearner: member.isLearner }) : listed(member.name),
  );
  return { members, memberList, alarms: [], ...differences };
}

/** The same members, all following `name`. */
export function ledBy(name: string, members: AnsweringMember[]): AnsweringMember[] {
  return members.map((member) => ({ ...member, leaderId: idOf(name) }));
}

export function noSpace(name: string): RaisedAlarm {
  return { memberId: idOf(name), alarm: 'NOSPACE' };
}

/** etcd's own entry for a member, as `observation` makes it. */
export function listed(name: string, differences: Partial<ListedMember> = {}): ListedMember {
  return { id: idOf(name), name, peerUrls: [`https://${name}:2380`], isLearner: false, ...differences };
}

export const LAYOUT = {
  unit: 'etcd',
  dataDir: '/var/lib/etcd',
  walDir: null,
  configFile: '/etc/etcd/etcd.yaml',
  user: 'etcd',
  group: 'etcd',
  binDir: '/usr/local/bin',
} as const;

/** A member as clusters.json describes it: `node2` is on the host `i-2`. */
export function configured(name: string, differences: Partial<ConfiguredMember> = {}): ConfiguredMember {
  return {
    name,
    clientUrl: `https://${name}:2379`,
    peerUrl: `https://${name}:2380`,
    host: name.replace('node', 'i-'),
    ...differences,
  };
}

/** What the configuration says of a host that may take a member's place: `node9` is on `i-9`. */
export function spare(name: string, differences: Partial<SpareHost> = {}): SpareHost {
  const { clientUrl, peerUrl } = configured(name);
  return { name, clientUrl, peerUrl, host: name.replace('node', 'i-'), ...differences };
}

export function clusterOf(members: ConfiguredMember[], differences: Partial<Cluster> = {}): Cluster {
  return { name: 'orders', members, quotaBackendBytes: QUOTA_BYTES, layout: LAYOUT, ...differences };
}

/** The cluster whose configuration names exactly the members that were looked at. */
export function clusterIn({ members }: Observation): Cluster {
  return clusterOf(members.map(({ name }) => configured(name)));
}

/** A directory of a host: there, owned by etcd, with its data in it and 100 GiB free. */
export function directory(path: string, differences: Partial<HostInspection['dataDir']> = {}) {
  return {
    path,
    realPath: path,
    exists: true,
    empty: false,
    isMountPoint: false,
    owner: 'etcd:etcd',
    mode: 'drwx------',
    sizeBytes: 40 * MIB,
    freeBytes: 100 * 1024 * MIB,
    ...differences,
  };
}

/** A host that is ready for the replacement of its member, whose etcd has crashed and left its data. */
export function inspection(name: string, differences: Partial<HostInspection> = {}): HostInspection {
  return {
    unit: {
      loadState: 'loaded',
      activeState: 'failed',
      subState: 'failed',
      result: 'exit-code',
      mainPid: 0,
      restarts: 5,
      exitStatus: 2,
    },
    log: ['panic: freepages: failed to get all reachable pages'],
    errors: ['panic: freepages: failed to get all reachable pages'],
    atWork: {
      clientPortListens: false,
      peerPortListens: false,
      processState: '',
      answer: 'unknown',
      memberId: '',
      problem: '',
    },
    refusals: [],
    etcdVersion: '3.5.30',
    zstd: false,
    dataDir: directory(LAYOUT.dataDir),
    walDir: null,
    raftLog: { holds: 'entries', commitIndex: '100', lastIndex: '100', commitTerm: '3', lastTerm: '3' },
    clusterId: 'c1',
    archives: [],
    recoveries: [],
    certificates: [],
    configuration: configuration(name),
    ...differences,
  };
}

/** A host that was looked at; or, with null, one that could not be. */
export function inspected(name: string, differences: Partial<HostInspection> | null = {}): InspectionReport {
  const at = { member: name, host: name.replace('node', 'i-') };
  if (differences) return { ...at, result: inspection(name, differences), error: '', problem: '' };
  return { ...at, result: null, error: 'HostUnreachable', problem: 'Run Command does not reach it.' };
}

/** What etcd reads on the host of a member that was bootstrapped with its cluster. */
export function configuration(
  name: string,
  differences: Partial<HostInspection['configuration']> = {},
): HostInspection['configuration'] {
  return {
    format: 'yaml',
    file: LAYOUT.configFile,
    name,
    dataDir: LAYOUT.dataDir,
    walDir: '',
    initialAdvertisePeerUrls: `https://${name}:2380`,
    initialCluster: 'node1=https://node1:2380,node2=https://node2:2380,node3=https://node3:2380',
    initialClusterState: 'new',
    initialClusterToken: 'etcd-cluster',
    overriding: [],
    experimental: [],
    ...differences,
  };
}

/** What `act` ends with; a value that is returned fails the assertion on it. */
export function failureOf(act: () => unknown): { name: string; reason: string | undefined; message: string } {
  try {
    return { name: 'no error', reason: undefined, message: `returned ${JSON.stringify(act())}` };
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return { name: error.name, reason: error.reason, message: error.message };
  }
}
