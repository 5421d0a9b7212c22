import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describeResult } from './step-results.ts';

/** After this long a state says that it is still running, and then again and again. */
const STILL_RUNNING_MS = 2_000;

/** Prints an execution's history as it happens: a line for each step that ended, with what it found or changed. */
export class Progress {
  readonly #print: (line: string) => void;
  #state = { name: '', member: '', enteredAt: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  readonly say = (line: string): void => this.#print(`  ${line}`);

  readonly onEvent = (event: HistoryEvent): void => {
    switch (event.type) {
      case 'TaskStateEntered':
        this.#enter(event.stateEnteredEventDetails?.name ?? '');
        break;
      case 'TaskScheduled':
        this.#state.member = payloadMember(event.taskScheduledEventDetails?.parameters);
        break;
      case 'TaskFailed': {
        const { error, cause } = event.taskFailedEventDetails ?? {};
        this.#line('!', `${error}: ${messageOf(cause)}`);
        break;
      }
      case 'TaskStateExited':
        this.#leave(event.stateExitedEventDetails?.output);
        break;
      case 'ExecutionSucceeded':
      case 'ExecutionFailed':
      case 'ExecutionTimedOut':
      case 'ExecutionAborted':
        clearInterval(this.#timer);
        break;
    }
  };

  #enter(name: string): void {
    clearInterval(this.#timer);
    this.#state = { name, member: '', enteredAt: Date.now() };
    this.#timer = setInterval(() => this.#line('…', 'still running'), STILL_RUNNING_MS).unref();
  }

  #leave(output: string | undefined): void {
    clearInterval(this.#timer);
    // A caught error leaves the state as well; it was told when it happened.
    const result: unknown = JSON.parse(output ?? 'null');
    if (isRecord(result) && 'error' in result) return;
    this.#line('✓', describeResult(this.#state.name, result));
  }

  #line(mark: string, detail: string): void {
    const { name, member, enteredAt } = this.#state;
    const seconds = `${((Date.now() - enteredAt) / 1000).toFixed(1)} s`.padStart(7);
    this.#print(`  ${mark} ${seconds}  ${[name, member].filter(Boolean).join(' ').padEnd(28)}  ${detail}`.trimEnd());
  }
}

function payloadMember(parameters: string | undefined): string {
  const { Payload } = JSON.parse(parameters ?? '{}') as { Payload?: { member?: string; host?: string } };
  return Payload?.member || (Payload?.host ?? '');
}

/** A Lambda function's error is JSON with a message. */
function messageOf(cause: string | undefined): string {
  if (!cause?.startsWith('{')) return cause ?? '';
  const { errorMessage } = JSON.parse(cause) as { errorMessage?: string };
  return errorMessage ?? cause;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
