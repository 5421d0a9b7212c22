import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DescribeExecutionOutput,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { Accepted, AnswerRequest, PendingApproval, Remediation } from '../core/api/api.ts';
import { Problem } from '../core/api/problems.ts';
import { requireNamedMember } from '../core/cluster/named-member.ts';
import { InvalidInput } from '../core/errors.ts';
import { parseRemediationInput, type RemediationInput, remediationIdSchema } from '../core/remediation/remediation.ts';
import type { ApprovalAnswer, ApprovalQuestion, LockItem } from '../core/remediation/remediation-items.ts';
import type { RemediationReport } from '../core/remediation/remediation-report.ts';
import { type Deployment, remediationArn, reportPlaces } from '../core/text/names.ts';
import { answerOf } from './aws-answers.ts';
import { clusterOf, endedAs, findExecution, PACED } from './executions.ts';
import { progressOf } from './progress.ts';
import { ClusterRegistry } from './registry.ts';
import { isSameInput } from './same-input.ts';
import { RemediationRecords } from './table.ts';

/** As much of who it was as an execution input takes. */
const REQUESTED_BY_CHARS = 256;
const STOPPED = 'Stopped';
/**
 * A remediation that waits for an answer looks at its cluster every ten minutes, and asks again with another token. A look takes up to 20 s; API
 * Gateway waits for 29 s, which the last requests have to fit into.
 */
const ASKED_AGAIN_WITHIN_MS = 22_000;
const BETWEEN_LOOKS_MS = 1_000;

/** Who answers, and for how long an answer that is not accepted is tried again. */
interface Answering {
  by: string;
  withinMs?: number;
  /** Called once, where it has to be tried again. */
  onWait?: () => void;
}

