import { randomUUID } from 'node:crypto';
import { BACKUP_STATE_MACHINE, backupMade } from '../core/backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../core/backups/rehearsal.ts';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import type { RehearsalReport, RehearsalRequest } from '../core/rehearsal/contracts.ts';
import { measureEnd } from '../core/rehearsal/settle-rehearsal.ts';
import { invocationOf } from '../core/remediation/invocation.ts';
import type { Incident } from '../core/runbooks.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../core/text/names.ts';
import { metricLines } from '../lambdas/embedded-metrics.ts';
import { type FunctionName, functionOf } from '../lib/steps.ts';
import { stateMachineArn } from './asl/arn.ts';
import type { ExecutionResult } from './asl/execution.ts';
import type { JsonObject, JsonValue } from './asl/json.ts';
import type { Clock } from './asl/types.ts';
import { type Assembly, synthesize } from './assembly.ts';
import { serveDynamoDb } from './aws/dynamodb.ts';
import { type AwsEndpoint, serveAwsEndpoint } from './aws/endpoint.ts';
import { deliveriesOf, executionEnded } from './aws/events.ts';
import type { HostFault } from './aws/host-faults.ts';
import { Iam, type Operation } from './aws/iam.ts';
import { serveLambda } from './aws/lambda.ts';
import { type CommandOnHost, type RunCommand, runCommand } from './aws/run-command.ts';
import { serveS3 } from './aws/s3.ts';
import { secretsManager, systemsManager } from './aws/services.ts';
import type { Page } from './aws/sns.ts';
import { stepFunctions } from './aws/step-functions.ts';
import { type DetectorOptions, EmbeddedDetector } from './detector.ts';
import { type Execution, Executions, type Observer, type StartRequest } from './executions.ts';
import type { HostsFile } from './hosts/access.ts';
import { type LambdaFunction, LambdaHost } from './lambda/host.ts';
import { TaskTokens } from './task-tokens.ts';
import { tasksOf } from './tasks.ts';

/** The steps that send commands to hosts. */
const SENDERS = ['run-host-commands', 'transfer-snapshots', 'send-backup'];

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
  /** Folders that stand for the buckets of `backups`, by the bucket's name: a key is the path of a file in it. Backups are written into it, too. */
  backups?: Readonly<Record<string, string>>;
  /** Told of each page that a workflow sends. */
  onPage?: (page: Page) => void;
  /** The folder in which reports are kept, as the API names it: a URL with the slash that ends it. */
  reports?: string;
  /** Asked for each execution that a rule or the API starts, by its state machine's name and its input, for who is to be told of its events. */
  onOwnStart?: (stateMachineName: string, input: JsonValue) => Observer;
  /** Told of each execution that has ended. */
  onEnded?: (execution: Execution) => void;
  /** What executions wait by: this machine's clock, if not said. */
  clock?: Clock;
  /** See `RunCommandOptions`. */
  deliveryMs?: number;
  reboot?: (host: string) => Promise<void>;
}

export interface ExecutionRequest extends Observer {
  incident: Incident;
  /** The execution input, as it would be given to Step Functions. */
  input: JsonValue;
  /** Stops the execution. */
  signal?: AbortSignal;
}

export interface RemediationRequest extends Omit<ExecutionRequest, 'incident'> {
  /** Of the execution: a new one, if not said. */
  name?: string;
}

export type WatchOptions = Pick<DetectorOptions, 'minuteMs' | 'now' | 'onFailure'> &
  Partial<Pick<DetectorOptions, 'onAlarm'>>;

/** What a runbook begins with, and what a full store waits for: warm as soon as the platform is there, as Lambda keeps what was used a while ago. */
const FIRST_FUNCTIONS = ['configuration', 'etcd', 'etcd-long'] as const;

