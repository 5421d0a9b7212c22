export const WHAT_STAYS =
  "\nStopped. What was done stays done; a compaction or defragmentation that etcd has begun goes on. A member's service may be " +
  'stopped and its data moved aside: start again soon, and it is finished.\n';
const WHAT_ENDS =
  '\nWhat has to be put in order comes first: after an auth token reset that authentication is enabled. A second signal ends that as well.\n';
export const NOTHING_STAYS = '\nStopped. Nothing was changed.\n';
const STATUS_BY_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** What stops the work under way in an orderly way; undefined where there is none that would need it. */
let stopWork: (() => void) | undefined;
let notice = () => WHAT_STAYS;

/**
 * Ends the process at a signal: at once, with every child process and temporary folder; or where the work under way has something to put in
 * order, once it has done so. A second signal ends it at once.
 */
export function endOnSignals(): void {
  // A terminal that is gone takes no line any more; what is under way goes on without it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  for (const [signal, status] of Object.entries(STATUS_BY_SIGNAL)) {
    process.on(signal, () => {
      const stop = stopWork;
      stopWork = undefined;
      process.exitCode = status;
      const told = notice();
      process.stderr.write(told);
      if (!stop) process.exit(status);
      if (told === WHAT_STAYS) process.stderr.write(WHAT_ENDS);
      stop();
    });
  }
}

/** From now on a signal stops the work instead of the process, until disposed of. */
export function onSignal(stop: () => void): Disposable {
  stopWork = stop;
  return {
    [Symbol.dispose]: () => {
      stopWork = undefined;
    },
  };
}

/** Until disposed of, whoever stops the process is told that it has changed nothing; or something else. */
export function whileNothingChanges(told: string | (() => string) = NOTHING_STAYS): Disposable {
  notice = typeof told === 'string' ? () => told : told;
  return {
    [Symbol.dispose]: () => {
      notice = () => WHAT_STAYS;
    },
  };
}
