import { type HistoryEvent, paginateGetExecutionHistory, type SFNClient } from '@aws-sdk/client-sfn';
import type { ProgressEntry } from '../../core/api/api.ts';
import { executionStartedBy } from '../../core/remediation/started-execution.ts';
import { answerOf } from './aws-answers.ts';

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
    entries.push(...enteredBy(event));
    const child = executionStartedBy(event);
    if (child === undefined) continue;
    const runbook = runbookOf(child);
    const events = await historyOf(client, child);
    entries.push(...events.flatMap(enteredBy).map((entry) => ({ ...entry, runbook })));
  }
  return entries;
}

async function historyOf(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const pages = paginateGetExecutionHistory({ client }, { executionArn, maxResults: 1000 });
  const events: HistoryEvent[] = [];
  const next = () => answerOf(pages.next());
  for (let page = await next(); !page.done; page = await next()) events.push(...(page.value.events ?? []));
  return events;
}

function enteredBy({ type, timestamp, stateEnteredEventDetails }: HistoryEvent): ProgressEntry[] {
  const state = stateEnteredEventDetails?.name;
  if (state === undefined || timestamp === undefined || PASSED_THROUGH.includes(type)) return [];
  return [{ state, at: timestamp.toISOString() }];
}

/** `arn:aws:states:eu-central-1:123456789012:execution:etcd-remediation-space-reclaim:NAME` -> `space-reclaim` */
function runbookOf(executionArn: string): string {
  return (executionArn.split(':').at(-2) ?? '').replace(STATE_MACHINE_PREFIX, '');
}