/** The embedded platform: the synthesized state machines, run against the bundled Lambda functions. Close it after use. */
export class Platform {
  readonly lambdas: LambdaHost;
  readonly executions: Executions;
  /** Every command that was sent to a host so far. */
  readonly commandsOnHosts: () => readonly CommandOnHost[];
  /** What is to go wrong with commands from here on; each is gone from it once it has struck. */
  readonly faults: HostFault[];
  readonly #assembly: Assembly;
  readonly #endpoints: readonly AwsEndpoint[];
  readonly #onOwnStart: (stateMachineName: string, input: JsonValue) => Observer;
  readonly #onPage: (page: Page) => void;
  readonly #detectors = new Set<EmbeddedDetector>();
  /** Executions that nobody waits for, and which have not ended. */
  readonly #goingOn = new Set<Promise<ExecutionResult>>();
  readonly #closing = new AbortController();

  private constructor(parts: Parts) {
    const { assembly, endpoints, lambdas, commands, faults, tasksFor, onPage, onOwnStart, onEnded, clock } = parts;
    this.#assembly = assembly;
    this.#onPage = onPage;
    this.#endpoints = endpoints;
    this.#onOwnStart = onOwnStart;
    this.lambdas = lambdas;
    this.commandsOnHosts = () => commands.record();
    this.faults = faults;
    this.executions = new Executions({
      stateMachines: assembly.stateMachines,
      tasksFor: ({ observer }) => tasksFor(observer),
      onStart: (definition) => this.#warm(definition),
      onEnd: (execution, result) => {
        onEnded(execution);
        if (!this.#closing.signal.aborted) this.putEvent(executionEnded(execution, result));
      },
      ...(clock && { clock }),
    });
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
    onOwnStart = () => ({}),
    onEnded = () => undefined,
    reports,
    clock,
    deliveryMs = 0,
    reboot,
  }: PlatformOptions): Promise<Platform> {
    const assembly = await synthesize(file);
    const endpoints: AwsEndpoint[] = [];
    const faults: HostFault[] = [];
    try {
      // Other users of this machine can reach loopback as well: only this run, and its functions, have access keys.
      const accessKeyId = `LOCAL${randomUUID().replaceAll('-', '').toUpperCase()}`;
      const credentials = { region: 'local', accessKeyId, secretAccessKey: randomUUID() };
      const iam = new Iam(assembly.roles, credentials);
      const opened = async <Endpoint extends AwsEndpoint>(opening: Promise<Endpoint>): Promise<Endpoint> => {
        const endpoint = await opening;
        endpoints.push(endpoint);
        return endpoint;
      };
      const s3 = await opened(
        serveS3({
          address: stagingAddress,
          port: stagingPort,
          credentials,
          iam,
          buckets: assembly.buckets,
          folders: backups,
        }),
      );
      const dynamoDb = await opened(serveDynamoDb(assembly.tables, credentials, iam));
      const lambda = await opened(serveLambda((arn, event) => platform.lambdas.invoke(arn, event), iam));
      const commands = runCommand({
        ...{ documents: assembly.documents, hosts, deliveryMs, faults, reboot },
        killSenders: () => {
          for (const step of SENDERS) platform.lambdas.kill(arnOf(functionOf(step), assembly));
        },
      });
      endpoints.push({ url: '', close: () => commands.close() });
      const tokens = new TaskTokens();
      const states: Record<string, Operation> = stepFunctions({
        stateMachines: Object.keys(assembly.stateMachines),
        executions: () => platform.executions,
        tokens,
        observe: onOwnStart,
      });
      const json = await opened(
        serveAwsEndpoint(
          {
            ...secretsManager(secrets),
            ...systemsManager(assembly.parameters),
            ...commands.operations,
            ...states,
            ...iam.sts,
          },
          iam,
        ),
      );
      const lambdas = new LambdaHost(
        assembly.functions.map((each) => withCredentials(withReports(each, reports), iam)),
        {
          AWS_REGION: credentials.region,
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_ENDPOINT_URL_SSM: json.url,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: json.url,
          AWS_ENDPOINT_URL_SFN: json.url,
          AWS_ENDPOINT_URL_STS: json.url,
          AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.url,
          AWS_ENDPOINT_URL_LAMBDA: lambda.url,
          AWS_ENDPOINT_URL_S3: s3.url,
        },
      );
      const tasksFor = (observer: Observer) =>
        tasksOf(
          {
            lambdas,
            topics: assembly.topics,
            onPage,
            dynamoDb: dynamoDb.tasks,
            executions: () => platform.executions,
            start: (request) => platform.#startByItself(request),
            tokens,
            states,
          },
          observer,
        );
      const platform: Platform = new Platform({
        ...{ assembly, endpoints, lambdas, commands, faults, tasksFor, onPage, onOwnStart, onEnded, clock },
      });
      lambdas.warm(FIRST_FUNCTIONS.map((name) => arnOf(name, assembly)));
      return platform;
    } catch (error) {
      for (const endpoint of endpoints) await endpoint.close();
      assembly.close();
      throw error;
    }
  }

