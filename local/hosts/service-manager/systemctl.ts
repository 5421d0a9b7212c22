import { constants } from 'node:os';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { ServiceManager } from './manager.ts';
import type { JobKind, Service } from './service.ts';
import { type Unit, unitId } from './unit.ts';

/** What a program prints, and how it ends. */
export interface Answer {
  exitCode: number;
  stdout: string;
  stderr: string;
}

function success(stdout = ''): Answer {
  return { exitCode: 0, stdout, stderr: '' };
}

export function failure(exitCode: number, message: string): Answer {
  return { exitCode, stdout: '', stderr: `${message}\n` };
}

type Values = Readonly<Record<string, unknown>>;

interface Verb {
  options: ParseArgsOptionsConfig;
  takesUnit: boolean;
  run(manager: ServiceManager, id: string, values: Values): Answer | Promise<Answer>;
}

const NO_BLOCK = { 'no-block': { type: 'boolean' } } as const satisfies ParseArgsOptionsConfig;

const VERBS: Readonly<Record<string, Verb>> = {
  start: { options: NO_BLOCK, takesUnit: true, run: (...call) => enqueue('start', ...call) },
  stop: { options: {}, takesUnit: true, run: (...call) => enqueue('stop', ...call) },
  restart: { options: NO_BLOCK, takesUnit: true, run: (...call) => enqueue('restart', ...call) },
  kill: { options: { signal: { type: 'string', short: 's' } }, takesUnit: true, run: kill },
  show: { options: { property: { type: 'string', short: 'p', multiple: true } }, takesUnit: true, run: show },
  'is-active': { options: {}, takesUnit: true, run: isActive },
  'daemon-reload': {
    options: {},
    takesUnit: false,
    run: (manager) => {
      manager.reload();
      return success();
    },
  },
  'reset-failed': { options: {}, takesUnit: true, run: resetFailed },
};

/**
 * Does what a command line of systemctl asks for.
 * @throws Error for a verb or an option that is not known here, and for a unit file that is not understood
 */
export async function systemctl(manager: ServiceManager, args: readonly string[]): Promise<Answer> {
  // Options may come before the verb; none of them but those two takes an argument of its own.
  const verbIndex = args.findIndex(
    (arg, index) => !arg.startsWith('-') && !/^(-[ps]|--property|--signal)$/.test(args[index - 1] ?? ''),
  );
  const name = args[verbIndex] ?? '';
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) {
    throw new Error(`Unknown command verb '${name}'. Supported here: ${Object.keys(VERBS).join(', ')}.`);
  }
  const { values, positionals } = parseArgs({
    args: args.filter((_arg, index) => index !== verbIndex),
    options: verb.options,
    allowPositionals: true,
  });
  const expected = verb.takesUnit ? 1 : 0;
  if (positionals.length !== expected) {
    throw new Error(`${name} takes ${expected} unit${verb.takesUnit ? '' : 's'} here, not ${positionals.length}`);
  }
  return verb.run(manager, verb.takesUnit ? unitId(positionals[0] ?? '') : '', values);
}

async function enqueue(kind: JobKind, manager: ServiceManager, id: string, values: Values): Promise<Answer> {
  const service = manager.find(id);
  if (service === undefined) {
    return failure(5, `Failed to ${kind} ${id}: Unit ${id} not ${kind === 'stop' ? 'loaded' : 'found'}.`);
  }
  const job = service.request(kind);
  if (values['no-block'] === true) return success();
  const result = await job;
  if (result === 'done') return success();
  return failure(1, result === 'canceled' ? `Job for ${id} canceled.` : explainFailure(service));
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  resources: 'of unavailable resources or another system error',
  protocol: 'the service did not take the steps required by its unit configuration',
  timeout: 'a timeout was exceeded',
  'exit-code': 'the control process exited with error code',
  signal: 'a fatal signal was delivered to the control process',
  'start-limit-hit': 'start of the service was attempted too often',
};

function explainFailure({ unit: { id }, status: { result, problem } }: Service): string {
  const explanation = EXPLANATIONS[result];
  return [
    `Job for ${id} failed${explanation === undefined ? '' : ` because ${explanation}`}.`,
    `See "systemctl status ${id}" and "journalctl -xeu ${id}" for details.`,
    ...(result === 'start-limit-hit'
      ? [`To force a start use "systemctl reset-failed ${id}"`, `followed by "systemctl start ${id}" again.`]
      : []),
    ...(problem === '' ? [] : [problem]),
  ].join('\n');
}

function kill(manager: ServiceManager, id: string, { signal }: Values): Answer {
  const wanted = String(signal ?? '');
  const name = /^(?:SIG)?([A-Z0-9]+)$/.exec(wanted)?.[1] ?? '';
  const found = Object.entries(constants.signals).find(
    ([known, number]) => known === `SIG${name}` || `${number}` === name,
  );
  if (found === undefined) throw new Error(`kill: -s takes the name or number of a signal, not "${wanted}"`);
  const service = manager.find(id);
  if (service === undefined) return failure(1, `Failed to kill unit ${id}: Unit ${id} not loaded.`);
  service.kill(found[0] as NodeJS.Signals);
  return success();
}

