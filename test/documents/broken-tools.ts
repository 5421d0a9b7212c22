import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import { readScript } from '../../lib/command-documents.ts';
import { withoutUnused } from '../../lib/used-functions.ts';
import type { HostAccess } from '../../local/hosts/access.ts';
import { copyParameters, keepDatabase } from './copied-database.ts';
import { parametersFor as dataDirParameters, hostWithData, owner } from './data-dir-host.ts';
import { LOG_FILE, SEEN, writeLog } from './held-data.ts';
import type { PreparedHost } from './prepared-host.ts';
import {
  CONFIG_FILE,
  controlUnit,
  discardParameters,
  keepSnapshot,
  restoreParameters,
  sha256,
  startParameters,
  swapParameters,
} from './recovery-host.ts';
import { succeed } from './script.ts';

const FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** A host on which one of the programs that scripts call is not as it should be, for every command. */

/** Whatever of a Linux host the scripts may call. */
const TOOLS =
  'awk cat chgrp chmod chown cmp cp curl cut date dd df du env find flock getent grep gzip head id journalctl ln ls lsattr ' +
  'mkdir mkfifo mktemp mv od readlink rm rmdir runuser sed setpriv sha256sum sleep sort sync systemctl tail tee tr unshare wc';
const ALL_TOOLS = TOOLS.split(' ');

/** Without these a script does as well as it can, and says so where it matters. */
export const OPTIONAL: Readonly<Record<string, string>> = {
  getent: 'without it a group is not asked for; chown says that it is missing',
  lsattr: 'where there are no marks, nothing is marked; mv says that a path is',
  runuser: 'setpriv does the same',
  setpriv: 'runuser does the same',
  cmp: 'sha256sum does the same',
  journalctl: 'the log says why, and decides nothing; that it is missing is said in its place',
  unshare: 'only a log that is replayed needs it; why that has failed is told with what was salvaged',
};

/** How a tool is broken. `later`: it does the small task that each script gives it at first, and fails in its use. */
const WAYS = ['missing', 'fails', 'says nothing', 'fails later'] as const;

/** Of these nobody expects a word where all is well. */
const MUTE = 'chgrp chmod chown cp flock ln mkdir mkfifo mv rm rmdir sleep sync'.split(' ');

/** How a tool of a command may be broken. */
export function waysOf(command: HostCommandName, tool: string): Broken[] {
  // What cannot be removed there is told of when the recovery is forgotten.
  if (command === 'start-restored' && tool === 'rm') return [{ command, tool, way: 'missing' }];
  return WAYS.filter((way) => way !== 'says nothing' || !MUTE.includes(tool)).map((way) => ({ command, tool, way }));
}

export interface Broken {
  command: HostCommandName;
  tool: string;
  way: (typeof WAYS)[number];
}

/** As a host gets it: without the functions of its parts that it does not call. */
const scriptOf = (command: HostCommandName) => withoutUnused(readScript(command));

/** The tools that a command's script calls, wherever a command may stand: behind a word of the shell, an operator, or an assignment. */
export function toolsIn(command: HostCommandName): string[] {
  const before = String.raw`(?:^|[|;&(){!]|\$\(|\b(?:if|then|do|else|while|until|exec|command)\b)\s*(?:\w+=\S*\s+)*`;
  const script = scriptOf(command).replace(/^try_tool\(\) \{.*?^\}/ms, '');
  return ALL_TOOLS.filter((tool) => new RegExp(`${before}${tool} `, 'm').test(script));
}

/** The tools that a command's script asks for at its head, or where it knows that it needs them. */
export function needsOf(command: HostCommandName): string[] {
  return [...scriptOf(command).matchAll(/\bneed ([a-z0-9 ]+)/g)]
    .flatMap(([, tools = '']) => tools.split(' '))
    .filter((tool) => ALL_TOOLS.includes(tool));
}

