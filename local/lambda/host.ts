import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { devNull } from 'node:os';
import { delimiter, extname, join } from 'node:path';
import { ExecutionError } from '../asl/errors.ts';
import { MODULE_FOLDERS } from '../module-folders.ts';
import type { SandboxLoaded, SandboxRequest, SandboxResponse } from './sandbox.ts';

/** A Lambda function as its template describes it. */
export interface LambdaFunction {
  name: string;
  arn: string;
  /** Of the role that it has. */
  roleArn?: string;
  codeDir: string;
  /** `index.handler` */
  handler: string;
  timeoutSeconds: number;
  memoryMiB: number;
  environment: Readonly<Record<string, string>>;
}

/** Where Lambda's runtime has the AWS SDK, a function here finds the project's. */
const RUNTIME_MODULES = MODULE_FOLDERS.join(delimiter);
const SANDBOX = join(import.meta.dirname, `sandbox${extname(import.meta.filename)}`);
/** Of a function's memory, what Lambda's Node runtime gives to the heap. */
const HEAP_SHARE = 0.9;
const LOG_TAIL_BYTES = 8_192;

interface Sandbox {
  /** Of its function. */
  arn: string;
  process: ChildProcess;
  /** Fulfilled when its bundle is loaded, or its process has ended. */
  loaded: Promise<void>;
  /** The end of what the function wrote to its log since it last answered. */
  log: string;
}

/**
 * Runs Lambda functions from their bundles, each in a process of its own with its own memory, timeout and environment,
 * and kept warm for the next event. What goes wrong surfaces under the names that Step Functions gives it.
 */
export class LambdaHost {
  readonly #functions: ReadonlyMap<string, LambdaFunction>;
  /** What every function has, but for its own: it lets the AWS SDK of another process use the same endpoints, too. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #idle = new Map<string, Sandbox[]>();
  readonly #running = new Set<Sandbox>();
  #warming: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param environment what every function has, such as the AWS endpoints and credentials */
  constructor(functions: readonly LambdaFunction[], environment: Readonly<Record<string, string>>) {
    this.#functions = new Map(functions.map((each) => [each.arn, each]));
    this.environment = environment;
  }

  /**
   * Starts a process for each of these functions that has none, so that its first event finds it warm: one after the other, in this order. All at
   * once they would take the processors from the one that is needed first.
   */
  warm(arns: readonly string[]): void {
    for (const arn of arns) this.#warming = this.#warming.then(() => this.#warmOne(arn));
  }

