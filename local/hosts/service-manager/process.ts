import { spawn } from 'node:child_process';
import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import type { Journal } from './journal.ts';
import { findClientUrl, isListening, untilAnswering } from './readiness.ts';
import { type Account, parseEnvironmentFile, type Unit } from './unit.ts';

/** What systemd searches programs in, for those that a service starts. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** systemd's own exit code for a program that could not be executed, and its names of those that can happen here: systemd.exec(5). */
const EXIT_EXEC = 203;
const EXIT_CODE_NAMES: Readonly<Record<number, string>> = {
  0: 'SUCCESS',
  1: 'FAILURE',
  2: 'INVALIDARGUMENT',
  3: 'NOTIMPLEMENTED',
  [EXIT_EXEC]: 'EXEC',
};

/** How a process ended, in the terms of wait(2). */
export type Exit =
  /** `failedStep` says what went wrong before the program could run. */
  { code: 'exited'; status: number; failedStep?: string } | { code: 'killed'; status: number; signal: NodeJS.Signals };

/** A service that ends by one of these has ended well: systemd.service(5), SuccessExitStatus=. */
const CLEAN_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGPIPE']);

/** Why a service ended, as systemd has it in its property Result. */
export type Result = 'success' | 'exit-code' | 'signal' | 'timeout' | 'protocol' | 'resources' | 'start-limit-hit';

export function resultOf(exit: Exit): Result {
  if (exit.code === 'killed') return CLEAN_SIGNALS.has(exit.signal) ? 'success' : 'signal';
  return exit.status === 0 ? 'success' : 'exit-code';
}

/** `code=exited, status=1/FAILURE` or `code=killed, status=9/KILL` */
export function exitWords(exit: Exit): string {
  const name = exit.code === 'killed' ? exit.signal.slice('SIG'.length) : (EXIT_CODE_NAMES[exit.status] ?? 'n/a');
  return `code=${exit.code}, status=${exit.status}/${name}`;
}

/** The main process of a service, with whatever it starts: a process group of its own, as systemd gives each a control group. */
export interface MainProcess {
  /** Undefined where the program could not be executed. */
  readonly pid: number | undefined;
  /** To all of the group. Does nothing where none is left. */
  kill(signal: NodeJS.Signals): void;
  /** Whether any process of the group is left, the main one or others. */
  hasRemains(): boolean;
}

export interface LaunchEvents {
  /** All that a start needs is there. */
  prepared(): void;
  spawned(process: MainProcess): void;
  /** By what the unit's Type= says. */
  isUp(): void;
  /** The main process ended, sooner or later, or could not be executed. */
  ended(exit: Exit): void;
}

/**
 * Starts a service's main process, and says when the service is up.
 * @param signal ends the wait for that; nothing is started after it
 * @throws Error where the process cannot be started at all: an environment file is missing, or nothing could say that it is ready
 */
export async function launch(
  unit: Unit,
  account: Account,
  journal: Journal,
  signal: AbortSignal,
  events: LaunchEvents,
): Promise<void> {
  const environment = environmentOf(unit, account);
  const clientUrl = unit.type === 'notify' ? findClientUrl(unit.execStart, environment) : undefined;
  events.prepared();
  // Another process may hold the port that this one is about to fail for; its answers say nothing.
  const isTaken = clientUrl !== undefined && (await isListening(clientUrl, signal));
  if (signal.aborted) return;
  events.spawned(startProcess(unit.execStart, environment, journal.open(unit.id), events.ended));
  if (clientUrl === undefined || (await untilAnswering(clientUrl, isTaken, signal))) events.isUp();
}

/** Nothing is passed on from this process's own environment. */
function environmentOf(unit: Unit, { user }: Account): Map<string, string> {
  const environment = new Map([['PATH', PATH]]);
  if (unit.user !== '') environment.set('USER', user).set('LOGNAME', user).set('HOME', homedir());
  for (const file of unit.environmentFiles) {
    try {
      for (const [name, value] of parseEnvironmentFile(readFileSync(file, 'utf8'), file)) environment.set(name, value);
    } catch (error) {
      throw new Error(`Failed to load environment files: ${error instanceof Error ? error.message : error}`);
    }
  }
  return environment;
}

/**
 * @param output takes what it prints, and is closed here
 * @param onExit is called when the main process has ended, and in its place when it could not be started
 */
function startProcess(
  [program = '', ...args]: readonly string[],
  environment: ReadonlyMap<string, string>,
  output: number,
  onExit: (exit: Exit) => void,
): MainProcess {
  const start = () => {
    try {
      const stdio: ['ignore', number, number] = ['ignore', output, output];
      return spawn(program, args, { detached: true, cwd: '/', env: Object.fromEntries(environment), stdio });
    } finally {
      closeSync(output);
    }
  };
  const child = start();
  child.once('error', ({ errno }: NodeJS.ErrnoException) => {
    const failedStep = `Failed at step EXEC spawning ${program}: ${getSystemErrorMessage(errno ?? 0)}`;
    onExit({ code: 'exited', status: EXIT_EXEC, failedStep });
  });
  child.once('exit', (status, signal) => {
    if (signal !== null) onExit({ code: 'killed', status: constants.signals[signal], signal });
    else onExit({ code: 'exited', status: status ?? 0 });
  });
  const { pid } = child;
  return {
    pid,
    kill: (signal) => void killGroup(pid, signal),
    hasRemains: () => killGroup(pid, 0) && !isGroupDead(pid),
  };
}

/** @returns whether there is such a group. macOS says EPERM of one in which only dead processes are left. */
function killGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/**
 * Dead processes count in a group until their parent asks for them, which takes some first processes long. Linux shows them as such;
 * elsewhere a group is gone when it is gone.
 */
function isGroupDead(group: number | undefined): boolean {
  if (process.platform !== 'linux') return false;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return !pids.some((pid) => {
    // After the program's name in parentheses: the state, the parent, the group.
    const [state, , ownGroup] = readStat(pid)
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(ownGroup) === group && state !== 'Z' && state !== 'X';
  });
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended in the meantime.
    return '';
  }
}
