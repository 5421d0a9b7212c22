import type { DiagnosisAnswer } from '../diagnosis/diagnosis-answer.ts';
import type { ClusterSummary, Remediation } from './api.ts';

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
  openApi: { openapi: '3.1.1' },
};
