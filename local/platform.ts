import { randomUUID } from 'node:crypto';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { ClustersFile } from '../core/contracts/clusters.ts';
import type { Incident } from '../core/contracts/execution-input.ts';
import { RUNBOOKS } from '../lib/workflows/registry.ts';
import { stateMachineArn } from './asl/arn.ts';
import { type ExecutionResult, runExecution } from './asl/execution.ts';
import type { JsonObject, JsonValue } from './asl/json.ts';
import { type Assembly, synthesize } from './assembly.ts';
import { type AwsEndpoint, serveAwsEndpoint } from './aws/endpoint.ts';
import { executionEnded, matches } from './aws/events.ts';
import { type RunCommand, runCommand } from './aws/run-command.ts';
import { serveS3 } from './aws/s3.ts';
import { secretsManager, systemsManager } from './aws/services.ts';
import { type Page, publishTo } from './aws/sns.ts';
import { type RunningExecution, stepFunctions } from './aws/step-functions.ts';
import type { HostsFile } from './hosts/access.ts';
import { LambdaHost } from './lambda/host.ts';

const LAMBDA_INVOKE = 'arn:aws:states:::lambda:invoke';
const SNS_PUBLISH = 'arn:aws:states:::sns:publish';

export interface PlatformOptions {
  file: ClustersFile;
  /** Secrets by name, each as the JSON that Secrets Manager would hold. They stay in this process and are served on loopback. */
  secrets: Readonly<Record<string, unknown>>;
  /** How the hosts that the configuration names are reached. */
  hosts?: HostsFile;
  /**
   * The address of this machine at which hosts fetch and leave what gets from host to host: 127.0.0.1 if not said, which serves hosts
   * that are this machine.
   */
  stagingAddress?: string;
  /** The port there: any that is free, if not said. */
  stagingPort?: number | undefined;
  /** Folders that stand for the buckets of `backups`, by the bucket's name: a key is the path of a file in it. */
  backups?: Readonly<Record<string, string>>;
  /** Told of each page that a workflow sends. */
  onPage?: (page: Page) => void;
  /** Told of each execution that a rule starts, by its state machine's name; what it returns is told of the execution's events. */
  onRuleStart?: (stateMachineName: string) => (event: HistoryEvent) => void;
}

export interface ExecutionRequest {
  incident: Incident;
  /** The execution input, as it would be given to Step Functions. */
  input: JsonValue;
  onEvent?: (event: HistoryEvent) => void;
  /** Stops the execution. */
  signal?: AbortSignal;
}

/** The embedded platform: the synthesized state machines, run against the bundled Lambda functions. Close it after use. */
export class Platform {
  readonly lambdas: LambdaHost;
  readonly #assembly: Assembly;
  readonly #endpoint: AwsEndpoint;
  readonly #s3: AwsEndpoint;
  readonly #runCommand: RunCommand;
  readonly #observers: Required<Pick<PlatformOptions, 'onPage' | 'onRuleStart'>>;
  readonly #running: Set<RunningExecution>;
  /** Executions that rules have started, and which have not ended. */
  readonly #startedByRules = new Set<Promise<ExecutionResult>>();
  readonly #closing = new AbortController();

  private constructor({ assembly, endpoint, s3, commands, lambdas, running, observers }: Parts) {
    this.#assembly = assembly;
    this.#endpoint = endpoint;
    this.#s3 = s3;
    this.#runCommand = commands;
    this.#running = running;
    this.#observers = observers;
    this.lambdas = lambdas;
  }

  /** @throws Error where `stagingAddress` is none of this machine's, or `stagingPort` is taken */
  static async start({
    file,
    secrets,
    hosts = {},
    stagingAddress = '127.0.0.1',
    stagingPort = 0,
    backups = {},
    onPage = () => undefined,
    onRuleStart = () => () => undefined,
  }: PlatformOptions): Promise<Platform> {
    const assembly = await synthesize(file);
    // Other users of this machine can reach loopback as well: only this run's functions know the access key.
    const accessKeyId = `LOCAL${randomUUID().replaceAll('-', '').toUpperCase()}`;
    const credentials = { region: 'local', accessKeyId, secretAccessKey: randomUUID() };
    const commands = runCommand({ documents: assembly.documents, hosts });
    const running = new Set<RunningExecution>();
    const operations = {
      ...secretsManager(secrets),
      ...systemsManager(assembly.parameters),
      ...commands.operations,
      ...stepFunctions(Object.keys(assembly.stateMachines), () => [...running]),
    };
    const { buckets } = assembly;
    const s3 = await serveS3({
      address: stagingAddress,
      port: stagingPort,
      credentials,
      buckets,
      folders: backups,
    }).catch((error) => {
      assembly.close();
      throw error;
    });
    const endpoint = await serveAwsEndpoint(operations, accessKeyId);
    const lambdas = new LambdaHost(assembly.functions, {
      AWS_REGION: credentials.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_SSM: endpoint.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint.url,
      AWS_ENDPOINT_URL_SFN: endpoint.url,
      AWS_ENDPOINT_URL_S3: s3.url,
    });
    return new Platform({ assembly, endpoint, s3, commands, lambdas, running, observers: { onPage, onRuleStart } });
  }

