import { documentName, type HostCommandName } from '../../core/hosts/host-commands.ts';

/**
 * What may go wrong with a command on its way, on its host, and on its way back. Each answers as Run Command and the SSM agent (3.3) do.
 */
export const HOST_FAULTS = {
  'not-delivered': 'the host does not take the command in time, and takes the next one',
  'answer-lost': 'Run Command takes the command, and its answer is lost',
  'function-killed': 'the function that has sent the command is killed',
  'agent-restarted': 'the agent restarts while the script runs, and reports its end once it is back',
  'agent-disk-full': 'the script ends, and the agent cannot store what it has said',
  'worker-killed': "the agent's worker is killed: the command counts as failed, and its script goes on",
  'script-killed': 'the script is killed because memory ran out',
  'time-limit': 'the script is killed at its time limit',
  'host-rebooted': 'the host reboots while the script runs',
  'memory-lost': 'the host reboots while the script runs, and the agent, which has lost its memory, runs it again',
} as const satisfies Record<string, string>;

export type HostFaultName = keyof typeof HOST_FAULTS;

/** A fault that strikes once. */
export interface HostFault {
  name: HostFaultName;
  /** The first time that it is sent... */
  command: HostCommandName;
  /** ...to this host; to any, if not said. */
  host?: string;
  /**
   * Before which of its changes a script is struck that is struck while it runs: 1, if not said. Where it makes fewer, it is struck when it is
   * about to tell its result.
   */
  change?: number;
}

/** Takes the fault that is to strike this command out of the list. */
export function takeFault(faults: HostFault[], sent: { document: string; host: string }): HostFault | undefined {
  const index = faults.findIndex(
    ({ command, host = sent.host }) => documentName(command) === sent.document && host === sent.host,
  );
  return index < 0 ? undefined : faults.splice(index, 1)[0];
}

/** How long a script goes on that nobody hears of any more, from where it is struck. */
const GOES_ON_SECONDS = 2;

/** What a script does where it is struck; kill, and the whole of its process group with it, as the kernel and the agent do. */
const STRIKES: Partial<Record<HostFaultName, string>> = {
  'worker-killed': `sleep ${GOES_ON_SECONDS}`,
  'script-killed': 'kill -s KILL 0',
  'time-limit': 'kill -s KILL 0',
  'host-rebooted': 'kill -s KILL 0',
  'memory-lost': 'kill -s KILL 0',
};

/** What changes something on a host, as the scripts write it. */
const CHANGES = [
  ...['mv', 'mkdir', 'rmdir', 'rm', 'cp', 'ln', 'chown', 'chgrp', 'chmod', 'exec_compressor', 'decompress', 'transfer'],
  ...['systemctl start', 'snapshot_tool restore'],
];

/** The script, which strikes itself: bash calls the trap before each command. What is changed in a substitution is counted by the command around it. */
export function strikeIn(script: string, { name, change = 1 }: HostFault): string {
  const strike = STRIKES[name];
  if (strike === undefined) return script;
  // BASH_COMMAND may hold a change within a substitution. A regular expression would take BASH_REMATCH from the script.
  const ofChanges = CHANGES.map((words) => `0*[\\ \\(]${words.replaceAll(' ', '\\ ')}\\ *`).join('|');
  const trap = [
    // `need` only names what is called later.
    `case "$BASH_SUBSHELL $BASH_COMMAND" in "0 need "*) ;; 0*[\\ \\(]succeed\\ *) fault_in=0 ;; ${ofChanges}) fault_in=$((fault_in - 1)) ;; esac`,
    `if [ "$fault_in" = 0 ]; then fault_in=-1; ${strike}; fi`,
  ].join('; ');
  const [first = '', ...others] = script.split('\n');
  const head = first.startsWith('#!') ? [first] : [];
  const rest = first.startsWith('#!') ? others : [first, ...others];
  return [...head, `set -T; fault_in=${change}; trap '${trap}' DEBUG`, ...rest].join('\n');
}

/** The script, to which its host says that it is up for so long: none of these hosts has a kernel of its own. */
export function upFor(script: string, seconds: number): string {
  return script.replaceAll('/proc/uptime', `<(echo ${seconds.toFixed(2)} 0.00)`);
}
