import type { Service } from './service.ts';
import type { Unit } from './unit.ts';

interface Subject {
  id: string;
  unit: Unit | undefined;
  status: Service['status'] | undefined;
}

/** wait(2)'s CLD_EXITED and CLD_KILLED. */
const EXIT_CODES = { exited: 1, killed: 2 } as const;

/** Each property's values; one without any prints no line at all. In the order in which systemctl prints them, whatever was asked. */
const PROPERTIES: Readonly<Record<string, (subject: Subject) => readonly (string | number)[]>> = {
  Type: ({ unit }) => [unit?.type ?? ''],
  MainPID: ({ status }) => [status?.mainPid ?? 0],
  Result: ({ status }) => [status?.result ?? 'success'],
  NRestarts: ({ status }) => [status?.restarts ?? 0],
  ExecMainCode: ({ status }) => [status?.exit ? EXIT_CODES[status.exit.code] : 0],
  ExecMainStatus: ({ status }) => [status?.exit?.status ?? 0],
  ExecStart: ({ unit, status }) => (unit === undefined ? [] : [execStart(unit, status)]),
  Environment: ({ unit }) => [
    [...(unit?.environment ?? [])].map(([name, value]) => quote(`${name}=${value}`)).join(' '),
  ],
  EnvironmentFiles: ({ unit }) =>
    (unit?.environmentFiles ?? []).map(({ path, optional }) => `${path} (ignore_errors=${optional ? 'yes' : 'no'})`),
  User: ({ unit }) => [unit?.user ?? ''],
  Group: ({ unit }) => [unit?.group ?? ''],
  Id: ({ id }) => [id],
  LoadState: ({ unit }) => [unit === undefined ? 'not-found' : 'loaded'],
  ActiveState: ({ status }) => [status?.activeState ?? 'inactive'],
  // Nothing freezes a unit here.
  FreezerState: () => ['running'],
  SubState: ({ status }) => [status?.subState ?? 'dead'],
  FragmentPath: ({ unit }) => [unit?.fragmentPath ?? ''],
  UnitFileState: ({ unit }) => [unit?.unitFileState ?? ''],
};

/**
 * `NAME=value` lines as `systemctl show` prints them.
 * @throws Error for a property that is not known here; systemd would leave it out in silence
 */
export function showProperties(names: readonly string[], id: string, service: Service | undefined): string {
  const unknown = names.filter((name) => !Object.hasOwn(PROPERTIES, name));
  if (unknown.length > 0) {
    throw new Error(
      `show: not supported: ${unknown.join(', ')}. The properties are ${Object.keys(PROPERTIES).join(', ')}`,
    );
  }
  const subject = { id, unit: service?.unit, status: service?.status };
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

/** In double quotes where a shell would not read it as one word. */
function quote(text: string): string {
  return /[\s"\\`$*?['()<>|&;!]/.test(text) ? `"${text.replace(/["\\`$]/g, '\\$&')}"` : text;
}
