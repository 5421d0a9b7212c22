import type { JsonValue } from '../../local/asl/json.ts';
import { LockTable } from './lock-table.ts';
import { diagnosisOf, remediate } from './remediation-scene.ts';

/** Remediations of a failed member, for which a person is asked. */

export const HEALTHY = diagnosisOf('healthy');
export const FAILED = diagnosisOf('member-failed');
export const FULL = diagnosisOf('space-exceeded', 'member-failed');
export const LOST = diagnosisOf('quorum-lost');
export const PLAN = {
  outcome: 'Planned',
  runbook: 'member-replacement',
  targets: ['node3'],
  removeIds: ['a3'],
  plan: ['look', 'act'],
};
export const APPROVED = { decision: 'approve', by: 'bob', reason: 'Go on.' };
export const REJECTED = { decision: 'reject', by: 'bob', reason: 'Not on a Friday.' };
export const ASK = 'Wait for an approval';
export const RUN = 'Run member-replacement';
export const UNTIL_ASKED = [
  ...['Load cluster', 'Take the lock', 'Diagnose cluster', 'Choose runbook', 'Is there anything to do?'],
  ...['Which runbook?', RUN, 'Did the runbook only plan?', 'Was a dry run asked for?'],
  ...['Prepare the question', 'Page that an approval is wanted', ASK],
];
/** What follows an approval: the runbook, from a fresh look. */
export const AGAIN = ['Diagnose cluster', 'Choose runbook', 'Is there anything to do?'];
export const FAIL = [
  ...['Record the error', 'Is a page needed?', 'Page that it has failed', 'Note that a person was called'],
  ...[
    'Record how it ended',
    'Give the lock back',
    'Did an alarm come in meanwhile?',
    'How did it end?',
    'Stop with the error that ended it',
  ],
];
export const NOT_ACTED = { status: 'FAILED' };

/** Asks, gets this answer, and notes the lock as it was at each question. */
export async function ask(
  answer: unknown,
  { found = [FAILED, FAILED, HEALTHY], answers = {}, ...more }: Parameters<typeof remediate>[0] = {},
) {
  const table = new LockTable();
  const asked: Record<string, unknown>[] = [];
  const left = Array.isArray(answer) ? [...answer] : [answer];
  const executed = await remediate({
    found,
    table,
    answers: {
      [ASK]: () => {
        asked.push(JSON.parse(JSON.stringify(table.lockOf('orders'))));
        return left.shift();
      },
      [RUN]: (input: JsonValue) => (Object(input).dryRun ? PLAN : { outcome: 'Remediated' }),
      ...answers,
    },
    ...more,
  });
  return { ...executed, asked };
}