  /** Makes a backup of a cluster. Every end is a result, never a rejection. */
  backUp(cluster: string, observer: Observer & { signal?: AbortSignal } = {}): Promise<ExecutionResult> {
    return this.#start(BACKUP_STATE_MACHINE, { input: { cluster }, ...observer }).ended;
  }

  /** Rehearses a backup of a cluster. Every end is a result, never a rejection. */
  rehearse(
    { cluster, backup, member }: RehearsalRequest,
    observer: Observer & { signal?: AbortSignal } = {},
  ): Promise<ExecutionResult> {
    const input = { cluster, ...(backup !== undefined && { backup }), ...(member !== undefined && { member }) };
    return this.#start(REHEARSAL_STATE_MACHINE, { input, ...observer }).ended;
  }

  /** Runs the incident's runbook to its end. Every end is a result, never a rejection. */
  execute({ incident, ...request }: ExecutionRequest): Promise<ExecutionResult> {
    return this.#start(RUNBOOKS[incident].stateMachineName, request).ended;
  }

  /** Starts a remediation: the entry workflow, as everybody else does who starts one. */
  remediate(request: RemediationRequest): Execution {
    return this.#start(ENTRY_STATE_MACHINE, request);
  }

  /**
   * Lets the detector look at each cluster, and its alarms start what the synthesized rules say, until it is closed.
   * @param minuteMs how long a minute is @param now by which maintenance begins @param onAlarm is told of each alarm that has changed, as the rules are
   * @param onFailure is told of each look that has failed
   */
  watch({ minuteMs, now, onAlarm, onFailure }: WatchOptions): EmbeddedDetector {
    const { schedules, starts, alarms } = this.#assembly;
    const detector = EmbeddedDetector.start({
      schedules,
      starts,
      start: (stateMachineArn, input) => this.#startOnSchedule(stateMachineArn, input as JsonValue),
      alarms,
      ...(minuteMs !== undefined && { minuteMs }),
      ...(now && { now }),
      invoke: (arn, input, signal) => this.lambdas.invoke(arn, input, signal),
      onAlarm: (event) => {
        onAlarm?.(event);
        this.putEvent(event);
      },
      onPage: this.#onPage,
      onFailure,
    });
    this.#detectors.add(detector);
    return detector;
  }

