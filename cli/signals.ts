import { clearLiveLine } from './screen.ts';

const NOTHING_STAYS = 'Stopped. Nothing was changed.';
const STOPPED = 'Stopped.';
const AT_ONCE = 'Ended at once.';
const STATUS_BY_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** The work that a signal stops in an orderly way. */
interface Work {
  stop(): void;
  /** What a person has to know who ends it before it has stopped; empty for nothing. */
  leftOpen(): string;
}

/** Undefined where there is no work that a signal would stop in an orderly way. */
let work: Work | undefined;
let isStopping = false;
let notice = () => STOPPED;

/**
 * Ends the process at a signal: at once, with every child process and temporary folder; or where the work under way has something to put in
 * order, once it has done so. A second signal ends it at once.
 */
export function endOnSignals(): void {
  // A terminal that is gone takes no line any more; what is under way goes on without it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const say = (...texts: string[]) => {
    clearLiveLine();
    process.stderr.write(`\n${texts.filter((text) => text !== '').join('\n')}\n`);
  };
  for (const [signal, status] of Object.entries(STATUS_BY_SIGNAL)) {
    process.on(signal, () => {
      process.exitCode = status;
      if (!work || isStopping) {
        if (isStopping) say(AT_ONCE, work?.leftOpen() ?? '');
        else say(notice());
        process.exit(status);
      }
      isStopping = true;
      say(notice());
      work.stop();
    });
  }
}

/** From now on a signal stops the work instead of the process, until disposed of. */
export function onSignal(stop: () => void, leftOpen = () => ''): Disposable {
  work = { stop, leftOpen };
  return {
    [Symbol.dispose]: () => {
      work = undefined;
    },
  };
}

/** Until disposed of, this is printed when the process is stopped. */
export function printAtSignal(text: () => string): Disposable {
  const before = notice;
  notice = text;
  return {
    [Symbol.dispose]: () => {
      notice = before;
    },
  };
}

/** The same, and it says that nothing was changed. */
export function whileNothingChanges(): Disposable {
  return printAtSignal(() => NOTHING_STAYS);
}
