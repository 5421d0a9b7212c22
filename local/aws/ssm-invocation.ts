import { setTimeout as delay } from 'node:timers/promises';
import { ITS_EXEC } from '../../core/hosts/hosts-file.ts';
import { type HostAccess, runScript, type ScriptRun } from '../hosts/access.ts';
import { type HostFault, strikeIn, upFor } from './host-faults.ts';
import {
  DISK_FULL,
  endedBySignal,
  endOf,
  type InvocationEnd,
  KILLED,
  killed,
  lost,
  REBOOT,
  WORKER_GONE,
} from './ssm-agent.ts';

/** How far a command has come on one host, in SSM's words. */
interface InvocationState {
  Status: 'Pending' | 'InProgress' | 'Cancelling' | InvocationEnd['Status'];
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
  /** What the agent has said of it besides. */
  output(): string;
  /** Kills the script. No effect once it has ended, as far as the agent knows. */
  cancel(): void;
  /** The host goes down: the script ends, whatever the agent knows of it. */
  crash(): void;
  /** Once the script has ended as well. Never rejects. */
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
  /** What the way there takes at least. */
  deliveryMs?: number;
  fault?: HostFault | undefined;
  /** Nothing is delivered before: the agent is away. */
  agentIsBack?: Promise<void> | undefined;
  /** Restarts the agent, or the host. */
  restartAgent?: () => Promise<void>;
  reboot?: () => Promise<void>;
  /** When the host was started, in milliseconds since 1970; undefined where that is as its kernel says. */
  startedMs?: () => number | undefined;
  /** What a host takes to be started. */
  bootMs?: number;
}

/** After so long the agent gives a worker up that says nothing any more. The real one takes a minute, and a script that takes as much longer. */
const WORKER_TIMEOUT_MS = 500;

/** Starts a command on one host. */
export function startInvocation(options: InvocationOptions): Invocation {
  const { access, commandId, deliverySeconds, timeoutSeconds, deliveryMs = 0, fault, agentIsBack } = options;
  const { restartAgent = async () => undefined, reboot, startedMs = () => undefined, bootMs = 0 } = options;
  let script = fault ? strikeIn(options.script, fault) : options.script;
  const cancelled = new AbortController();
  const crashed = new AbortController();
  /** The host has not taken the command in time. */
  const late = new AbortController();
  const cutOff = AbortSignal.any([cancelled.signal, crashed.signal]);
  let output = '';
  let state: InvocationState = {
    Status: 'Pending',
    StatusDetails: 'Pending',
    ResponseCode: -1,
    StandardOutputContent: '',
    StandardErrorContent: '',
    ExecutionStartDateTime: '',
    ExecutionEndDateTime: '',
  };
  const isRunning = () => state.Status === 'Pending' || state.Status === 'InProgress';
  const settle = ({ output: printed, ...end }: InvocationEnd) => {
    output = printed;
    state = { ...state, ...end, ExecutionEndDateTime: new Date().toISOString() };
  };
  const fail = (end: Partial<InvocationState>) => {
    state = { ...state, ...end };
  };

  const run = async (): Promise<void> => {
    await agentIsBack;
    await delay(deliveryMs, undefined, { signal: cutOff }).catch(() => undefined);
    if (fault?.name === 'not-delivered') return fail(NOT_DELIVERED);
    if (cutOff.aborted) return fail({ Status: 'Cancelled', StatusDetails: 'Cancelled' });
    await follow(async () => {
      const since = startedMs();
      const played = since === undefined ? script : upFor(script, (Date.now() - since) / 1000);
      const timer = setTimeout(() => late.abort(), deliverySeconds * 1000);
      const onStart = () => {
        clearTimeout(timer);
        if (state.Status !== 'Pending') return;
        const ExecutionStartDateTime = new Date().toISOString();
        state = { ...state, Status: 'InProgress', StatusDetails: 'In Progress', ExecutionStartDateTime };
      };
      const signal = AbortSignal.any([cutOff, late.signal]);
      const run = await runScript(access, played, { timeoutMs: timeoutSeconds * 1000, commandId, signal, onStart });
      clearTimeout(timer);
      return run;
    });
  };
  const follow = async (start: () => Promise<ScriptRun>): Promise<void> => {
    const running = start();
    if (fault?.name === 'worker-killed') {
      await Promise.race([running, delay(WORKER_TIMEOUT_MS)]);
      settle(lost(WORKER_GONE));
      await running;
      return;
    }
    const run = await running;
    if (!run.started && cutOff.aborted) return fail({ Status: 'Cancelled', StatusDetails: 'Cancelled' });
    if (!run.started && late.signal.aborted) {
      const problem = describeNotReached(run, deliverySeconds * 1000);
      return fail({ ...NOT_DELIVERED, StandardErrorContent: problem });
    }
    if (cancelled.signal.aborted) return settle(killed('Cancelled', 'Cancelled', run.stderr));
    if (crashed.signal.aborted) return settle(lost(WORKER_GONE));
    if (!run.started) return fail(undeliverable(describeNotReached(run)));
    if (run.exitCode === KILLED && fault?.name === 'host-rebooted') {
      await reboot?.();
      return settle(lost(WORKER_GONE));
    }
    if (run.exitCode === KILLED && fault?.name === 'memory-lost' && script !== options.script) {
      await delay(bootMs);
      await reboot?.();
      script = options.script;
      return follow(start);
    }
    if (run.exitCode === KILLED && fault?.name === 'script-killed') return settle(endedBySignal(run));
    if (run.exitCode === REBOOT) {
      if (!reboot)
        return settle(lost(`exit status ${REBOOT}: the agent would reboot the host, which cannot be done here`));
      await reboot();
      return follow(start);
    }
    if (fault?.name === 'agent-restarted') await restartAgent();
    settle(fault?.name === 'agent-disk-full' ? lost(DISK_FULL) : endOf(run));
  };
  return {
    state: () => state,
    output: () => output,
    cancel: () => {
      if (!isRunning()) return;
      state = { ...state, Status: 'Cancelling', StatusDetails: 'Cancelling' };
      cancelled.abort();
    },
    crash: () => crashed.abort(),
    // A host that could not be started again is one of which nobody knows anything.
    ended: run().catch((error: unknown) => settle(lost(String(error)))),
  };
}

const NOT_DELIVERED = { Status: 'TimedOut', StatusDetails: 'Delivery Timed Out' } as const;

/**
 * Whether a script runs on the host: a shell says a word that only it can know, and bash ends the script well.
 * @returns why not; empty where it does
 */
export async function findReachProblem(access: HostAccess, withinMs: number): Promise<string> {
  const limit = AbortSignal.timeout(withinMs);
  const run = await runScript(access, ':', { timeoutMs: withinMs, signal: limit });
  if (run.started && run.exitCode === 0) return '';
  return describeNotReached(run, limit.aborted ? withinMs : undefined);
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

/** Where SSM could not reach a host, the status is one of a failure and only the details say so. It has no output then: here the way there says why. */
function undeliverable(problem: string): Partial<InvocationState> {
  return {
    Status: 'Failed',
    StatusDetails: 'Undeliverable',
    StandardErrorContent: problem,
  };
}