  /** Runs the incident's runbook to its end. Every end is a result, never a rejection. */
  execute({ incident, input, onEvent, signal }: ExecutionRequest): Promise<ExecutionResult> {
    return this.#run(RUNBOOKS[incident].stateMachineName, input, {
      ...(onEvent && { onEvent }),
      ...(signal && { signal }),
    });
  }

  /**
   * Runs one step by itself, by its name in `lambdas/steps`.
   * @throws ExecutionError as {@link LambdaHost.invoke} does
   */
  async invokeStep(name: string, event: unknown): Promise<unknown> {
    return this.lambdas.invoke(arnOf(name, this.#assembly), event);
  }

  /** Waits until no execution runs any more that a rule has started. @returns how those ended that it had to wait for */
  async settled(): Promise<ExecutionResult[]> {
    const ended: ExecutionResult[] = [];
    while (this.#startedByRules.size > 0) ended.push(...(await Promise.all(this.#startedByRules)));
    return ended;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The platform is closed.'));
    await this.settled();
    await this.lambdas.close();
    await this.#runCommand.close();
    await this.#endpoint.close();
    await this.#s3.close();
    this.#assembly.close();
  }

  async #run(
    stateMachineName: string,
    input: JsonValue,
    observe: Pick<ExecutionRequest, 'onEvent' | 'signal'>,
  ): Promise<ExecutionResult> {
    const { stateMachines, functions } = this.#assembly;
    const definition = stateMachines[stateMachineName];
    // Whoever runs this from a terminal has an outage: no step but the first should wait for its process to start.
    const text = JSON.stringify(definition);
    this.lambdas.warm(functions.map(({ arn }) => arn).filter((arn) => text.includes(arn)));
    const name = randomUUID();
    const running = { stateMachineName, name, input, startedAt: Date.now() };
    this.#running.add(running);
    const result = await runExecution({
      definition,
      input,
      name,
      stateMachineName,
      tasks: {
        [LAMBDA_INVOKE]: async (args, { signal: attempt }) => {
          const { FunctionName, Payload } = args as { FunctionName: string; Payload: unknown };
          return {
            ExecutedVersion: '$LATEST',
            Payload: await this.lambdas.invoke(FunctionName, Payload, attempt),
            StatusCode: 200,
          };
        },
        [SNS_PUBLISH]: publishTo(this.#assembly.topics, this.#observers.onPage),
      },
      ...observe,
    }).finally(() => this.#running.delete(running));
    if (!this.#closing.signal.aborted) this.#route(executionEnded(running, result));
    return result;
  }

  /** Hands an event to the rules, as EventBridge does. */
  #route(event: JsonObject): void {
    const { rules, stateMachines } = this.#assembly;
    for (const target of rules.filter(({ pattern }) => matches(pattern, event)).flatMap(({ targets }) => targets)) {
      const started = Object.keys(stateMachines).find((name) => stateMachineArn(name) === target);
      if (started === undefined) throw new Error(`The embedded platform does not know the target ${target}.`);
      const execution = this.#run(started, event, {
        onEvent: this.#observers.onRuleStart(started),
        signal: this.#closing.signal,
      }).finally(() => this.#startedByRules.delete(execution));
      this.#startedByRules.add(execution);
    }
  }
}

function arnOf(step: string, { functions }: Assembly): string {
  const logicalId = `${step.replaceAll('-', '')}Function`;
  const found = functions.find(({ name }) => name.startsWith(logicalId));
  if (!found) throw new Error(`There is no function of a step "${step}".`);
  return found.arn;
}

interface Parts {
  assembly: Assembly;
  endpoint: AwsEndpoint;
  s3: AwsEndpoint;
  commands: RunCommand;
  lambdas: LambdaHost;
  running: Set<RunningExecution>;
  observers: Required<Pick<PlatformOptions, 'onPage' | 'onRuleStart'>>;
}