/** Those that it asks for before anything else, whatever it is to do. */
export function firstNeedsOf(command: HostCommandName): string[] {
  return [...readScript(command).matchAll(/^need ([a-z0-9 ]+)$/gm)].flatMap(([, tools = '']) => tools.split(' '));
}

/** etcd's own program, as far as it is asked here. */
const etcdutlOn = (host: PreparedHost) => `case $2 in
  status) if [ -s "$3" ]; then echo '{"hash":1,"revision":21,"totalKey":20,"totalSize":1}'; else echo 'no database' >&2; exit 1; fi ;;
  restore) mkdir -p "$5/member/snap" "$5/member/wal"; echo restored > "$5/member/snap/db"; cp '${host.path(`restored/${LOG_FILE}`)}' "$5/member/wal" ;;
  *) echo snapshot restore ;;
esac`;

export const SNAPSHOT = gzipSync('a snapshot');
const etcdutl = (host: PreparedHost) => ({ binDir: host.path('bin'), revision: '21' });
const swap = (host: PreparedHost) => swapParameters(host, { ...etcdutl(host) } as never);

interface Scene {
  /** Brings the host to where the command has its work to do. */
  prepare?: (host: PreparedHost) => unknown;
  parameters: (host: PreparedHost, url: string) => Record<string, string>;
}

/** An etcd that says it serves, and what curl is told at its sockets. */
function standInForRestored(host: PreparedHost): void {
  host.program(
    'etcd',
    `[ "$1" = --version ] || { echo '"msg":"ready to serve client requests"' >&2; exec /bin/sleep 100; }`,
  );
  host.program(
    'curl',
    `case "$*" in
  *client:0*metrics) echo 'etcd_debugging_mvcc_current_revision 21'; echo 'etcd_debugging_mvcc_keys_total 20' ;;
  *:0*) echo '{"header":{},"count":"20","hash":7,"compact_revision":1}' ;;
  *) PATH=${FOLDERS.join(':')} exec curl "$@" ;;
esac`,
  );
}

const restored = (host: PreparedHost) =>
  succeed(
    host.access,
    'restore-snapshot',
    restoreParameters(host, etcdutl(host), keepSnapshot(host, Buffer.from('x'))),
  );
const swapped = async (host: PreparedHost) => {
  await restored(host);
  await succeed(host.access, 'swap-data-dir', swap(host));
};

export const SCENES: Readonly<Record<HostCommandName, Scene>> = {
  'inspect-host': {
    parameters: (host, url) => ({
      ...{ unit: 'etcd', dataDir: host.path('data'), walDir: '', configFile: host.path(CONFIG_FILE) },
      ...{ binDir: host.path('bin'), ...owner, url },
    }),
  },
  'control-service': {
    parameters: (host) => ({ unit: 'etcd', action: 'restart', dataDir: host.path('data'), walDir: '', ...SEEN }),
  },
  'archive-data-dir': { parameters: (host) => dataDirParameters(host) },
  'revert-data-dir': { prepare: swapped, parameters: (host) => dataDirParameters(host) },
  'join-cluster': {
    parameters: (host) => ({
      ...{
        unit: 'etcd',
        configFile: host.path(CONFIG_FILE),
        dataDir: host.path('new'),
        walDir: '',
        execution: 'run-1',
      },
      initialCluster: 'm-1=http://127.0.0.1:21380',
    }),
  },
  'snapshot-data-dir': {
    parameters: (host) => ({
      ...{ unit: 'etcd', dataDir: host.path('data'), walDir: '', binDir: host.path('bin'), ...owner },
      ...{ keep: 'yes', compressor: 'gzip', execution: 'run-1' },
    }),
  },
  'fetch-backup': {
    parameters: (host, url) => ({
      ...{
        dataDir: host.path('data'),
        binDir: host.path('bin'),
        keep: 'yes',
        compressor: 'gzip',
        execution: 'run-1',
        sha256: '',
        url,
      },
    }),
  },
  'rehearse-restore': {
    prepare: standInForRestored,
    parameters: (host, url) => ({
      ...{ dataDir: host.path('data'), binDir: host.path('bin'), ...owner, revision: '21', url },
      ...{ sha256: sha256(SNAPSHOT), compressedBytes: String(SNAPSHOT.length), sizeBytes: '10' },
      ...{ roomBytes: '1000', memoryBytes: '1000' },
    }),
  },
  'copy-database': {
    prepare: (host) => keepDatabase(host),
    parameters: (host) => copyParameters(host),
  },
  'send-snapshot': {
    prepare: (host) => keepSnapshot(host, Buffer.from('a snapshot')),
    parameters: (host, url) => ({
      ...{ dataDir: host.path('data'), execution: 'run-1', source: 'data', offsetBytes: '0', lengthBytes: '9', url },
    }),
  },
  'restore-snapshot': {
    parameters: (host, url) => restoreParameters(host, etcdutl(host), SNAPSHOT, { url }),
  },
  'swap-data-dir': { prepare: restored, parameters: swap },
  'start-restored': { prepare: swapped, parameters: (host) => startParameters(host) },
  'mark-recovery': { prepare: restored, parameters: (host) => discardParameters(host) },
  'find-command': { parameters: () => ({ commandId: 'a-command' }) },
};