function show(manager: ServiceManager, id: string, { property }: Values): Answer {
  const names = ((property ?? []) as string[]).flatMap((list) => list.split(','));
  if (names.length === 0) throw new Error('show: say which properties, with -p NAME');
  return success(showProperties(names, manager.find(id)));
}

function isActive(manager: ServiceManager, id: string): Answer {
  const state = manager.find(id)?.status.activeState ?? 'inactive';
  return { exitCode: state === 'active' ? 0 : 3, stdout: `${state}\n`, stderr: '' };
}

function resetFailed(manager: ServiceManager, id: string): Answer {
  const service = manager.find(id);
  if (service === undefined) return failure(1, `Failed to reset failed state of unit ${id}: Unit ${id} not loaded.`);
  service.resetFailed();
  return success();
}

interface Subject {
  unit: Unit | undefined;
  status: Service['status'] | undefined;
}

/** Each property's values; one without any prints no line at all. In the order in which systemctl prints them, whatever was asked. */
const PROPERTIES: Readonly<Record<string, (subject: Subject) => readonly (string | number)[]>> = {
  Type: ({ unit }) => [unit?.type ?? ''],
  MainPID: ({ status }) => [status?.mainPid ?? 0],
  Result: ({ status }) => [status?.result ?? 'success'],
  NRestarts: ({ status }) => [status?.restarts ?? 0],
  ExecMainStatus: ({ status }) => [status?.exit?.status ?? 0],
  ExecStart: ({ unit, status }) => (unit === undefined ? [] : [execStart(unit, status)]),
  // Units have it in files here.
  Environment: () => [''],
  EnvironmentFiles: ({ unit }) => (unit?.environmentFiles ?? []).map((path) => `${path} (ignore_errors=no)`),
  LoadState: ({ unit }) => [unit === undefined ? 'not-found' : 'loaded'],
  ActiveState: ({ status }) => [status?.activeState ?? 'inactive'],
  // Nothing freezes a unit here.
  FreezerState: () => ['running'],
  SubState: ({ status }) => [status?.subState ?? 'dead'],
};

/**
 * `NAME=value` lines as `systemctl show` prints them.
 * @throws Error for a property that is not known here; systemd would leave it out in silence
 */
function showProperties(names: readonly string[], service: Service | undefined): string {
  const unknown = names.filter((name) => !Object.hasOwn(PROPERTIES, name));
  if (unknown.length > 0) {
    throw new Error(
      `show: not supported: ${unknown.join(', ')}. The properties are ${Object.keys(PROPERTIES).join(', ')}`,
    );
  }
  const subject = { unit: service?.unit, status: service?.status };
  return Object.entries(PROPERTIES)
    .filter(([name]) => names.includes(name))
    .flatMap(([name, valuesOf]) => valuesOf(subject).map((value) => `${name}=${value}\n`))
    .join('');
}

function execStart({ execStart }: Unit, status: Subject['status']): string {
  const exit = status?.exit;
  const signal = exit?.code === 'killed' ? `/${exit.signal.slice('SIG'.length)}` : '';
  return [
    `{ path=${execStart[0]}`,
    `argv[]=${execStart.join(' ')}`,
    'ignore_errors=no',
    `start_time=[${timestamp(status?.startedAt)}]`,
    `stop_time=[${timestamp(exit?.at)}]`,
    `pid=${exit?.pid ?? status?.mainPid ?? 0}`,
    `code=${exit?.code ?? '(null)'}`,
    `status=${exit === undefined ? '0/0' : `${exit.status}${signal}`} }`,
  ].join(' ; ');
}

/** `Thu 2025-01-02 03:04:05 UTC` */
function timestamp(time: Date | undefined): string {
  if (time === undefined) return 'n/a';
  const [day, clock] = time.toISOString().slice(0, 19).split('T');
  return `${time.toUTCString().slice(0, 3)} ${day} ${clock} UTC`;
}

const USAGE = 'journalctl is supported as: journalctl -u UNIT -n LINES --no-pager -q -o cat';

/**
 * Does what a command line of journalctl asks for.
 * @throws Error for anything but the one way of asking that {@link USAGE} shows
 */
export function journalctl({ journal }: ServiceManager, args: readonly string[]): Answer {
  const { values } = parseArgs({
    args: [...args],
    options: {
      unit: { type: 'string', short: 'u', multiple: true },
      lines: { type: 'string', short: 'n' },
      'no-pager': { type: 'boolean' },
      quiet: { type: 'boolean', short: 'q' },
      output: { type: 'string', short: 'o' },
    },
  });
  const { unit: [unit = '', ...others] = [], lines = '' } = values;
  const isAsSupported = values['no-pager'] === true && values.quiet === true && values.output === 'cat';
  if (!isAsSupported || others.length > 0 || !/^\d{1,9}$/.test(lines)) throw new Error(USAGE);
  const newest = journal.tail(unitId(unit), Number(lines));
  return success(newest.map((line) => `${line}\n`).join(''));
}
