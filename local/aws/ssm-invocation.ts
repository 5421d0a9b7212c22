import { ITS_EXEC } from '../../core/contracts/hosts-file.ts';
import { type HostAccess, runScript, type ScriptRun } from '../hosts/access.ts';

/** GetCommandInvocation gives the first so many characters of each output. */
const MAX_STDOUT_CHARS = 24_000;
const MAX_STDERR_CHARS = 8_000;
/** What SSM Agent reports for a script that it has killed; a script that ends so by itself is taken for one. */
const KILLED = 137;
/** timeout(1), when the time was over. */
const TIMED_OUT = 124;

/** How far a command has come on one host, in SSM's words. */
interface InvocationState {
  Status: 'Pending' | 'InProgress' | 'Cancelling' | 'Success' | 'Failed' | 'TimedOut' | 'Cancelled';
  StatusDetails: string;
  /** -1 until the script has ended. */
  ResponseCode: number;
  StandardOutputContent: string;
  StandardErrorContent: string;
  /** ISO 8601; empty before. */
  ExecutionStartDateTime: string;
  ExecutionEndDateTime: string;
}

export interface Invocation {
  state(): InvocationState;
  /** Kills the script. No effect once it has ended. */
  cancel(): void;
  /** Never rejects. */
  ended: Promise<void>;
}

export interface InvocationOptions {
  access: HostAccess;
  script: string;
  /** SSM Agent gives it to the script, in its environment. */
  commandId: string;
  /** How long the host may take to be reached... */
  deliverySeconds: number;
  /** ...and the script to run. */
  timeoutSeconds: number;
}

/** Starts a command on one host. */
export function startInvocation({
  access,
  script,
  commandId,
  deliverySeconds,
  timeoutSeconds,
}: InvocationOptions): Invocation {
  const cancelled = new AbortController();
  let state: InvocationState = {
    Status: 'Pending',
    StatusDetails: 'Pending',
    ResponseCode: -1,
    StandardOutputContent: '',
    StandardErrorContent: '',
    ExecutionStartDateTime: '',
    ExecutionEndDateTime: '',
  };
  const run = async (): Promise<Partial<InvocationState>> => {
    const { signal } = cancelled;
    const delivery = await reach(access, deliverySeconds * 1000, signal);
    if (signal.aborted) return { Status: 'Cancelled', StatusDetails: 'Cancelled' };
    if (delivery.result === 'TimedOut') {
      return { Status: 'TimedOut', StatusDetails: 'Delivery Timed Out', StandardErrorContent: delivery.problem };
    }
    if (delivery.result === 'Refused') return undeliverable(delivery.problem);
    const since = Date.now();
    const ExecutionStartDateTime = new Date(since).toISOString();
    state = { ...state, Status: 'InProgress', StatusDetails: 'In Progress', ExecutionStartDateTime };
    const ended = await runScript(access, script, { timeoutMs: timeoutSeconds * 1000, commandId, signal });
    const ExecutionEndDateTime = new Date().toISOString();
    if (signal.aborted) {
      return { ...failure('Cancelled', 'Cancelled', ended), ResponseCode: KILLED, ExecutionEndDateTime };
    }
    return { ...settle(ended, Date.now() - since >= timeoutSeconds * 1000), ExecutionEndDateTime };
  };
  const isRunning = () => state.Status === 'Pending' || state.Status === 'InProgress';
  return {
    state: () => state,
    cancel: () => {
      if (!isRunning()) return;
      state = { ...state, Status: 'Cancelling', StatusDetails: 'Cancelling' };
      cancelled.abort();
    },
    ended: run().then((end) => {
      state = { ...state, ...end };
    }),
  };
}

/** Whether a script runs on the host: a shell says a word that only it can know, and bash ends the script well. */
export async function reach(
  access: HostAccess,
  withinMs: number,
  signal?: AbortSignal,
): Promise<{ result: 'Reached' | 'Refused' | 'TimedOut'; problem: string }> {
  const limit = AbortSignal.timeout(withinMs);
  const run = await runScript(access, ':', {
    timeoutMs: withinMs,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  const ran = run.started && run.exitCode === 0;
  const result = ran ? 'Reached' : limit.aborted ? 'TimedOut' : 'Refused';
  if (ran) return { result, problem: '' };
  return { result, problem: describeNotReached(run, result === 'TimedOut' ? withinMs : undefined) };
}

/** Why no shell has begun there: how the way to the host ended, and what ssh, nsenter or the shell said last. */
function describeNotReached({ exitCode, stderr }: ScriptRun, withinMs?: number): string {
  const words = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  const end =
    withinMs !== undefined
      ? `no answer within ${withinMs / 1000} s`
      : exitCode === 0
        ? NO_SHELL
        : exitCode === null
          ? ''
          : `exit status ${exitCode}`;
  return [end, words].filter((part) => part !== '').join(': ');
}

const NO_SHELL = `${ITS_EXEC} ended well, and no shell has run what it was given on standard input`;

function settle(run: ScriptRun, timeIsOver: boolean): Partial<InvocationState> {
  const { started, exitCode, stdout, stderr } = run;
  if (!started) return undeliverable(describeNotReached(run));
  if (exitCode === null || exitCode === KILLED || (exitCode === TIMED_OUT && timeIsOver)) {
    return { ...failure('TimedOut', 'Execution Timed Out', run), ResponseCode: KILLED };
  }
  const StandardOutputContent = stdout.slice(0, MAX_STDOUT_CHARS);
  if (exitCode === 0) {
    return {
      Status: 'Success',
      StatusDetails: 'Success',
      ResponseCode: 0,
      StandardOutputContent,
      StandardErrorContent: stderr.slice(0, MAX_STDERR_CHARS),
    };
  }
  // SSM Agent adds this line to the script's own.
  const withEnd = { ...run, stderr: `${stderr}failed to run commands: exit status ${exitCode}` };
  return { ...failure('Failed', 'Failed', withEnd), ResponseCode: exitCode, StandardOutputContent };
}

/** Where SSM could not reach a host, the status is one of a failure and only the details say so. It has no output then: here the way there says why. */
function undeliverable(problem: string): Partial<InvocationState> {
  return {
    Status: 'Failed',
    StatusDetails: 'Undeliverable',
    StandardErrorContent: problem.slice(0, MAX_STDERR_CHARS),
  };
}

/** Without standard output: SSM gives it for a command that succeeded or failed, and for no other. */
function failure(
  Status: InvocationState['Status'],
  StatusDetails: string,
  { stderr }: ScriptRun,
): Partial<InvocationState> {
  return { Status, StatusDetails, StandardErrorContent: stderr.slice(0, MAX_STDERR_CHARS) };
}