  async #warmOne(arn: string): Promise<void> {
    const definition = this.#functions.get(arn);
    const hasProcess = [...this.#running].some((sandbox) => sandbox.arn === arn);
    if (!definition || hasProcess || this.#isClosed) return;
    const sandbox = this.#start(definition);
    this.#rest(definition, sandbox);
    await sandbox.loaded;
  }

  /**
   * @returns the handler's result
   * @throws ExecutionError under the name of what the handler threw; `Sandbox.Timedout` or `Runtime.ExitError` when it was cut off
   */
  async invoke(arn: string, event: unknown, signal?: AbortSignal): Promise<unknown> {
    const definition = this.#functions.get(arn);
    if (!definition) throw new ExecutionError('Lambda.ResourceNotFoundException', `Function not found: ${arn}`);
    signal?.throwIfAborted();
    const sandbox = this.#idle.get(arn)?.pop() ?? this.#start(definition);
    const response = await exchange(sandbox, definition, event, signal);
    if (response === 'Timedout' || response === 'Exited') {
      sandbox.process.kill('SIGKILL');
      const [errorType, errorMessage] =
        response === 'Timedout'
          ? ['Sandbox.Timedout', `Task timed out after ${definition.timeoutSeconds.toFixed(2)} seconds`]
          : ['Runtime.ExitError', `Runtime exited without providing a reason. ${sandbox.log}`];
      throw new ExecutionError(errorType, JSON.stringify({ errorType, errorMessage }));
    }
    sandbox.log = '';
    this.#rest(definition, sandbox);
    if ('error' in response) throw new ExecutionError(response.error.errorType, JSON.stringify(response.error));
    return JSON.parse(response.payload);
  }

  /** Kills the processes of a function at once, as for want of memory. */
  kill(arn: string): void {
    for (const sandbox of this.#running) if (sandbox.arn === arn) sandbox.process.kill('SIGKILL');
  }

  /** Ends every process and waits until it is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const gone = [...this.#running].map(
      (sandbox) => new Promise<void>((resolve) => sandbox.process.once('exit', () => resolve())),
    );
    for (const sandbox of this.#running) sandbox.process.kill('SIGKILL');
    await Promise.all(gone);
  }

  #start(definition: LambdaFunction): Sandbox {
    const child = fork(SANDBOX, [definition.codeDir, definition.handler], {
      execArgv: [`--max-old-space-size=${Math.floor(definition.memoryMiB * HEAP_SHARE)}`, '--disable-warning=DEP0123'],
      // Nothing of this machine's environment: a function sees what it would see when it is deployed.
      env: {
        ...this.environment,
        ...definition.environment,
        AWS_LAMBDA_FUNCTION_NAME: definition.name,
        NODE_PATH: RUNTIME_MODULES,
        // What V8 has compiled is kept beside the bundle, for the next process that loads it.
        NODE_COMPILE_CACHE: `${definition.codeDir}.compiled`,
        // Without HOME the AWS SDK asks the operating system for it: a profile in ~/.aws may even forbid a loopback endpoint.
        AWS_CONFIG_FILE: devNull,
        AWS_SHARED_CREDENTIALS_FILE: devNull,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const loaded = new Promise<void>((resolve) => {
      child.once('message', () => resolve()).once('exit', () => resolve());
    });
    const sandbox: Sandbox = { arn: definition.arn, process: child, loaded, log: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        sandbox.log = (sandbox.log + data.toString()).slice(-LOG_TAIL_BYTES);
      });
    }
    this.#running.add(sandbox);
    child.once('exit', () => this.#forget(definition.arn, sandbox));
    return sandbox;
  }

  #rest({ arn }: LambdaFunction, sandbox: Sandbox): void {
    this.#idle.set(arn, [...(this.#idle.get(arn) ?? []), sandbox]);
  }

  #forget(arn: string, sandbox: Sandbox): void {
    this.#running.delete(sandbox);
    const idle = this.#idle.get(arn) ?? [];
    this.#idle.set(
      arn,
      idle.filter((other) => other !== sandbox),
    );
  }
}

/** Sends one event and waits for the answer, the timeout, the process's end or an abort, whichever comes first. */
function exchange(
  sandbox: Sandbox,
  definition: LambdaFunction,
  event: unknown,
  signal?: AbortSignal,
): Promise<SandboxResponse | 'Timedout' | 'Exited'> {
  return new Promise((resolve, reject) => {
    const child = sandbox.process;
    const timeoutMs = definition.timeoutSeconds * 1000;
    const request: SandboxRequest = { requestId: randomUUID(), event, deadlineMs: Date.now() + timeoutMs };
    const timer = setTimeout(() => settle(() => resolve('Timedout')), timeoutMs);
    const onMessage = (message: SandboxResponse | SandboxLoaded) => {
      if ('requestId' in message) settle(() => resolve(message));
    };
    const onExit = () => settle(() => resolve('Exited'));
    const onAbort = () => {
      child.kill('SIGKILL');
      settle(() => reject(signal?.reason));
    };
    const settle = (done: () => void) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
      done();
    };
    child.on('message', onMessage).on('exit', onExit);
    signal?.addEventListener('abort', onAbort, { once: true });
    child.send(request, (error) => error && onExit());
  });
}
