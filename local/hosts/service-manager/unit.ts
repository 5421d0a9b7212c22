import { readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** The account that this process runs as; it can start services as no other. */
export interface Account {
  user: string;
  group: string;
}

const TYPES = ['simple', 'notify'] as const;
const RESTARTS = ['no', 'on-failure', 'always'] as const;

/** A service as its unit file and drop-ins describe it. Time spans are milliseconds and may be infinite. */
export interface Unit {
  id: string;
  description: string;
  type: (typeof TYPES)[number];
  execStart: string[];
  environmentFiles: string[];
  /** Empty where the unit does not say. */
  user: string;
  restart: (typeof RESTARTS)[number];
  restartMs: number;
  timeoutStartMs: number;
  timeoutStopMs: number;
  /** The first start begins an interval, and within it there may be so many. */
  startLimit: { intervalMs: number; burst: number };
}

/** @returns `etcd.service` for `etcd` too. @throws Error for a name that is no service's */
export function unitId(name: string): string {
  const id = /\.(service|socket|target|timer|mount|path|slice|scope|device)$/.test(name) ? name : `${name}.service`;
  if (!/^[A-Za-z0-9:_.@-]+\.service$/.test(id)) throw new Error(`"${name}" is not the name of a service`);
  return id;
}

/** `etcd.service - etcd key-value store` */
export function title({ id, description }: Unit): string {
  return description === id ? id : `${id} - ${description}`;
}

/**
 * Reads a unit file and its drop-ins: of systemd's language what the units of hosts, drills and tests are written in.
 * @returns undefined where there is no such unit file
 * @throws Error for anything else: systemd would do with it what this service manager does not
 */
export function loadUnit(unitDir: string, id: string, { user }: Account): Unit | undefined {
  const names = readdirSync(unitDir);
  if (!names.includes(id)) return undefined;
  const file = join(unitDir, id);
  const dropIns = names.includes(`${id}.d`) ? readdirSync(`${file}.d`).filter((name) => name.endsWith('.conf')) : [];
  const unit: Unit = {
    id,
    description: id,
    type: 'simple',
    execStart: [],
    environmentFiles: [],
    user: '',
    restart: 'no',
    restartMs: 100,
    timeoutStartMs: 90_000,
    timeoutStopMs: 90_000,
    startLimit: { intervalMs: 10_000, burst: 5 },
  };
  for (const path of [file, ...dropIns.sort().map((name) => join(`${file}.d`, name))]) {
    for (const { name, value, place } of assignmentsIn(readFileSync(path, 'utf8'), path)) {
      const set = DIRECTIVES[name];
      if (set === undefined) throw new Error(`${place}: ${name}= is not supported by this service manager`);
      set(unit, value, place);
    }
  }
  if (unit.execStart.length === 0) throw new Error(`${file}: Service has no ExecStart= setting. Refusing.`);
  if (unit.user !== '' && unit.user !== user)
    throw new Error(`${file}: only ${user}, whose host this is, can be User=`);
  return unit;
}

/** By their sections: `Service.ExecStart`. `place` is `/etc/systemd/system/etcd.service:12`, for messages. */
function* assignmentsIn(text: string, file: string): Generator<{ name: string; value: string; place: string }> {
  let section = '';
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const place = `${file}:${index + 1}`;
    if (line === '' || /^[#;]/.test(line)) continue;
    const header = /^\[([^[\]]+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+)\s*=\s*(.*?)(?<!\\)$/.exec(line) ?? [];
    if (header !== undefined) section = header;
    else if (key === undefined || value === undefined || section === '') {
      throw new Error(`${place}: "${line}" is no assignment KEY=VALUE on one line, after a [Section]`);
    } else yield { name: `${section}.${key}`, value, place };
  }
}

const DIRECTIVES: Readonly<Record<string, (unit: Unit, value: string, place: string) => void>> = {
  'Unit.Description': (unit, value) => {
    unit.description = value || unit.id;
  },
  'Unit.StartLimitIntervalSec': (unit, value, place) => {
    unit.startLimit.intervalMs = parseTimeSpan(value, place);
  },
  'Unit.StartLimitBurst': (unit, value, place) => {
    if (!/^\d{1,9}$/.test(value)) throw new Error(`${place}: "${value}" is not a number`);
    unit.startLimit.burst = Number(value);
  },
  'Service.Type': (unit, value, place) => {
    unit.type = oneOf(TYPES, value, place);
  },
  'Service.ExecStart': (unit, value, place) => {
    if (value !== '' && unit.execStart.length > 0) {
      throw new Error(`${place}: Service has more than one ExecStart= setting, which is for Type=oneshot. Refusing.`);
    }
    unit.execStart = parseCommand(value, place);
  },
  'Service.EnvironmentFile': (unit, value, place) => {
    if (!isAbsolute(value)) throw new Error(`${place}: "${value}" must be an absolute path`);
    unit.environmentFiles.push(value);
  },
  'Service.User': (unit, value) => {
    unit.user = value;
  },
  'Service.Restart': (unit, value, place) => {
    unit.restart = oneOf(RESTARTS, value, place);
  },
  'Service.RestartSec': (unit, value, place) => {
    unit.restartMs = parseTimeSpan(value, place);
  },
  // Zero has always meant no limit here.
  'Service.TimeoutStartSec': (unit, value, place) => {
    unit.timeoutStartMs = parseTimeSpan(value, place) || Number.POSITIVE_INFINITY;
  },
  'Service.TimeoutStopSec': (unit, value, place) => {
    unit.timeoutStopMs = parseTimeSpan(value, place) || Number.POSITIVE_INFINITY;
  },
  // A host of this kind shares this process's limits.
  'Service.LimitNOFILE': () => undefined,
};

function oneOf<Value extends string>(values: readonly Value[], value: string, place: string): Value {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`${place}: "${value}" is not supported; it must be ${values.join(', ')}`);
  return found;
}

const MS_PER_UNIT = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 } as const;

function parseTimeSpan(text: string, place: string): number {
  const [, amount, unit = 's'] = /^(\d+)(ms|s|min|h)?$/.exec(text) ?? [];
  if (amount === undefined) throw new Error(`${place}: "${text}" is not a time span such as "90", "100ms" or "1h"`);
  return Number(amount) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT];
}

