import { type Executed, execute as executeDefinition } from './execute.ts';
import { FLEET, spaceReclaim, synthesizeStacks } from './stacks.ts';

/** Executions of the space runbook, with steps that answer as the real ones do. */

export const definition = spaceReclaim(synthesizeStacks(FLEET));

export const PARAMETERS = { retainRevisions: 0 };
export const CLUSTER = { name: 'orders', members: [] };
export const LOADED = {
  cluster: CLUSTER,
  incident: 'space-exceeded',
  dryRun: false,
  reason: 'The alarm rang.',
  requestedBy: 'on-call',
  parameters: PARAMETERS,
};
export const QUOTA = { name: 'a', quotaBytes: null, quotaSource: 'member' };
const BEFORE = { ...QUOTA, dbSizeBytes: 9 };
/** What every report tells of its execution. */
export const REPORTED = {
  incident: 'space-exceeded',
  runbook: 'space-reclaim',
  cluster: 'orders',
  reason: 'The alarm rang.',
  requestedBy: 'on-call',
  summary: 'Full.',
  membersBefore: [BEFORE],
};
export const NOBODY_LEFT_OUT = { leftOut: [], remaining: [] };
export const ASSESSMENT = {
  verdict: 'Reclaim',
  summary: 'Full.',
  alarms: [],
  members: [BEFORE],
  leftOut: [],
  compactRevision: '7',
  plan: ['b', 'a'],
  steps: ['defragment b', 'defragment a'],
  inspections: [],
};
export const HOSTED = {
  ...ASSESSMENT,
  members: [{ ...BEFORE, dbSizeInUseBytes: 8 }],
  inspections: ['b', 'a'].map((member) => ({ member, host: `i-${member}`, parameters: { unit: 'etcd' } })),
};

export const STORE = { readKeys: 3, groups: [] };
export const COUNT = { step: 'Count keys', input: { cluster: CLUSTER } };

const ANSWERS = {
  'Load cluster': LOADED,
  'Assess space': ASSESSMENT,
  'Compact history': { revision: '7', outcome: 'Compacted' },
  'Defragment member': { defragmentations: [], next: { action: 'Finish' } },
  'Choose next defragmentation': { action: 'Finish' },
  'Disarm alarms': { disarmed: [] },
  'Prove writes on every member': { members: [{ name: 'after' }], ...NOBODY_LEFT_OUT, summary: '' },
  'Count keys': { store: STORE, summary: '3 of 3 keys read.' },
};

export const LEFT_OUT = { member: 'c', problem: 'does not answer: It is gone.' };

export function execute(answers: Record<string, unknown>): Promise<Executed> {
  return executeDefinition(definition, { input: { cluster: 'orders' }, answers: { ...ANSWERS, ...answers } });
}
