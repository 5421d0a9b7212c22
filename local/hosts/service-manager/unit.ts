import { readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parseTimeSpan } from './time-span.ts';
import { type Assignment, parseUnitFile } from './unit-file.ts';
import { checkVariables, expandSpecifiers, splitWords } from './words.ts';

/** The account that this process runs as; it can start services as no other. */
export interface Account {
  user: string;
  group: string;
}

const TYPES = ['simple', 'exec', 'notify'] as const;
const RESTARTS = ['no', 'on-failure', 'on-abnormal', 'always'] as const;

/** A service as its unit file and drop-ins describe it. Time spans are milliseconds and may be infinite. */
export interface Unit {
  id: string;
  fragmentPath: string;
  dropInPaths: string[];
  /**
   * A unit with an [Install] section counts as enabled. What is enabled stays loaded in systemd when it is inactive, and so do
   * units here: they are read again at daemon-reload only.
   */
  unitFileState: 'static' | 'enabled';
  description: string;
  type: (typeof TYPES)[number];
  execStart: string[];
  environment: Map<string, string>;
  environmentFiles: { path: string; optional: boolean }[];
  /** Empty where the unit does not say. */
  user: string;
  group: string;
  workingDirectory: string;
  restart: (typeof RESTARTS)[number];
  restartMs: number;
  timeoutStartMs: number;
  timeoutStopMs: number;
  startLimitIntervalMs: number;
  startLimitBurst: number;
}

/** @returns `etcd.service` for `etcd` too. @throws Error for a name that is no service's */
export function unitId(name: string): string {
  const id = /\.(service|socket|target|timer|mount|automount|path|slice|scope|swap|device)$/.test(name)
    ? name
    : `${name}.service`;
  if (!/^[A-Za-z0-9:_.@-]+\.service$/.test(id)) throw new Error(`"${name}" is not the name of a service`);
  return id;
}

/** `etcd.service - etcd key-value store` */
export function title({ id, description }: Unit): string {
  return description === id ? id : `${id} - ${description}`;
}

/**
 * Reads a unit file and its drop-ins.
 * @returns undefined where there is no such unit file
 * @throws Error for anything that this service manager does not do as systemd does
 */
export function loadUnit(unitDir: string, id: string, account: Account): Unit | undefined {
  const fragmentPath = join(unitDir, id);
  const files = readdirSync(unitDir, { withFileTypes: true });
  const fragment = files.find(({ name }) => name === id);
  if (fragment === undefined) return undefined;
  if (!fragment.isFile()) throw new Error(`${fragmentPath} is not a regular file: masks and aliases are not supported`);
  const dropInDir = files.find(({ name }) => name === `${id}.d`) && `${fragmentPath}.d`;
  const dropIns = dropInDir === undefined ? [] : readdirSync(dropInDir).filter((name) => name.endsWith('.conf'));
  const dropInPaths = dropIns.sort().map((name) => join(String(dropInDir), name));

  const unit: Unit = {
    id,
    fragmentPath,
    dropInPaths,
    unitFileState: 'static',
    description: id,
    type: 'simple',
    execStart: [],
    environment: new Map(),
    environmentFiles: [],
    user: '',
    group: '',
    workingDirectory: '/',
    restart: 'no',
    restartMs: 100,
    timeoutStartMs: 90_000,
    timeoutStopMs: 90_000,
    startLimitIntervalMs: 10_000,
    startLimitBurst: 5,
  };
  for (const file of [fragmentPath, ...dropInPaths]) {
    for (const assignment of parseUnitFile(readFileSync(file, 'utf8'), file)) apply(assignment, unit, account);
  }
  if (unit.execStart.length === 0) throw new Error(`${fragmentPath}: Service has no ExecStart= setting. Refusing.`);
  return unit;
}

function apply({ section, key, value: raw, place }: Assignment, unit: Unit, account: Account): void {
  if (section === 'Install') {
    unit.unitFileState = 'enabled';
    return;
  }
  const set = DIRECTIVES[`${section}.${key}`];
  if (set === undefined) throw new Error(`${place}: ${key}= in [${section}] is not supported by this service manager`);
  const value = SPLIT_BEFORE_EXPANSION.has(key) ? raw : expandSpecifiers(raw, place);
  set(unit, value, place, account);
}

type Setter = (unit: Unit, value: string, place: string, account: Account) => void;