const WORD = /(?:"[^"\\]*"|'[^'\\]*'|[^\s"'\\])+/g;

/** @returns no words for an empty assignment, which takes back what was set before */
function parseCommand(value: string, place: string): string[] {
  const words = (value.match(WORD) ?? []).map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  if (value.replace(WORD, '').trim() !== '') {
    throw new Error(`${place}: a quote is not closed, or there is a backslash, which is not supported here`);
  }
  if (!isAbsolute(words[0] ?? '/')) throw new Error(`${place}: "${words[0]}" must be the absolute path of a program`);
  return words.map((word) => {
    if (word === ';') throw new Error(`${place}: several commands in one ExecStart= are not supported`);
    // systemd would put a variable or a specifier in its place.
    if (/%|\$\{|^\$[A-Za-z_]/.test(word.replaceAll('$$', ''))) {
      throw new Error(`${place}: variables and specifiers are not supported here: write out "${word}"`);
    }
    return word.replaceAll('$$', '$');
  });
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const IGNORED = /[ \t]*(?:[#;][^\n]*)?(?:\n|$)/y;
/** A value is quoted pieces and then plain text, in which quotes stand for themselves. Quotes may be closed some lines later. */
const ASSIGNMENT =
  /[ \t]*([^\n=]*)=[ \t]*((?:(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*")[ \t]*)*)((?!['"])(?:\\[\s\S]|[^\n\\])*)(?:\n|$)/y;

/**
 * Reads a file of `NAME=VALUE` lines as systemd does, which is not quite as a shell does: nothing is expanded, and an escaped
 * line end joins two lines. Scripts write such files, and this is what holds them to it.
 * @throws Error for a line that systemd would ignore with a warning in its log
 */
export function parseEnvironmentFile(text: string, file: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (let index = 0; index < text.length; ) {
    IGNORED.lastIndex = index;
    ASSIGNMENT.lastIndex = index;
    if (IGNORED.test(text)) {
      index = IGNORED.lastIndex;
      continue;
    }
    const [, name = '', quoted = '', plain = ''] = ASSIGNMENT.exec(text) ?? [];
    if (!NAME.test(name.trimEnd())) {
      const line = text.slice(0, index).split('\n').length;
      const seen = text.slice(index).split('\n', 1)[0];
      throw new Error(`${file}:${line}: "${seen}" is not an assignment NAME=VALUE with closed quotes`);
    }
    variables.set(name.trimEnd(), unquote(quoted) + unescapePlain(plain));
    index = ASSIGNMENT.lastIndex;
  }
  return variables;
}

function unquote(quoted: string): string {
  const pieces = quoted.matchAll(/'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"/g);
  return [...pieces].map(([, single, double = '']) => single ?? unescapeInQuotes(double)).join('');
}

/** In double quotes a backslash stands for itself, except before what a shell would read. */
function unescapeInQuotes(text: string): string {
  return text.replace(/\\([\s\S])/g, (sequence, char: string) => {
    if (char === '\n') return '';
    return '"\\`$'.includes(char) ? char : sequence;
  });
}

/** Spaces at the end go, unless they are escaped. */
function unescapePlain(plain: string): string {
  const [kept = ''] = /^(?:\\[\s\S]|[^\\\s]|\s+(?!\s|$))*/.exec(plain) ?? [];
  return kept.replace(/\\([\s\S])/g, (_sequence, char: string) => (char === '\n' ? '' : char));
}
