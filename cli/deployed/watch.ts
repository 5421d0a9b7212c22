import { setTimeout as sleep } from 'node:timers/promises';
import { SFNClient } from '@aws-sdk/client-sfn';
import { AWS_CLIENT } from '../../client/aws.ts';
import { Remediations } from '../../client/remediations.ts';
import { Problem } from '../../core/api/problems.ts';
import { executionStartedBy } from '../../core/remediation/started-execution.ts';
import { type Deployment, remediationArn } from '../../core/text/names.ts';
import { Course, earlierRuns } from '../course.ts';
import { newestReports } from '../kept-reports.ts';
import { type Output, openOutput } from '../output.ts';
import { describeStart, Progress } from '../progress.ts';
import { indented } from '../screen.ts';
import { printAtSignal } from '../signals.ts';
import { isUnanswered, withDeployment } from './connection.ts';
import { type DeployedFlags, typedNext } from './flags.ts';
import { History, isEnd, waitsForAnswer } from './history.ts';
import { describeQuestion, finishWith } from './status.ts';

/** Between two readings: while something happens, and while nothing does, as while it waits for an approval. */
const BUSY_MS = 1_000;
const QUIET_MS = 5_000;
const QUIET_AFTER_MS = 60_000;
/** If the network is away for longer, the person who watches has to know. */
const PATIENCE_MS = 120_000;
/** DescribeExecution and GetExecutionHistory may not know at once what has just been started. */
const NEW_MS = 10_000;

interface Watching {
  id: string;
  flags: DeployedFlags;
  output: Output;
}

/** `etcd-remediation watch`: prints what a remediation does until it has ended. */
export async function watch(id: string, flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  await withDeployment(flags, async (deployment) => {
    const { cluster, startedAt } = await new Remediations(deployment).describe(id);
    output.print(`Watching the remediation ${id} of the cluster ${cluster}, which began at ${startedAt}`);
    await watchToItsEnd(deployment, { id, flags, output });
  });
}

/** The remediation may have been started a moment ago. */
export async function watchToItsEnd(deployment: Deployment, { id, flags, output }: Watching): Promise<void> {
  using _ = printAtSignal(
    () => `Stopped watching; the remediation goes on. Watch it again: ${typedNext(flags, 'watch', id)}`,
  );
  const remediations = new Remediations(deployment);
  const describe = () => patiently(output, () => remediations.describe(id));
  const { cluster } = await describe();
  const course = new Course(earlierRuns(await newestReports(), { cluster, dryRun: false }));
  const onQuestion = async () => {
    const remediation = await describe();
    if (!remediation.approval) return;
    for (const line of describeQuestion(remediation, remediation.approval, flags)) output.print(line);
  };
  await followExecution(output, remediationArn(deployment, id), { course, onQuestion });
  finishWith(await describe(), { flags, output });
}

interface Following {
  course?: Course;
  /** Called while it waits for an answer. */
  onQuestion?: () => Promise<void>;
}

/** Prints what an execution does until it has ended. */
export async function followExecution(
  output: Output,
  executionArn: string,
  { course = new Course([]), onQuestion = async () => undefined }: Following = {},
): Promise<void> {
  await new Watcher(output, course, onQuestion).follow(executionArn);
}

class Watcher {
  readonly #client = new SFNClient(AWS_CLIENT);
  readonly #output: Output;
  readonly #course: Course;
  readonly #onQuestion: () => Promise<void>;

  constructor(output: Output, course: Course, onQuestion: () => Promise<void>) {
    this.#output = output;
    this.#course = course;
    this.#onQuestion = onQuestion;
  }

  async follow(executionArn: string): Promise<void> {
    const history = new History(this.#client, executionArn);
    const progress = new Progress(this.#output, { course: this.#course });
    for (let changedAt = Date.now(); ; await pause(changedAt)) {
      if (await this.#read(history)) changedAt = Date.now();
      for (let event = history.events.shift(); event; event = history.events.shift()) {
        progress.onEvent(event);
        const nested = executionStartedBy(event);
        if (nested) await this.#followNested(nested, history);
        // Where it has gone on already, the question was answered.
        if (waitsForAnswer(event) && history.events.length === 0) await this.#onQuestion();
        if (isEnd(event)) return;
      }
    }
  }

  /** A runbook's execution, until it has ended, or the one around it does not wait for it any more. */
  async #followNested(executionArn: string, around: History): Promise<void> {
    const history = new History(this.#client, executionArn);
    const progress = new Progress(indented(this.#output), { course: this.#course });
    for (let changedAt = Date.now(); ; await pause(changedAt)) {
      // Asked first: all that it did before is then there to be read.
      const isOver = await this.#read(around);
      if (await this.#read(history)) changedAt = Date.now();
      for (let event = history.events.shift(); event; event = history.events.shift()) {
        const { input } = event.executionStartedEventDetails ?? {};
        if (input) this.#output.print(`  ${describeStart(executionArn.split(':').at(-2) ?? '', JSON.parse(input))}`);
        progress.onEvent(event);
        if (isEnd(event)) return;
      }
      if (isOver) {
        progress.stop();
        return;
      }
    }
  }

  #read(history: History): Promise<boolean> {
    return patiently(this.#output, () => history.read());
  }
}

async function pause(changedAt: number): Promise<void> {
  await sleep(Date.now() - changedAt < QUIET_AFTER_MS ? BUSY_MS : QUIET_MS);
}

/** Goes on watching after AWS, or the network, was away for a moment. */
export async function patiently<Result>(output: Output, ask: () => Promise<Result>): Promise<Result> {
  const since = Date.now();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const { name } = error as Error;
      const isNew = name === 'ExecutionDoesNotExist';
      const isAway = isUnanswered(error) || (error instanceof Problem && name === 'unavailable');
      const patienceMs = isNew ? NEW_MS : isAway ? PATIENCE_MS : 0;
      if (Date.now() - since >= patienceMs) throw error;
      if (isAway) output.print(`  AWS does not answer (${name}); asking again in a moment`);
      await sleep(isNew ? BUSY_MS : QUIET_MS);
    }
  }
}
