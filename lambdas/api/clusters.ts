import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { ClusterSummary } from '../../core/contracts/api.ts';
import type { Cluster } from '../../core/contracts/clusters.ts';
import type { Diagnosis } from '../../core/contracts/diagnosis.ts';
import type { DiagnosisAnswer } from '../../core/contracts/diagnosis-answer.ts';
import { invocationOf } from '../../core/contracts/invocation.ts';
import { Problem } from '../../core/contracts/problems.ts';
import type { Deployment } from '../../core/contracts/remediation.ts';
import { AWS_CLIENT } from '../aws.ts';
import { answerOf } from './aws-answers.ts';
import { ClusterRegistry } from './registry.ts';
import { Remediations } from './remediations.ts';
import { RemediationTable } from './table.ts';

/** A diagnosis takes 20 s at most, and its function some seconds to start; API Gateway waits for 29 s. */
const DIAGNOSE_MS = 27_000;

/** What can be told of the clusters that are configured. Changes nothing. */
export class Clusters {
  readonly #registry = new ClusterRegistry();
  readonly #lambda = new LambdaClient({
    ...AWS_CLIENT,
    // A second look would come too late.
    maxAttempts: 1,
    requestHandler: { ...AWS_CLIENT.requestHandler, requestTimeout: DIAGNOSE_MS },
  });
  readonly #remediations: Remediations;
  readonly #table: RemediationTable;
  readonly #deployment: Deployment;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#remediations = new Remediations(deployment);
    this.#table = new RemediationTable(deployment.tableName);
  }

  /** By name. @throws Problem `unavailable` */
  async list(): Promise<ClusterSummary[]> {
    return Promise.all((await this.#registry.all()).map((cluster) => this.#summarize(cluster)));
  }

  /**
   * One look at a cluster, as `diagnose-cluster` takes it.
   * @throws Problem `unknown-cluster`, `diagnosis-failed`, `unavailable`
   */
  async diagnose(name: string): Promise<DiagnosisAnswer> {
    await this.#registry.configurationOf(name);
    const { FunctionError, Payload } = await answerOf(
      this.#lambda.send(
        new InvokeCommand({
          FunctionName: this.#deployment.diagnoseFunction,
          Payload: Buffer.from(JSON.stringify(invocationOf('diagnose-cluster', { cluster: name }))),
        }),
      ),
    );
    const answer = JSON.parse(Payload?.transformToString() || '{}') as unknown;
    if (FunctionError === undefined) return answer as Diagnosis;
    const { errorType, errorMessage } = answer as { errorType?: string; errorMessage?: string };
    throw new Problem('diagnosis-failed', `${errorType}: ${errorMessage}`);
  }

  async #summarize({ name, members, policy }: Cluster): Promise<ClusterSummary> {
    const { lock, record } = await this.#table.latestOf(name);
    const holder = await this.#remediations.runningHolder(lock);
    return {
      name,
      members: members.length,
      policy: policy ?? null,
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
