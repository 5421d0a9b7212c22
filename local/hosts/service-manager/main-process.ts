import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import type { Exit } from './exit.ts';

export interface Command {
  args: readonly string[];
  environment: ReadonlyMap<string, string>;
  workingDirectory: string;
  /** Takes the output; closed by {@link startProcess}. */
  output: number;
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

/** systemd's own exit codes for a process that did not get as far as the program: systemd.exec(5). */
const EXIT_CHDIR = 200;
const EXIT_EXEC = 203;

/**
 * @param onExecuted is called when the program runs
 * @param onExit is called when the main process has ended, and in its place when it could not be started
 */
export function startProcess(command: Command, onExecuted: () => void, onExit: (exit: Exit) => void): MainProcess {
  const [program = '', ...args] = command.args;
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      detached: true,
      cwd: command.workingDirectory,
      env: Object.fromEntries(command.environment),
      stdio: ['ignore', command.output, command.output],
    });
  } finally {
    closeSync(command.output);
  }
  child.once('spawn', onExecuted);
  child.once('error', ({ errno }: NodeJS.ErrnoException) => {
    // Either of the two is reported by the same error.
    const [step, status] = isFolder(command.workingDirectory) ? ['EXEC', EXIT_EXEC] : ['CHDIR', EXIT_CHDIR];
    const failedStep = `Failed at step ${step} spawning ${program}: ${getSystemErrorMessage(errno ?? 0)}`;
    onExit({ code: 'exited', status, failedStep });
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
 * Dead processes count in a group until their parent asks for them, which takes some first processes long. Linux tells them apart;
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

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