/** A stopped member with data, whose etcd is a stand-in. What stands in for the host's own programs works whatever is broken. */
export async function hostFor(command: HostCommandName): Promise<PreparedHost> {
  const host = hostWithData();
  writeLog(host.path('data/member/wal'));
  writeLog(host.path('restored'));
  host.program('etcdutl', etcdutlOn(host));
  controlUnit(host);
  // The pauses between tries are not what is tested.
  host.program('sleep', 'exec sleep 0.02');
  for (const name of ['systemctl', 'journalctl', 'etcdutl', 'sleep']) {
    renameSync(host.path(`bin/${name}`), host.path(`own-${name}`));
    host.program(name, `PATH=${FOLDERS.join(':')} exec '${host.path(`own-${name}`)}' "$@"`);
  }
  await SCENES[command].prepare?.(host);
  return host;
}

/** Whether the broken tool was called, and has failed. */
export const hasFailed = (host: PreparedHost) => host.has('failed');

/** As it was before {@link breakTool}. */
export function mendTool(host: PreparedHost, { tool }: Pick<Broken, 'tool'>): void {
  renameSync(host.path(`real-${tool}`), host.path(`bin/${tool}`));
}

/** A shell on the host that finds the tools that scripts call, and no others. */
export function breakTool(host: PreparedHost, { tool, way }: Pick<Broken, 'tool' | 'way'>): HostAccess {
  mkdirSync(host.path('few'));
  for (const name of [...ALL_TOOLS, 'bash', 'sh', 'true', 'timeout']) {
    const folder = FOLDERS.find((each) => existsSync(`${each}/${name}`));
    if (folder) symlinkSync(`${folder}/${name}`, host.path(`few/${name}`));
  }
  const isOwn = host.has(`bin/${tool}`);
  const real = host.path(`real-${tool}`);
  renameSync(host.path(`${isOwn ? 'bin' : 'few'}/${tool}`), real);
  if (isOwn) rmSync(host.path(`few/${tool}`), { force: true });
  const [begun, failed] = [host.path('begun'), host.path('failed')];
  const scripts = {
    fails: `: > '${failed}'; exit 1`,
    'says nothing': `: > '${failed}'; exit 0`,
    'fails later': `if [ -e '${begun}' ]; then : > '${failed}'; exit 1; fi; : > '${begun}'; exec '${real}' "$@"`,
  };
  if (way !== 'missing') host.program(tool, scripts[way]);
  return { exec: ['env', `PATH=${host.path('bin')}${delimiter}${host.path('few')}`, host.path('few/bash')] };
}
