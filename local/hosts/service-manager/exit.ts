/** How a process ended, in the terms of wait(2). */
export type Exit =
  /** `failedStep` says what went wrong before the program could run. */
  { code: 'exited'; status: number; failedStep?: string } | { code: 'killed'; status: number; signal: NodeJS.Signals };

/** systemd's names of exit codes: systemd.exec(5). Of its own, those that can happen here. */
const EXIT_CODE_NAMES: Readonly<Record<number, string>> = {
  0: 'SUCCESS',
  1: 'FAILURE',
  2: 'INVALIDARGUMENT',
  3: 'NOTIMPLEMENTED',
  4: 'NOPERMISSION',
  5: 'NOTINSTALLED',
  6: 'NOTCONFIGURED',
  7: 'NOTRUNNING',
  64: 'USAGE',
  65: 'DATAERR',
  66: 'NOINPUT',
  67: 'NOUSER',
  68: 'NOHOST',
  69: 'UNAVAILABLE',
  70: 'SOFTWARE',
  71: 'OSERR',
  72: 'OSFILE',
  73: 'CANTCREAT',
  74: 'IOERR',
  75: 'TEMPFAIL',
  76: 'PROTOCOL',
  77: 'NOPERM',
  78: 'CONFIG',
  200: 'CHDIR',
  203: 'EXEC',
};

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
