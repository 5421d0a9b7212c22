import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { HostInspection } from '../../core/hosts/host-command-results.ts';
import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import type { HostAccess } from '../../local/hosts/access.ts';
import { owner } from './data-dir-host.ts';
import type { PreparedHost } from './prepared-host.ts';

/** A host for each refusal of the scripts that an inspection can know of. */

export type Incident = HostInspection['refusals'][number]['incident'];

interface Case {
  /** Which later commands refuse, and whose runbook that is. */
  command: HostCommandName | readonly HostCommandName[];
  incident?: Incident;
  /** Makes the host one that is refused; an object that it returns is what the layout has to say for that. */
  prepare: (host: PreparedHost) => unknown;
  /** As another account than root; through a mount point; or without a program. */
  access?: (host: PreparedHost) => HostAccess;
}

export const command = (argv: string) => `{ path=/usr/bin/etcd ; argv[]=${argv} ; ignore_errors=no ; pid=0 }`;

const asOwner = (host: PreparedHost): HostAccess => ({
  exec: ['setpriv', `--reuid=${owner.user}`, '--clear-groups', ...host.access.exec],
});

const mountedAt =
  (name: string) =>
  (host: PreparedHost): HostAccess => ({
    exec: [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount --bind '${host.path('volume')}' '${host.path(name)}' && exec ${host.access.exec.map((word) => `'${word}'`).join(' ')}`,
    ],
  });

/** Every program that this machine has, but these. */
const without =
  (...missing: string[]) =>
  (host: PreparedHost): HostAccess => {
    mkdirSync(host.path('few'));
    for (const folder of ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
      for (const name of readdirSync(folder)) {
        if (!missing.includes(name) && !host.has(`few/${name}`))
          symlinkSync(`${folder}/${name}`, host.path(`few/${name}`));
      }
    }
    return { exec: ['env', `PATH=${host.path('bin')}${delimiter}${host.path('few')}`, 'bash'] };
  };

/** What lsattr tells of a path that chattr has marked: here no file system is sure to know marks. */
const marked = (name: string) => (host: PreparedHost) => {
  host.write(
    'bin/lsattr',
    `#!/bin/sh\nfor path; do [ "$path" = '${host.path(name)}' ] && echo "----i---------e------- $path"; done; exit 0\n`,
  );
  chmodSync(host.path('bin/lsattr'), 0o755);
};

const unit = (LoadState: string) => (host: PreparedHost) => host.setProperties({ LoadState });
const data = 'archive-data-dir';
const moves = [data, 'swap-data-dir'] as const;
const file = 'join-cluster';

export const CASES: Record<string, Case> = {
  'unit-missing': { command: ['control-service', 'join-cluster'], prepare: unit('not-found') },
  'unit-masked': { command: 'control-service', prepare: unit('masked') },
  'unit-not-loaded': { command: 'control-service', prepare: unit('error') },
  'link-loop': {
    command: data,
    prepare: (host) => {
      rmSync(host.path('data'), { recursive: true });
      symlinkSync('data', host.path('data'));
    },
  },
  'data-dir-nowhere': { command: data, prepare: (host) => ({ dataDir: host.path('no/where') }) },
  'data-dir-no-folder': {
    command: data,
    prepare: (host) => {
      rmSync(host.path('data'), { recursive: true });
      host.write('data', '');
    },
  },
  'data-dir-unreadable': {
    command: data,
    prepare: (host) => execFileSync('chown', ['root', host.path('data')], { encoding: 'utf8' }),
    access: asOwner,
  },
  'data-dir-closed': {
    command: data,
    prepare: (host) => {
      execFileSync('chown', ['root', host.path('data')]);
      chmodSync(host.path('data'), 0o755);
    },
    access: asOwner,
  },
  'data-dir-of-proxy': { command: data, prepare: (host) => mkdirSync(host.path('data/proxy')) },
  'member-no-folder': {
    command: data,
    prepare: (host) => {
      rmSync(host.path('data/member'), { recursive: true });
      host.write('data/member', '');
    },
  },
  immutable: { command: data, prepare: marked('data/member') },
  'member-mounted': {
    command: data,
    prepare: (host) => mkdirSync(host.path('volume')),
    access: mountedAt('data/member'),
  },
  'mounted-inside': {
    command: moves,
    prepare: (host) => {
      mkdirSync(host.path('volume'));
      mkdirSync(host.path('data/member/wal'));
    },
    access: mountedAt('data/member/wal'),
  },
  'link-inside': {
    command: moves,
    prepare: (host) => symlinkSync(host.path('wal'), host.path('data/member/wal')),
  },
  'database-in-use': { command: data, prepare: () => undefined },
  'user-missing': { command: data, prepare: () => ({ user: 'nobody-has-this-name' }) },
  'group-missing': { command: data, prepare: () => ({ group: 'nobody-has-this-group' }) },
  'not-root': { command: data, prepare: () => ({ user: 'root', group: 'root' }), access: asOwner },
  'wal-dir-nowhere': { command: data, prepare: (host) => ({ walDir: host.path('no/where') }) },
  'wal-dir-no-folder': {
    command: data,
    prepare: (host) => {
      host.write('wal-file', '');
      return { walDir: host.path('wal-file') };
    },
  },
  'wal-dir-unreadable': {
    command: data,
    prepare: (host) => {
      chmodSync(host.path('wal'), 0o700);
      return { walDir: host.path('wal') };
    },
    access: asOwner,
  },
  'wal-dir-closed': {
    command: data,
    prepare: (host) => {
      chmodSync(host.path('wal'), 0o755);
      return { walDir: host.path('wal') };
    },
    access: asOwner,
  },
  'wal-dir-holds-data-dir': { command: data, prepare: (host) => ({ walDir: host.path('.') }) },
  'wal-dir-leaves-member': {
    command: data,
    prepare: (host) => {
      symlinkSync(host.path('wal'), host.path('data/member/wal'));
      return { walDir: host.path('data/member/wal') };
    },
  },
  'wal-dir-mounted': {
    command: data,
    prepare: (host) => {
      mkdirSync(host.path('volume'));
      return { walDir: host.path('wal') };
    },
    access: mountedAt('wal'),
  },
  'wal-dir-foreign': {
    command: data,
    prepare: (host) => {
      host.write('wal/notes.txt', '');
      return { walDir: host.path('wal') };
    },
  },
  'wal-dir-link': {
    command: data,
    incident: 'member-failed',
    prepare: (host) => {
      symlinkSync('wal', host.path('wal-link'));
      return { walDir: host.path('wal-link') };
    },
  },
  'wal-dir-parent-closed': {
    command: data,
    incident: 'member-failed',
    prepare: (host) => {
      chmodSync(host.path('.'), 0o755);
      return { walDir: host.path('wal') };
    },
  },
  'config-file-unread': {
    command: file,
    prepare: (host) => host.setProperties({ ExecStart: command('/usr/bin/etcd') }),
  },
  'config-file-relative': {
    command: file,
    prepare: (host) => host.setProperties({ ExecStart: command('/usr/bin/etcd --config-file etcd.yaml') }),
  },
  'config-file-other': { command: file, prepare: (host) => ({ configFile: host.path('etcd.yml') }) },
  'config-file-unreadable': { command: file, prepare: (host) => rmSync(host.path('etcd.yaml')) },
  'config-overridden': {
    command: file,
    prepare: (host) => host.write('etcd.yaml', 'name: m-1\nforce-new-cluster: true\n'),
  },
  'config-not-editable': {
    command: file,
    prepare: (host) => host.write('etcd.yaml', 'initial-cluster: a\ninitial-cluster: b\n'),
  },
  'config-folder-closed': {
    command: file,
    prepare: (host) => chmodSync(host.path('.'), 0o755),
    access: asOwner,
  },
  'config-file-mounted': {
    command: file,
    prepare: (host) => host.write('volume', 'name: m-1\n'),
    access: mountedAt('etcd.yaml'),
  },
  'config-owner': { command: file, prepare: () => undefined, access: asOwner },
  'etcdutl-missing': { command: 'restore-snapshot', incident: 'quorum-lost', prepare: () => ({ binDir: '/nowhere' }) },
  'etcdutl-needed': {
    command: 'restore-snapshot',
    incident: 'quorum-lost',
    prepare: (host) => {
      mkdirSync(host.path('programs'));
      host.write('programs/etcdctl', '#!/bin/sh\necho snapshot save\n');
      chmodSync(host.path('programs/etcdctl'), 0o755);
      return { binDir: host.path('programs') };
    },
  },
  'etcdutl-broken': {
    command: 'restore-snapshot',
    incident: 'quorum-lost',
    prepare: (host) => host.program('etcdutl', 'exit 1'),
  },
  'tool-missing': { command: 'revert-data-dir', prepare: () => undefined, access: without('find') },
  'tool-broken': { command: 'revert-data-dir', prepare: (host) => host.program('find', 'exit 1') },
  'gzip-missing': {
    command: 'restore-snapshot',
    incident: 'quorum-lost',
    prepare: () => undefined,
    access: without('gzip'),
  },
  'sha256sum-missing': {
    command: 'restore-snapshot',
    incident: 'quorum-lost',
    prepare: () => undefined,
    access: without('openssl', 'sha256sum', 'shasum'),
  },
  'curl-missing': {
    command: 'send-snapshot',
    incident: 'quorum-lost',
    prepare: () => undefined,
    access: without('curl'),
  },
  'scratch-impossible': {
    command: 'restore-snapshot',
    incident: 'quorum-lost',
    prepare: (host) => {
      rmSync(host.path('data'), { recursive: true });
      chmodSync(host.path('.'), 0o755);
    },
    access: asOwner,
  },
};
