import { BACKUP_STATE_MACHINE } from '../core/backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../core/backups/rehearsal.ts';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import type { RehearsalRequest } from '../core/rehearsal/contracts.ts';
import { invocationOf } from '../core/remediation/invocation.ts';
import type { Incident } from '../core/runbooks.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../core/text/names.ts';
import { functionOf } from '../lib/steps.ts';
import { stateMachineArn } from './asl/arn.ts';
import type { ExecutionResult } from './asl/execution.ts';
import type { JsonObject, JsonValue } from './asl/json.ts';
import type { Clock } from './asl/types.ts';
import { arnOf, withCredentials, withReports } from './assembled-functions.ts';
import { type Assembly, synthesize } from './assembly.ts';
import { deliveriesOf, executionEnded } from './aws/events.ts';
import type { HostFault } from './aws/host-faults.ts';
import type { CommandOnHost } from './aws/run-command.ts';
import type { Page } from './aws/sns.ts';
import { type DetectorOptions, EmbeddedDetector } from './detector.ts';
import { type Execution, Executions, type Observer, type StartRequest } from './executions.ts';
import { LambdaHost } from './lambda/host.ts';
import { type LoopbackAws, type LoopbackAwsOptions, openLoopbackAws } from './loopback-aws.ts';
import { measuredLines } from './measured-ends.ts';
import { TaskTokens } from './task-tokens.ts';
import { tasksOf } from './tasks.ts';

export interface PlatformOptions extends LoopbackAwsOptions {
  file: ClustersFile;
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
  readonly #aws: LoopbackAws;
  readonly #onOwnStart: (stateMachineName: string, input: JsonValue) => Observer;
  readonly #onPage: (page: Page) => void;
  readonly #detectors = new Set<EmbeddedDetector>();
  /** Executions that nobody waits for, and which have not ended. */
  readonly #goingOn = new Set<Promise<ExecutionResult>>();
  readonly #closing = new AbortController();

  private constructor(parts: Parts) {
    const { assembly, aws, lambdas, faults, tasksFor, onPage, onOwnStart, onEnded, clock } = parts;
    this.#assembly = assembly;
    this.#onPage = onPage;
    this.#aws = aws;
    this.#onOwnStart = onOwnStart;
    this.lambdas = lambdas;
    this.commandsOnHosts = () => aws.commands.record();
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
    onPage = () => undefined,
    onOwnStart = () => ({}),
    onEnded = () => undefined,
    reports,
    clock,
    ...options
  }: PlatformOptions): Promise<Platform> {
    const assembly = await synthesize(file);
    const tokens = new TaskTokens();
    const faults: HostFault[] = [];
    let aws: LoopbackAws | undefined;
    try {
      aws = await openLoopbackAws(options, {
        ...{ assembly, tokens, observe: onOwnStart, faults },
        lambdas: () => platform.lambdas,
        executions: () => platform.executions,
      });
      const { iam, environment, dynamoDb, states } = aws;
      const lambdas = new LambdaHost(
        assembly.functions.map((each) => withCredentials(withReports(each, reports), iam)),
        environment,
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
        ...{ assembly, aws, lambdas, faults, tasksFor, onPage, onOwnStart, onEnded, clock },
      });
      lambdas.warm(FIRST_FUNCTIONS.map((name) => arnOf(name, assembly)));
      return platform;
    } catch (error) {
      await aws?.close();
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
    await this.#aws.close();
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

  /** @returns what is measured of it, once it has ended */
  async #startOnSchedule(arn: string, input: JsonValue): Promise<string[]> {
    const { stateMachineName, ended } = this.#startByArn(arn, input);
    return measuredLines(stateMachineName, String(Object(input).cluster), await ended);
  }

  #startByArn(arn: string, input: JsonValue): Execution {
    const stateMachineName = Object.keys(this.#assembly.stateMachines).find((name) => stateMachineArn(name) === arn);
    if (stateMachineName === undefined) throw new Error(`The embedded platform does not know the target ${arn}.`);
    return this.#startByItself({ stateMachineName, input });
  }
}

interface Parts {
  assembly: Assembly;
  aws: LoopbackAws;
  lambdas: LambdaHost;
  faults: HostFault[];
  tasksFor: (observer: Observer) => ReturnType<typeof tasksOf>;
  onPage: (page: Page) => void;
  onOwnStart: (stateMachineName: string, input: JsonValue) => Observer;
  onEnded: (execution: Execution) => void;
  clock: Clock | undefined;
}