const SPLIT_BEFORE_EXPANSION: ReadonlySet<string> = new Set(['ExecStart', 'Environment']);

const DIRECTIVES: Readonly<Record<string, Setter>> = {
  'Unit.Description': (unit, value) => {
    unit.description = value || unit.id;
  },
  // Nothing else runs on this host that a service could be ordered after.
  'Unit.After': () => undefined,
  'Unit.Wants': (_unit, value, place) => {
    if (/\.service\b/.test(value)) throw new Error(`${place}: starting another service along is not supported`);
  },
  'Unit.StartLimitIntervalSec': (unit, value, place) => {
    unit.startLimitIntervalMs = parseTimeSpan(value, place);
  },
  'Unit.StartLimitBurst': (unit, value, place) => {
    if (!/^\d{1,9}$/.test(value)) throw new Error(`${place}: "${value}" is not a number`);
    unit.startLimitBurst = Number(value);
  },
  'Service.Type': (unit, value, place) => {
    unit.type = oneOf(TYPES, value, place);
  },
  'Service.ExecStart': (unit, value, place) => {
    const command = parseCommand(value, place);
    if (command.length > 0 && unit.execStart.length > 0) {
      throw new Error(
        `${place}: Service has more than one ExecStart= setting, which is only allowed for Type=oneshot services. Refusing.`,
      );
    }
    unit.execStart = command;
  },
  'Service.Environment': (unit, value, place) => {
    if (value === '') unit.environment.clear();
    for (const word of splitWords(value, place)) {
      const [, name, text] = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(expandSpecifiers(word, place)) ?? [];
      if (name === undefined || text === undefined) throw new Error(`${place}: "${word}" is not NAME=VALUE`);
      unit.environment.set(name, text);
    }
  },
  'Service.EnvironmentFile': (unit, value, place) => {
    if (value === '') {
      unit.environmentFiles = [];
      return;
    }
    const path = value.replace(/^-/, '');
    if (!isAbsolute(path) || /[*?[]/.test(path))
      throw new Error(`${place}: "${path}" must be an absolute path, no glob`);
    unit.environmentFiles.push({ path, optional: value.startsWith('-') });
  },
  'Service.User': (unit, value, place, { user }) => {
    if (value !== '' && value !== user)
      throw new Error(`${place}: only ${user}, who this host belongs to, can be User=`);
    unit.user = value;
  },
  'Service.Group': (unit, value, place, { group }) => {
    if (value !== '' && value !== group) throw new Error(`${place}: only ${group}, this host's group, can be Group=`);
    unit.group = value;
  },
  'Service.WorkingDirectory': (unit, value, place) => {
    if (!isAbsolute(value)) throw new Error(`${place}: "${value}" must be an absolute path`);
    unit.workingDirectory = value;
  },
  'Service.Restart': (unit, value, place) => {
    unit.restart = oneOf(RESTARTS, value, place);
  },
  'Service.RestartSec': (unit, value, place) => {
    unit.restartMs = parseTimeSpan(value, place);
  },
  'Service.TimeoutStartSec': (unit, value, place) => {
    unit.timeoutStartMs = parseTimeout(value, place);
  },
  'Service.TimeoutStopSec': (unit, value, place) => {
    unit.timeoutStopMs = parseTimeout(value, place);
  },
  // A host of this kind shares this process's limits.
  'Service.LimitNOFILE': () => undefined,
};

/** Zero has always meant no limit here. */
function parseTimeout(value: string, place: string): number {
  return parseTimeSpan(value, place) || Number.POSITIVE_INFINITY;
}

function oneOf<Value extends string>(values: readonly Value[], value: string, place: string): Value {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`${place}: "${value}" is not supported; it must be ${values.join(', ')}`);
  return found;
}

/** @returns no words for an empty assignment, which takes back what was set before */
function parseCommand(value: string, place: string): string[] {
  const words = splitWords(value, place).map((word) => expandSpecifiers(word, place));
  const [path = '/', ...args] = words;
  if (!isAbsolute(path) || path.includes('$')) {
    throw new Error(`${place}: "${path}" must be the absolute path of a program, without prefixes and variables`);
  }
  if (args.includes(';')) throw new Error(`${place}: several commands in one ExecStart= are not supported`);
  for (const arg of args) checkVariables(arg, place);
  return words;
}
