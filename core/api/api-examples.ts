import type { FoundBackups } from '../backups/contracts.ts';
import type { DiagnosisAnswer } from '../diagnosis/diagnosis-answer.ts';
import type { ClusterSummary, Remediation } from './api.ts';
import type { JobStatus } from './jobs.ts';

/** One incident, told by what the API receives and answers: they are the examples of its document, and a test parses each. */

const ID = 'INC-1234';
const STATES = 'arn:aws:states:eu-central-1:123456789012';
const STARTED_AT = '2026-11-26T23:20:00.000Z';
const SUMMARY = 'node3 does not answer; node1 and node2 have a leader and are a quorum.';

const remediation: Remediation = {
  id: ID,
  cluster: 'orders',
  status: 'RUNNING',
  startedAt: STARTED_AT,
  endedAt: null,
  currentState: 'Wait for an approval',
  progress: [
    { state: 'Load cluster', at: '2026-11-26T23:20:00.210Z' },
    { state: 'Take the lock', at: '2026-11-26T23:20:00.912Z' },
    { state: 'Diagnose cluster', at: '2026-11-26T23:20:01.034Z' },
    { state: 'Choose runbook', at: '2026-11-26T23:20:04.512Z' },
    { state: 'Run member-replacement', at: '2026-11-26T23:20:04.790Z' },
    { state: 'Load cluster', at: '2026-11-26T23:20:04.955Z', runbook: 'member-replacement' },
    { state: 'Assess members', at: '2026-11-26T23:20:05.102Z', runbook: 'member-replacement' },
    { state: 'Plan replacement', at: '2026-11-26T23:20:40.961Z', runbook: 'member-replacement' },
    { state: 'Page that an approval is wanted', at: '2026-11-26T23:20:41.702Z' },
    { state: 'Wait for an approval', at: '2026-11-26T23:20:41.880Z' },
  ],
  approval: {
    id: '1',
    incident: 'member-failed',
    runbook: 'member-replacement',
    summary: SUMMARY,
    plan: { outcome: 'Planned', summary: 'node3 is removed, and joins again with an empty data dir.' },
    expiresAt: '2026-11-27T03:20:41.655Z',
  },
  outcome: null,
  report: null,
  reportAt: null,
  error: null,
  cause: null,
};

const clusters: ClusterSummary[] = [
  {
    name: 'orders',
    members: 3,
    policy: { 'member-failed': 'approval' },
    problem: null,
    running: { id: ID, startedAt: STARTED_AT, waitsForApproval: true },
    last: {
      id: 'b7d6a0c4-0f6d-4a52-8a5e-2f1f7f1f5a10',
      startedAt: '2026-11-20T04:11:00.000Z',
      endedAt: '2026-11-20T04:11:52.000Z',
      outcome: 'Remediated',
    },
  },
];

const diagnosis: DiagnosisAnswer = {
  incident: 'member-failed',
  summary: SUMMARY,
  others: [],
  members: [
    {
      name: 'node1',
      state: 'healthy',
      problem: '',
      lagEntries: '0',
      facts: 'leads, etcd 3.5.30, applied 492 (0 behind)',
    },
    {
      name: 'node2',
      state: 'healthy',
      problem: '',
      lagEntries: '0',
      facts: 'follows node1, etcd 3.5.30, applied 492 (0 behind)',
    },
    { name: 'node3', state: 'failed', problem: 'connect ECONNREFUSED 10.0.1.13:2379', lagEntries: '', facts: '' },
  ],
  hosts: [{ host: 'i-0a1b2c3d4e5f60003', reachable: true, problem: '', member: 'node3' }],
  warnings: [],
};

const BACKUP = 'orders-20261126T231500.123Z';
const backups: FoundBackups = {
  count: 1,
  backups: [
    {
      name: BACKUP,
      key: `orders/${BACKUP}.db.gz`,
      takenAt: '2026-11-26T23:15:00.123Z',
      record: {
        format: 1,
        cluster: 'orders',
        clusterId: '65b4ee77ff7d1c7a',
        member: 'node2',
        takenAt: '2026-11-26T23:15:00.123Z',
        tookMs: 4210,
        etcdVersion: '3.5.30',
        storageVersion: '',
        revision: '48211',
        revisionAtMost: '48211',
        raftTerm: '4',
        raftIndex: '48790',
        keys: 1204,
        sizeBytes: 33_554_464,
        compressedBytes: 8_126_464,
        databaseSha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      },
      problem: '',
    },
  ],
  problem: '',
};

const jobStatus: JobStatus = {
  id: ID,
  cluster: 'orders',
  status: 'SUCCEEDED',
  startedAt: '2026-11-26T23:14:59.000Z',
  endedAt: '2026-11-26T23:15:05.000Z',
  currentState: null,
  progress: [
    { state: 'Load cluster', at: '2026-11-26T23:14:59.210Z' },
    {
      state: 'Back up cluster',
      at: '2026-11-26T23:14:59.400Z',
      summary: "node2's database at revision 48211, 32.0 MiB in 7.8 MiB",
    },
    { state: 'Remove expired backups', at: '2026-11-26T23:15:04.700Z', summary: '35 kept, 1 removed' },
  ],
  outcome: 'BackedUp',
  report: { outcome: 'BackedUp', cluster: 'orders', removed: [], kept: 35 },
  error: null,
  cause: null,
};

export const EXAMPLES = {
  startRequests: {
    'Diagnose, and remediate what is found': {},
    'A dry run': { dryRun: true, reason: ID },
    'A known incident': { incident: 'member-failed', member: 'node3', reason: ID },
    'With parameters': { incident: 'space-exceeded', parameters: { retainRevisions: 1000 } },
  },
  answerRequests: {
    approve: { approval: remediation.approval?.id, decision: 'approve' },
    'approve, and say why': {
      approval: remediation.approval?.id,
      decision: 'approve',
      reason: 'The host was replaced yesterday',
    },
    reject: { approval: remediation.approval?.id, decision: 'reject', reason: 'node3 is being repaired by hand' },
  },
  accepted: {
    id: ID,
    executionArn: `${STATES}:execution:etcd-remediation:${ID}`,
    links: { self: `/v1/remediations/${ID}`, approval: `/v1/remediations/${ID}/approval` },
  },
  remediation,
  clusters: { clusters, next: null },
  diagnosis,
  backupRequests: { 'A backup': {} },
  rehearsalRequests: { 'The newest backup': {}, 'One backup, on one host': { backup: BACKUP, member: 'node2' } },
  startedJob: {
    id: ID,
    executionArn: `${STATES}:execution:etcd-remediation-backup:${ID}`,
    links: { self: `/v1/clusters/orders/backups/${ID}` },
  },
  jobStatus,
  backups,
  openApi: { openapi: '3.1.1' },
};
