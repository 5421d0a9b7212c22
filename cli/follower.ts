import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Diagnosis } from '../core/diagnosis/diagnosis.ts';
import type { Invocation } from '../core/remediation/invocation.ts';
import type { ApprovalAnswer } from '../core/remediation/remediation-items.ts';
import type { NextRunbook } from '../core/remediation/remediation-steps.ts';
import type { JsonValue } from '../local/asl/json.ts';
import type { Observer } from '../local/executions.ts';
import { countStateTransitions } from '../report/state-transitions.ts';
import { describeStart, type Progress } from './progress.ts';
import { describeReport, type RunReport } from './report.ts';

/** Here nobody is waited for, and nobody is paged: whoever runs it has answered, and is told so. */
const OF_THE_QUESTION = ['Page that an approval is wanted', 'Wait for an approval', 'Page that it is resolved'];

/** Follows a remediation and its runbooks on a terminal, and keeps their results. */
export class Follower implements Observer {
  /** The newest, and what followed from it. */
  diagnosis: Diagnosis | undefined;
  next: NextRunbook | undefined;
  /** Which one the entry workflow runs, or ran last. */
  #step: string | undefined;
  readonly #print: (line: string) => void;
  readonly #answer: ApprovalAnswer;
  readonly #progressOf: () => Progress;
  readonly #own: Progress;
  readonly #histories: HistoryEvent[][] = [[]];
  /** Of the newest runbook that has ended well. */
  #lastReport: RunReport | undefined;

  /** @param answer the answer to a question for an approval */
  constructor(print: (line: string) => void, progressOf: () => Progress, answer: ApprovalAnswer) {
    this.#print = print;
    this.#progressOf = progressOf;
    this.#own = progressOf();
    this.#answer = answer;
  }

  /** Of all executions together. */
  get stateTransitions(): number {
    return this.#histories.reduce((count, history) => count + countStateTransitions(history), 0);
  }

  readonly onEvent = (event: HistoryEvent): void => {
    this.#histories[0]?.push(event);
    const { parameters } = event.taskScheduledEventDetails ?? {};
    if (parameters !== undefined) this.#step = (JSON.parse(parameters) as { Payload?: Invocation }).Payload?.step;
    const { output } = event.taskSucceededEventDetails ?? {};
    if (output !== undefined && this.#step === 'diagnose-cluster') this.diagnosis = JSON.parse(output).Payload;
    if (output !== undefined && this.#step === 'choose-runbook') this.next = JSON.parse(output).Payload;
    // Of a state that was never entered it tells nothing.
    if (!OF_THE_QUESTION.includes(event.stateEnteredEventDetails?.name ?? '')) this.#own.onEvent(event);
  };

  readonly onNested = (stateMachineName: string, input: JsonValue): Observer => {
    this.#print(`  ${describeStart(stateMachineName, input)}`);
    const history: HistoryEvent[] = [];
    this.#histories.push(history);
    const { onEvent } = this.#progressOf();
    return {
      onEvent: (event) => {
        history.push(event);
        const { output } = event.executionSucceededEventDetails ?? {};
        if (output !== undefined) this.#lastReport = JSON.parse(output);
        onEvent(event);
      },
    };
  };

  /** With the plan before it, which is what it is about. */
  readonly onWait = (answer: (output: JsonValue) => void): void => {
    if (this.#lastReport) for (const line of describeReport(this.#lastReport)) this.#print(`  ${line}`);
    const { decision, by, reason } = this.#answer;
    this.#print(`  ${decision === 'approve' ? `Approved by ${by}` : 'Not approved'}: ${reason}`);
    answer({ ...this.#answer });
  };
}
