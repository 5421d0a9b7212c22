import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { RemediationReport } from '../core/remediation/remediation-report.ts';
import { describeError } from '../core/text/failures.ts';
import { ExecutionError } from '../local/asl/errors.ts';
import type { JsonObject, JsonValue } from '../local/asl/json.ts';
import type { Observer } from '../local/executions.ts';
import { explainedAt } from './error-entry.ts';
import { clusterOfEnded, helperNamed } from './helper-workflows.ts';
import { describeStart, Progress } from './progress.ts';
import { describeRemediation } from './remediation-report.ts';
import { type Here, rewriteCommands } from './rewrite-commands.ts';

/** A log is read afterwards: what takes hours must not fill it. */
const STILL_RUNNING_MS = 60_000;

/** What a process that stays writes: each line has its time, and the cluster that it is about. */
export class ServeLog {
  readonly #print: (line: string) => void;
  readonly #clusters: readonly string[];
  readonly #now: () => Date;
  /** Changes where the API is served, once it is. */
  here: Here;

  constructor(
    print: (line: string) => void,
    { clusters, here }: { clusters: readonly string[]; here: Here },
    now = () => new Date(),
  ) {
    this.#print = print;
    this.here = here;
    this.#clusters = clusters;
    this.#now = now;
  }

  /** @param cluster empty where it is about none, or about all */
  readonly say = (text: string, cluster = ''): void => {
    const at = this.#now().toISOString().replace(/\.\d+/, '');
    for (const line of rewriteCommands(text, this.here).trimEnd().split('\n')) {
      this.#print(`${at} ${cluster && `[${cluster}] `}${line}`.trimEnd());
    }
  };

  readonly page = ({ subject, message }: { subject: string; message: string }): void => {
    this.say(`PAGE: ${subject}\n${message}`, this.#named(subject));
  };

  /** @param event as CloudWatch tells EventBridge that an alarm has changed; what was never raised is not told */
  readonly alarm = ({ detail }: JsonObject): void => {
    const { alarmName, state, previousState } = detail as unknown as AlarmChange;
    const name = alarmName.slice(alarmName.lastIndexOf('/') + 1);
    const cluster = this.#named(alarmName);
    if (state.value === 'ALARM') this.say(`alarm ${name} raised. ${state.reason}`, cluster);
    else if (previousState.value === 'ALARM') this.say(`alarm ${name} is over. ${state.reason}`, cluster);
  };

  readonly lookFailed = (error: unknown, input: unknown): void => {
    const what = error instanceof ExecutionError ? describeError(error.error, error.cause) : String(error);
    this.say(`A look failed: ${what}`, clusterOf(input));
  };

  /** An execution that runs on its own: each of its steps, those of its runbooks, and how it ended. */
  readonly follow = (stateMachineName: string, input: JsonValue): Observer => {
    const helper = helperNamed(stateMachineName);
    const cluster = helper ? clusterOfEnded(input) : clusterOf(input);
    const say = (line: string) => this.say(line, cluster);
    say(helper?.begins ?? describeStart(stateMachineName, input));
    const { onEvent, follow } = new Progress({ print: say }, { stillRunningMs: STILL_RUNNING_MS });
    return {
      onEvent: (event) => {
        onEvent(event);
        for (const line of linesOfEvent(event, helper)) say(line);
      },
      onNested: follow,
    };
  };

  #named(text: string): string {
    return this.#clusters.find((name) => text.split(/[^\w.-]+/).includes(name)) ?? '';
  }
}

interface AlarmChange {
  alarmName: string;
  state: { value: string; reason: string };
  previousState: { value: string };
}

function clusterOf(input: unknown): string {
  const { cluster } = Object(input) as { cluster?: unknown };
  return typeof cluster === 'string' ? cluster : '';
}

/** The outcome and what belongs to it; nothing where the event is no end. */
function linesOfEvent(event: HistoryEvent, helper: ReturnType<typeof helperNamed>): string[] {
  switch (event.type) {
    case 'ExecutionSucceeded': {
      const report = JSON.parse(event.executionSucceededEventDetails?.output ?? '{}') as Partial<RemediationReport>;
      const { outcome = 'It has ended', summary } = report;
      if (helper) return [[helper.ended[outcome] ?? outcome, summary].filter(Boolean).join(' ')];
      const lines = 'rounds' in report ? describeRemediation(report as RemediationReport) : [];
      return [summary ? `${outcome}: ${summary}` : outcome, ...lines];
    }
    case 'ExecutionFailed':
    case 'ExecutionAborted':
    case 'ExecutionTimedOut': {
      const { executionFailedEventDetails, executionAbortedEventDetails, executionTimedOutEventDetails } = event;
      const details = executionFailedEventDetails ?? executionAbortedEventDetails ?? executionTimedOutEventDetails;
      const problem = describeError(details?.error || event.type, details?.cause);
      return [
        helper ? `${helper.failed}. ${problem}` : problem,
        ...explainedAt([problem.slice(0, problem.indexOf(':'))]),
      ];
    }
    default:
      return [];
  }
}
