import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import type { ProgressEntry } from '../core/api/api.ts';
import { executionStartedBy } from '../core/remediation/started-execution.ts';
import { historyOf } from './recorded.ts';

/** What these do is over at once, and says nothing about how far a remediation is. */
const PASSED_THROUGH: readonly (string | undefined)[] = ['ChoiceStateEntered', 'PassStateEntered'];
const STATE_MACHINE_PREFIX = /^.*etcd-remediation-/;

/**
 * The states that an execution has entered, in order, those of the runbooks that it ran between its own. The last one is where it is, as long as
 * it runs.
 * @throws Problem `unavailable`
 */
export async function progressOf(client: SFNClient, executionArn: string): Promise<ProgressEntry[]> {
  const entries: ProgressEntry[] = [];
  for (const event of await historyOf(client, executionArn)) {
    note(event, entries);
    const child = executionStartedBy(event);
    if (child === undefined) continue;
    const ofRunbook: ProgressEntry[] = [];
    for (const each of await historyOf(client, child)) note(each, ofRunbook);
    entries.push(...ofRunbook.map((entry) => ({ ...entry, runbook: runbookOf(child) })));
  }
  return entries;
}

/** Adds a state that was entered, and to one that has ended what it says of itself. @param entries of the same execution */
function note(event: HistoryEvent, entries: ProgressEntry[]): void {
  const { type, timestamp, stateEnteredEventDetails, stateExitedEventDetails } = event;
  const state = stateEnteredEventDetails?.name;
  if (state !== undefined && timestamp !== undefined && !PASSED_THROUGH.includes(type)) {
    entries.push({ state, at: timestamp.toISOString() });
  }
  const { name, output = '{}' } = stateExitedEventDetails ?? {};
  const entry = entries.findLast((each) => each.state === name && each.runbook === undefined);
  const { summary } = Object(JSON.parse(output)) as { summary?: unknown };
  if (entry && typeof summary === 'string' && summary !== '') entry.summary = summary;
}

/** `arn:aws:states:eu-central-1:123456789012:execution:etcd-remediation-space-reclaim:NAME` -> `space-reclaim` */
function runbookOf(executionArn: string): string {
  return (executionArn.split(':').at(-2) ?? '').replace(STATE_MACHINE_PREFIX, '');
}