/** What a person or a tool does with remediations. `by` is the caller, as AWS knows them. */
export class Remediations {
  readonly #client = new SFNClient(PACED);
  readonly #registry = new ClusterRegistry();
  readonly #table: RemediationRecords;
  readonly #deployment: Deployment;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#table = new RemediationRecords(deployment.tableName);
  }

  /**
   * Starts a remediation. With an `id` it may be asked for again, also when it has ended: it is started once.
   * @param input an execution input, in which the cluster may be left out
   * @throws InvalidInput before anything is asked; Problem `unknown-cluster`, `already-in-progress`, `key-reused`, `unavailable`
   */
  async start(
    cluster: string,
    input: Readonly<Record<string, unknown>>,
    { id = crypto.randomUUID(), by }: { id?: string; by: string },
  ): Promise<Accepted> {
    const wanted = parseRemediationInput({ cluster, ...input });
    if (wanted.cluster !== cluster) {
      throw new InvalidInput(
        `The input is for the cluster "${wanted.cluster}", and "${cluster}" is what was asked for. Nothing was touched.`,
      );
    }
    requireNamedMember(await this.#registry.configurationOf(cluster), wanted);
    const executionArn = this.#arnOf(id);
    const earlier = await this.#find(executionArn);
    if (earlier) return requireSame(earlier, wanted, id);
    const holder = await this.runningHolder(await this.#table.lockOf(cluster));
    if (holder) {
      throw new Problem(
        'already-in-progress',
        `The remediation ${holder.remediation} has been running for the cluster ${cluster} since ${holder.startedAt}. Wait until it has ended, or stop it.`,
        { remediation: holder.remediation },
      );
    }
    const requestedBy = wanted.requestedBy || by.slice(0, REQUESTED_BY_CHARS);
    await answerOf(
      this.#client
        .send(
          new StartExecutionCommand({
            stateMachineArn: this.#deployment.stateMachineArn,
            name: id,
            input: JSON.stringify({ ...wanted, requestedBy }),
          }),
        )
        .then(() => undefined),
      {
        // Another person or program was faster with the same key.
        ExecutionAlreadyExists: async () => {
          requireSame(await this.#describe(id), wanted, id);
        },
      },
    );
    return { id, executionArn };
  }

  /** @throws Problem `unknown-remediation`, `unavailable` */
  async describe(id: string): Promise<Remediation> {
    const execution = await this.#describe(id);
    const { status = 'FAILED', startDate, stopDate, output, error, cause } = execution;
    const isRunning = status === 'RUNNING';
    const cluster = clusterOf(execution);
    const [progress, lock] = await Promise.all([
      progressOf(this.#client, this.#arnOf(id)),
      isRunning && cluster ? this.#table.lockOf(cluster) : undefined,
    ]);
    const report = output === undefined ? null : (JSON.parse(output) as RemediationReport);
    return {
      id,
      cluster,
      status,
      startedAt: startDate?.toISOString() ?? '',
      endedAt: stopDate?.toISOString() ?? null,
      currentState: (isRunning && progress.at(-1)?.state) || null,
      progress,
      approval: isRunning ? pendingApproval(id, lock) : null,
      outcome: isRunning ? null : endedAs(status, report, error),
      report,
      reportAt: isRunning ? null : reportPlaces(this.#deployment.reports, id),
      error: error ?? null,
      cause: cause ?? null,
    };
  }

  /**
   * Answers what a remediation waits for. Both answers end its wait, the workflow does what follows.
   * @throws Problem `unknown-remediation`, `not-waiting`, `stale-approval`, `already-answered`, `busy`, `unavailable`
   */
  async answer(
    id: string,
    { approval, decision, reason }: AnswerRequest,
    { by, withinMs = ASKED_AGAIN_WITHIN_MS, onWait }: Answering,
  ): Promise<Accepted> {
    const answer: ApprovalAnswer = { decision, by, reason };
    for (const until = Date.now() + withinMs, tried = new Set<string>(); ; await sleep(BETWEEN_LOOKS_MS)) {
      const wanted = await this.#questionOf(id, approval, tried.size > 0);
      if (!tried.has(wanted.token) && (await this.#takesAnswer(wanted.token, answer))) {
        return { id, executionArn: this.#arnOf(id) };
      }
      // It may be looking at the cluster just now, and ask again with another token.
      if (tried.size === 0) onWait?.();
      tried.add(wanted.token);
      // An answer that was given is taken back out of the lock within seconds: who still finds the question there, has given none.
      if (Date.now() > until)
        throw Date.parse(wanted.expiresAt) > Date.now() ? busy(id) : alreadyAnswered(id, approval);
    }
  }

  /** @throws Problem `unknown-remediation`, `not-waiting`, `stale-approval`, `unavailable`; `already-answered` where it has just been there */
  async #questionOf(id: string, approval: string, hasWaited: boolean): Promise<ApprovalQuestion> {
    const execution = await this.#describe(id);
    const cluster = clusterOf(execution);
    const lock = execution.status === 'RUNNING' && cluster ? await this.#table.lockOf(cluster) : undefined;
    const wanted = lock?.remediation === id ? lock.approval : undefined;
    if (wanted?.id === approval) return wanted;
    if (wanted) {
      throw new Problem(
        'stale-approval',
        `The remediation ${id} waits for an answer to another question than "${approval}": read what it asks now, and answer that.`,
        { remediation: id },
      );
    }
    if (hasWaited) throw alreadyAnswered(id, approval);
    throw new Problem(
      'not-waiting',
      `The remediation ${id} is ${execution.status} and waits for no approval, so that there is nothing to answer.`,
      { remediation: id },
    );
  }

  /** Whether it was still waited for. */
  async #takesAnswer(taskToken: string, answer: ApprovalAnswer): Promise<boolean> {
    const gone = () => false;
    // A token is gone with its first answer and with its time: which of the three names that has differs.
    // https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html#API_SendTaskSuccess_Errors
    return answerOf<boolean>(
      this.#client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(answer) })).then(() => true),
      { TaskTimedOut: gone, TaskDoesNotExist: gone, InvalidToken: gone },
    );
  }

  /**
   * Stops a remediation where it is. Its cluster is free again when the end of the execution has been seen, within seconds.
   * @throws Problem `unknown-remediation`, `already-ended`, `unavailable`
   */
  async stop(id: string, { by, reason }: { by: string; reason: string }): Promise<Accepted> {
    const execution = await this.#describe(id);
    if (execution.status !== 'RUNNING') {
      throw new Problem('already-ended', `The remediation ${id} has ended already: it is ${execution.status}.`, {
        remediation: id,
      });
    }
    const executionArn = this.#arnOf(id);
    const cause = `Stopped by ${by}: ${reason}`;
    await answerOf(this.#client.send(new StopExecutionCommand({ executionArn, error: STOPPED, cause })));
    return { id, executionArn };
  }

  /** A lock whose owner still runs: one that was left behind is nobody's. @throws Problem `unavailable` */
  async runningHolder(lock: LockItem | undefined): Promise<LockItem | undefined> {
    const owner = lock && (await this.#find(lock.owner));
    return owner?.status === 'RUNNING' ? lock : undefined;
  }

  async #describe(id: string): Promise<DescribeExecutionOutput> {
    const execution = remediationIdSchema.safeParse(id).success ? await this.#find(this.#arnOf(id)) : undefined;
    if (execution) return execution;
    throw new Problem(
      'unknown-remediation',
      `There is no remediation "${id}": none was started under this ID, or it ended more than 90 days ago.`,
    );
  }

  #find(executionArn: string): Promise<DescribeExecutionOutput | undefined> {
    return findExecution(this.#client, executionArn);
  }

  #arnOf(id: string): string {
    return remediationArn(this.#deployment, id);
  }
}

function requireSame({ executionArn = '', input = '' }: DescribeExecutionOutput, wanted: RemediationInput, id: string) {
  if (isSameInput(input, wanted)) return { id, executionArn };
  throw new Problem(
    'key-reused',
    `The remediation ${id} was started with another input than this one. Take a new key for a new remediation.`,
    { remediation: id },
  );
}

/** Without the token, with which anybody could answer. */
function pendingApproval(id: string, lock: LockItem | undefined): PendingApproval | null {
  if (lock?.remediation !== id || !lock.approval) return null;
  const { token: _, plan, ...question } = lock.approval;
  return { ...question, plan: JSON.parse(plan) };
}

function alreadyAnswered(id: string, approval: string): Problem {
  return new Problem(
    'already-answered',
    `The question "${approval}" of the remediation ${id} was answered already, or is not asked any more. Look at the remediation for what came of it.`,
    { remediation: id },
  );
}

function busy(id: string): Problem {
  return new Problem(
    'busy',
    `The remediation ${id} still waits for an answer, but takes none now: it is re-checking the cluster or handling another incident. Nothing was answered. Try again in a minute.`,
    { remediation: id },
  );
}
