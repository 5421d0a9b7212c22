import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { HostAccess } from '../../local/hosts/access.ts';

/** What systemd says of a unit. An array is a property of several lines. */
export type Properties = Readonly<Record<string, string | readonly string[]>>;

/**
 * A folder as a host, whose systemctl and journalctl say what a test has prepared: for units that a service manager would have to be
 * broken, or of another age, to show. It knows the questions only; nothing starts or stops.
 */
export class PreparedHost implements Disposable {
  readonly access: HostAccess;
  readonly #folder: string;

  constructor(properties: Properties = {}) {
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'etcd-remediation-documents-')));
    // Other accounts work in it.
    chmodSync(this.#folder, 0o755);
    mkdirSync(this.path('bin'));
    this.program('systemctl', SYSTEMCTL(this.path('properties')));
    this.program('journalctl', `cat '${this.path('log')}'`);
    this.setLog('');
    this.setProperties(properties);
    this.access = { exec: ['env', `PATH=${this.path('bin')}${delimiter}${process.env.PATH}`, 'bash'] };
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Stopped and loaded, but for the properties that are given. */
  setProperties(properties: Properties): void {
    const all: Properties = {
      LoadState: 'loaded',
      ActiveState: 'inactive',
      SubState: 'dead',
      MainPID: '0',
      ...properties,
    };
    const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((text) => `${name}=${text}\n`));
    writeFileSync(this.path('properties'), lines.join(''));
  }

  setLog(log: string | Buffer): void {
    writeFileSync(this.path('log'), log);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** A data dir of etcd, whose database holds `mark`. */
  makeDataDir(name: string, mark: string): string {
    mkdirSync(this.path(`${name}/member/snap`), { recursive: true, mode: 0o700 });
    this.write(`${name}/member/snap/db`, mark);
    return this.path(name);
  }

  /**
   * From now on every change of the file system counts, and the `count`th one is where the script is killed, before it happens.
   * Nothing is killed for `undefined`.
   * @param others programs that count as well
   */
  killBeforeChange(count: number | undefined, others: readonly string[] = []): void {
    for (const program of ['mv', 'mkdir', 'rmdir', 'chown', 'chmod', 'ln', 'cp', ...others]) {
      rmSync(this.path(`bin/${program}`), { force: true });
      if (count !== undefined) this.program(program, KILLING(this.path('changes'), count, realProgram(program)));
    }
    rmSync(this.path('changes'), { force: true });
  }

  program(name: string, script: string): void {
    writeFileSync(this.path(`bin/${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** @returns puts everything back as it is now, under the same paths */
  keep(): () => void {
    const kept = `${this.#folder}.kept`;
    execFileSync('cp', ['-a', this.#folder, kept]);
    return () => {
      execFileSync('find', [this.#folder, '-mindepth', '1', '-delete']);
      execFileSync('cp', ['-a', `${kept}/.`, this.#folder]);
    };
  }

  [Symbol.dispose](): void {
    for (const folder of [this.#folder, `${this.#folder}.kept`]) rmSync(folder, { recursive: true, force: true });
  }
}

/** As systemctl does, it leaves out what it does not know. */
const SYSTEMCTL = (properties: string) => `[ "$1" = show ] || exit 1
shift
while [ "$1" = -p ]; do
  grep "^$2=" '${properties}'
  # Before systemd 230 this one had another name in the answer.
  if [ "$2" = EnvironmentFiles ]; then grep '^EnvironmentFile=' '${properties}'; fi
  shift 2
done
exit 0`;

/** The script and its children are a process group of their own. */
const KILLING = (counter: string, count: number, program: string) => `echo x >> '${counter}'
if [ "$(wc -l < '${counter}')" -eq ${count} ]; then kill -KILL 0; fi
exec ${program} "$@"`;

function realProgram(name: string): string {
  return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
}

/** The account that owns data in tests: another one than root where that is possible. */
export function dataOwner(): { user: string; group: string } {
  const ask = (...args: string[]) => execFileSync('id', args, { encoding: 'utf8' }).trim();
  if (process.getuid?.() === 0) return { user: 'nobody', group: ask('-gn', 'nobody') };
  return { user: ask('-un'), group: ask('-gn') };
}
