import { isDeepStrictEqual } from 'node:util';
import { type DescribeExecutionOutput, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { JOBS, type Job, type JobStatus, type StartedJob } from '../core/api/jobs.ts';
import { Problem } from '../core/api/problems.ts';
import { InvalidInput } from '../core/errors.ts';
import { remediationIdSchema } from '../core/remediation/remediation.ts';
import { type Deployment, executionArn, stateMachineBeside } from '../core/text/names.ts';
import { parse } from '../core/text/parse.ts';
import { answerOf } from './aws-answers.ts';
import { clusterOf, endedAs, findExecution, PACED } from './executions.ts';
import { progressOf } from './progress.ts';
import { ClusterRegistry } from './registry.ts';

/** What a person or a tool does with the jobs of `core/api/jobs.ts`. */
export class Jobs {
  readonly #client = new SFNClient(PACED);
  readonly #registry = new ClusterRegistry();
  readonly #deployment: Deployment;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /**
   * Starts one. With an `id` it may be asked for again, also when it has ended: it is started once.
   * @param request as the job takes it
   * @throws InvalidInput before anything is started; Problem `unknown-cluster`, `key-reused`, `unavailable`; what Step Functions refuses with
   */
  async start(
    job: Job,
    cluster: string,
    request: Readonly<Record<string, unknown>>,
    id: string = crypto.randomUUID(),
  ): Promise<StartedJob> {
    const { request: schema, require, stateMachineName } = JOBS[job];
    const wanted: Record<string, unknown> = { ...parse(schema, request, 'The body'), cluster };
    if (request.cluster !== undefined && request.cluster !== cluster) {
      throw new InvalidInput(
        `The input is for the cluster "${request.cluster}", and "${cluster}" is what was asked for. Nothing was touched.`,
      );
    }
    require(await this.#registry.configurationOf(cluster), wanted);
    const started = { id, executionArn: this.#arnOf(job, id) };
    const earlier = await findExecution(this.#client, started.executionArn);
    if (earlier) return requireSame(earlier, wanted, started);
    const stateMachineArn = stateMachineBeside(this.#deployment, stateMachineName);
    const starting = this.#client.send(
      new StartExecutionCommand({ stateMachineArn, name: id, input: JSON.stringify(wanted) }),
    );
    return answerOf<StartedJob>(
      starting.then(() => started),
      {
        // Another person or program was faster with the same key.
        ExecutionAlreadyExists: async () =>
          requireSame((await findExecution(this.#client, started.executionArn)) ?? {}, wanted, started),
      },
    );
  }

  /** @throws Problem `unknown-job` where this cluster has none of this name; `unavailable` */
  async describe(job: Job, cluster: string, id: string): Promise<JobStatus> {
    const arn = this.#arnOf(job, id);
    const execution = remediationIdSchema.safeParse(id).success ? await findExecution(this.#client, arn) : undefined;
    if (!execution || clusterOf(execution) !== cluster) {
      throw new Problem(
        'unknown-job',
        `The cluster "${cluster}" has no ${job} "${id}": none was started for it under this ID, or it ended more than 90 days ago.`,
      );
    }
    const { status = 'FAILED', startDate, stopDate, output, error, cause } = execution;
    const isRunning = status === 'RUNNING';
    const progress = await progressOf(this.#client, arn);
    const report = output === undefined ? null : (JSON.parse(output) as NonNullable<JobStatus['report']>);
    return {
      id,
      cluster,
      status,
      startedAt: startDate?.toISOString() ?? '',
      endedAt: stopDate?.toISOString() ?? null,
      currentState: (isRunning && progress.at(-1)?.state) || null,
      progress,
      outcome: isRunning ? null : endedAs(status, report, error),
      report,
      error: error ?? null,
      cause: cause ?? null,
    };
  }

  #arnOf(job: Job, id: string): string {
    return executionArn(stateMachineBeside(this.#deployment, JOBS[job].stateMachineName), id);
  }
}

function requireSame(
  { input = 'null' }: Pick<DescribeExecutionOutput, 'input'>,
  wanted: object,
  started: StartedJob,
): StartedJob {
  if (isDeepStrictEqual(JSON.parse(input), wanted)) return started;
  throw new Problem(
    'key-reused',
    `${started.id} was started with another input than this one. Take a new key for a new one.`,
  );
}
