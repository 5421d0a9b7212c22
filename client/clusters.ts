import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod';
import type { ClusterPage, ClusterSummary } from '../core/api/api.ts';
import { Problem, type ProblemKind } from '../core/api/problems.ts';
import { type FoundBackups, ownBackupsOf } from '../core/backups/contracts.ts';
import type { ListedBackups } from '../core/diagnosis/check.ts';
import type { Diagnosis } from '../core/diagnosis/diagnosis.ts';
import type { DiagnosisAnswer } from '../core/diagnosis/diagnosis-answer.ts';
import { ERROR_NAMES } from '../core/errors.ts';
import { invocationOf } from '../core/remediation/invocation.ts';
import { analyzeStoreInput, type StoreAnalysis } from '../core/space-reclaim/store-analysis.ts';
import type { Deployment } from '../core/text/names.ts';
import { mapAtOnce } from './at-once.ts';
import { AWS_CLIENT } from './aws.ts';
import { answerOf } from './aws-answers.ts';
import { ClusterRegistry, type Registered } from './registry.ts';
import { Remediations } from './remediations.ts';
import { RemediationRecords } from './table.ts';

/** A diagnosis takes 20 s at most, and its function some seconds to start; API Gateway waits for 29 s. */
const DIAGNOSE_MS = 27_000;
/** Each is a query, and one question to Step Functions where a lock is held: it answers ten in a second. */
export const SUMMARIES_AT_ONCE = 10;
/** Reading the registry takes a request for each ten clusters, so the pages of one list share one reading. */
const REGISTRY_KEPT_MS = 60_000;

/** What is known of the clusters that are configured. Changes nothing. */
export class Clusters {
  readonly #registry = new ClusterRegistry();
  readonly #lambda = new LambdaClient({
    ...AWS_CLIENT,
    // A second look would come too late.
    maxAttempts: 1,
    requestHandler: { ...AWS_CLIENT.requestHandler, requestTimeout: DIAGNOSE_MS },
  });
  readonly #remediations: Remediations;
  readonly #table: RemediationRecords;
  readonly #deployment: Deployment;
  #kept: { registered: Registered[]; untilMs: number } | undefined;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#remediations = new Remediations(deployment);
    this.#table = new RemediationRecords(deployment.tableName);
  }

  /**
   * Some, by name: those after the one of that name, which need not be there any more.
   * @throws Problem `unavailable`
   */
  async page({ after = '', limit }: { after?: string | undefined; limit: number }): Promise<ClusterPage> {
    const remaining = (await this.#registered()).filter(({ name }) => name > after);
    const page = remaining.slice(0, limit);
    return {
      clusters: await mapAtOnce(page, SUMMARIES_AT_ONCE, (each) => this.summarize(each)),
      next: remaining.length > limit ? (page.at(-1)?.name ?? null) : null,
    };
  }

  /** @throws Problem `unknown-cluster`, `diagnosis-failed`, `unavailable` */
  async diagnose(name: string): Promise<DiagnosisAnswer> {
    await this.#registry.configurationOf(name);
    return this.look(name);
  }

  /**
   * One look at a cluster that is known to be configured, as `diagnose-cluster` takes it.
   * @throws Problem `diagnosis-failed`, `unavailable`
   */
  async look(name: string): Promise<DiagnosisAnswer> {
    return (await this.#ask('diagnose-cluster', { cluster: name })) as Diagnosis;
  }

  /**
   * What fills the store of a cluster that is known to be configured, as `analyze-store` finds it.
   * @throws Problem `diagnosis-failed`, `unavailable`
   */
  async analyze(request: z.input<typeof analyzeStoreInput>): Promise<StoreAnalysis> {
    const { seconds, growthSeconds } = analyzeStoreInput.parse(request);
    const requestTimeout = DIAGNOSE_MS + (seconds + growthSeconds) * 1000;
    const lambda = new LambdaClient({
      ...AWS_CLIENT,
      maxAttempts: 1,
      requestHandler: { ...AWS_CLIENT.requestHandler, requestTimeout },
    });
    return (await this.#ask('analyze-store', request, lambda)) as StoreAnalysis;
  }

  /**
   * Which of its own backups a cluster has, the newest first, as `list-backups` finds them. What S3 refuses is a part of the answer.
   * @throws InvalidInput where the configuration asks for none; Problem `unknown-cluster`, `backups-not-listed`, `unavailable`
   */
  async backups(name: string): Promise<FoundBackups> {
    const cluster = await this.#registry.configurationOf(name);
    ownBackupsOf(cluster);
    const listed = await this.#invoke(this.#lambda, {
      ...{ functionName: this.#deployment.backupsFunction, failed: 'backups-not-listed' },
      ...{ step: 'list-backups', input: { cluster } },
    });
    return (listed as ListedBackups).backups?.own ?? { count: 0, backups: [], problem: '' };
  }

  /** Runs a step of the diagnosis by itself. @throws Problem `diagnosis-failed`, `unavailable` */
  async #ask(step: string, input: object, lambda = this.#lambda): Promise<unknown> {
    const functionName = this.#deployment.diagnoseFunction;
    return this.#invoke(lambda, { functionName, step, input, failed: 'diagnosis-failed' });
  }

  /** @returns the step's output @throws Problem, of the kind `failed` where the step fails; `unavailable` */
  async #invoke(
    lambda: LambdaClient,
    { functionName, step, input, failed }: { functionName: string; step: string; input: object; failed: ProblemKind },
  ): Promise<unknown> {
    const Payload = Buffer.from(JSON.stringify(invocationOf(step, input)));
    const invoked = await answerOf(lambda.send(new InvokeCommand({ FunctionName: functionName, Payload })));
    const answer = JSON.parse(invoked.Payload?.transformToString() || '{}') as unknown;
    if (invoked.FunctionError === undefined) return answer;
    const { errorType = 'Error', errorMessage = '' } = answer as { errorType?: string; errorMessage?: string };
    if (errorType === ERROR_NAMES.AwsUnavailable) throw new Problem('unavailable', errorMessage);
    const seen = `${errorType}: ${errorMessage}`;
    // An error of ours says itself what to do; of any other only the function's log has more.
    if (errorType in ERROR_NAMES) throw new Problem(failed, seen);
    throw new Problem(
      failed,
      `${seen}\nThe function that runs ${step} has failed, and nothing was changed. Try again. If it fails again, its log in CloudWatch says why.`,
    );
  }

  async #registered(): Promise<Registered[]> {
    if (this.#kept === undefined || this.#kept.untilMs < Date.now()) {
      this.#kept = { registered: await this.#registry.all(), untilMs: Date.now() + REGISTRY_KEPT_MS };
    }
    return this.#kept.registered;
  }

  /** What is at work for a cluster, and what was last. @throws Problem `unavailable` */
  async summarize(registered: Registered): Promise<ClusterSummary> {
    const { name } = registered;
    const configured =
      'cluster' in registered
        ? { members: registered.cluster.members.length, policy: registered.cluster.policy ?? null, problem: null }
        : { members: 0, policy: null, problem: registered.problem };
    const { lock, record } = await this.#table.latestOf(name);
    const holder = await this.#remediations.runningHolder(lock);
    return {
      name,
      ...configured,
      running: holder
        ? { id: holder.remediation, startedAt: holder.startedAt, waitsForApproval: holder.approval !== undefined }
        : null,
      last: record
        ? {
            id: record.remediation,
            startedAt: record.startedAt,
            endedAt: record.endedAt,
            outcome: record.outcome,
          }
        : null,
    };
  }
}