  /**
   * Runs one step by itself, by its name in `lambdas/steps`.
   * @throws ExecutionError as {@link LambdaHost.invoke} does
   */
  async invokeStep(name: string, event: unknown): Promise<unknown> {
    return this.lambdas.invoke(arnOf(functionOf(name), this.#assembly), invocationOf(name, event));
  }

  /** Hands a request to the API, as API Gateway does. */
  async invokeApi(event: unknown): Promise<unknown> {
    return this.lambdas.invoke(arnOf('api', this.#assembly), event);
  }

  /** Waits until no execution runs any more that nobody waits for. @returns how those ended that it had to wait for */
  async settled(): Promise<ExecutionResult[]> {
    const ended: ExecutionResult[] = [];
    while (this.#goingOn.size > 0) ended.push(...(await Promise.all(this.#goingOn)));
    return ended;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The platform is closed.'));
    for (const detector of this.#detectors) await detector.close();
    await this.settled();
    await this.lambdas.close();
    // Those first that were opened last.
    for (const endpoint of this.#endpoints.toReversed()) await endpoint.close();
    this.#assembly.close();
  }

  /** What nobody waits for: a rule has started it, or another execution. */
  #startByItself(request: StartRequest): Execution {
    const execution = this.executions.start({
      ...request,
      observer: this.#onOwnStart(request.stateMachineName, request.input),
      signal: this.#closing.signal,
    });
    const running = execution.ended.finally(() => this.#goingOn.delete(running));
    this.#goingOn.add(running);
    return execution;
  }

  #start(stateMachineName: string, { input, name, signal, ...observer }: RemediationRequest): Execution {
    return this.executions.start({
      stateMachineName,
      input,
      observer,
      ...(name !== undefined && { name }),
      ...(signal && { signal }),
    });
  }

  /** A person at a terminal has an outage: no step should wait for its process to start. */
  #warm(definition: unknown): void {
    const text = JSON.stringify(definition);
    const used = this.#assembly.functions.map(({ arn }) => arn).filter((arn) => text.includes(arn));
    this.lambdas.warm(used.toSorted((a, b) => text.indexOf(a) - text.indexOf(b)));
  }

  /** Hands an event to the synthesized rules, as EventBridge does. */
  putEvent(event: JsonObject): void {
    const { rules, functions } = this.#assembly;
    for (const { arn: target, input } of deliveriesOf(rules, event)) {
      // What is at hand here makes a better report than what a function could ask for: see local/recorded.ts.
      if (functions.some(({ arn }) => arn === target)) continue;
      this.#startByArn(target, input);
    }
  }

  /** What a function of it writes to its log is not read here: what is measured is told by its end. */
  async #startOnSchedule(arn: string, input: JsonValue): Promise<string[]> {
    const { stateMachineName, ended } = this.#startByArn(arn, input);
    const end = outcomeOf(await ended);
    const cluster = String(Object(input).cluster);
    if (stateMachineName === REHEARSAL_STATE_MACHINE) return metricLines(measureEnd(cluster, end));
    return end.outcome === 'BackedUp' ? metricLines([backupMade(cluster)]) : [];
  }

  #startByArn(arn: string, input: JsonValue): Execution {
    const stateMachineName = Object.keys(this.#assembly.stateMachines).find((name) => stateMachineArn(name) === arn);
    if (stateMachineName === undefined) throw new Error(`The embedded platform does not know the target ${arn}.`);
    return this.#startByItself({ stateMachineName, input });
  }
}

/** One that was stopped says nothing of a backup. */
function outcomeOf(end: ExecutionResult): Pick<RehearsalReport, 'rehearsal'> & { outcome: string } {
  if (end.status === 'SUCCEEDED') return end.output as unknown as RehearsalReport;
  return { outcome: end.status === 'FAILED' ? 'Failed' : end.status, rehearsal: null };
}

/** With the credentials of its role, as Lambda gives them to a function. */
function withCredentials(definition: LambdaFunction, iam: Iam): LambdaFunction {
  const { accessKeyId, secretAccessKey } = iam.credentialsOf(String(definition.roleArn), definition.name);
  const own = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return { ...definition, environment: { ...definition.environment, ...own } };
}

/** Where reports lie here, in the place of the bucket. */
function withReports(definition: LambdaFunction, reports: string | undefined): LambdaFunction {
  const { environment } = definition;
  return reports !== undefined && environment.REPORTS !== undefined
    ? { ...definition, environment: { ...environment, REPORTS: reports } }
    : definition;
}

function arnOf(name: FunctionName | 'api', { functions }: Assembly): string {
  const logicalId = `${name.replaceAll('-', '')}Function`;
  const found = functions.find(({ name }) => name.startsWith(logicalId));
  if (!found) throw new Error(`There is no function "${name}".`);
  return found.arn;
}

interface Parts {
  assembly: Assembly;
  endpoints: readonly AwsEndpoint[];
  lambdas: LambdaHost;
  commands: Pick<RunCommand, 'record'>;
  faults: HostFault[];
  tasksFor: (observer: Observer) => ReturnType<typeof tasksOf>;
  onPage: (page: Page) => void;
  onOwnStart: (stateMachineName: string, input: JsonValue) => Observer;
  onEnded: (execution: Execution) => void;
  clock: Clock | undefined;
}
