import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../core/hosts/host-command-results.ts';
import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import { memberParametersSchema } from '../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../core/member-replacement/replacement-plan.ts';
import { parse } from '../../core/text/parse.ts';
import type { HostAccess } from '../../local/hosts/access.ts';
import {
  clusterOf,
  configured,
  failureOf,
  inspection,
  listed,
  observation,
  silent,
  voter,
} from '../core/observations.ts';
import { plan as planRecovery, STATES } from '../core/quorum-recovery/recoveries.ts';
import { hostWithData, isLinuxRoot, owner } from './data-dir-host.ts';
import type { PreparedHost } from './prepared-host.ts';
import { keepSnapshot, SCRATCH } from './recovery-host.ts';
import { ARISES_LATER, JUDGED_IN_CORE, refusalsInScripts, unnamedRefusals } from './refusals.ts';
import { refuse, succeed } from './script.ts';

type Incident = HostInspection['refusals'][number]['incident'];

interface Case {
  /** Which later commands refuse, and whose runbook that is. */
  command: HostCommandName | readonly HostCommandName[];
  incident?: Incident;
  /** Makes the host one that is refused; an object that it returns is what the layout has to say for that. */
  prepare: (host: PreparedHost) => unknown;
  /** As another account than root; through a mount point; or without a program. */
  access?: (host: PreparedHost) => HostAccess;
}

const command = (argv: string) => `{ path=/usr/bin/etcd ; argv[]=${argv} ; ignore_errors=no ; pid=0 }`;

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

const CASES: Record<string, Case> = {
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
    access: without('sha256sum', 'shasum'),
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

/** A host that nobody would refuse. */
function readyHost(): PreparedHost {
  const host = hostWithData(true);
  chmodSync(host.path('wal'), 0o755);
  rmSync(host.path('wal/0.tmp'));
  execFileSync('chown', [owner.user, host.path('wal/0000000000000000-0000000000000000.wal')]);
  host.program('etcdutl', 'echo snapshot restore');
  host.write('etcd.yaml', 'name: m-1\n');
  host.setProperties({ ExecStart: command(`/usr/bin/etcd --config-file ${host.path('etcd.yaml')}`) });
  return host;
}

const layoutOf = (host: PreparedHost) => ({
  unit: 'etcd',
  dataDir: host.path('data'),
  walDir: '',
  configFile: host.path('etcd.yaml'),
  binDir: host.path('bin'),
  ...owner,
});

/** What a later command is sent. */
function parametersOf(
  name: HostCommandName,
  host: PreparedHost,
  layout: Record<string, string>,
): Record<string, string> {
  const execution = { execution: 'run-1' };
  const peerUrl = 'http://127.0.0.1:21380';
  const more: Partial<Record<HostCommandName, Record<string, string>>> = {
    'control-service': { action: 'start', clusterId: '', commitIndex: '' },
    'join-cluster': { initialCluster: `m-1=${peerUrl}` },
    'restore-snapshot': {
      ...{ name: 'm-1', peerUrls: peerUrl, initialCluster: `m-1=${peerUrl}`, initialClusterToken: 't', sha256: 'ab' },
      ...{ hashCheck: 'yes', revision: '1', bumpRevision: '0', url: '' },
    },
    'send-snapshot': { source: 'data', offsetBytes: '0', lengthBytes: '1', url: 'http://127.0.0.1:1/x?y' },
    'swap-data-dir': {
      ...{ data: 'swap', initialCluster: `m-1=${peerUrl}`, initialClusterToken: 't' },
      ...{ revision: '1', replaceNewer: 'no' },
    },
  };
  if (name === 'swap-data-dir') {
    mkdirSync(host.path(`${SCRATCH}/data/member/wal`), { recursive: true });
    host.write(`${SCRATCH}/phase`, 'restored\n');
    host.write(`${SCRATCH}/restored`, '');
  }
  if (name === 'send-snapshot') keepSnapshot(host, Buffer.from('x'));
  return { ...layout, ...execution, ...more[name] };
}

/** The dry runs of both runbooks, where one host says this. */
const DRY_RUNS: Record<'member-failed' | 'quorum-lost', (refusals: HostInspection['refusals']) => unknown> = {
  'member-failed': (refusals) => {
    const members = ['node1', 'node2', 'node3'].map((name) => configured(name));
    const memberList = members.map(({ name }) => listed(name));
    return planReplacement(observation([voter('node1'), voter('node2'), silent('node3')], { memberList }), {
      cluster: clusterOf(members),
      parameters: parse(memberParametersSchema, {}, 'parameters'),
      member: '',
      targets: [{ member: 'node3', kind: 'failed', problem: 'does not answer.' }],
      oldHost: [],
      inspections: [{ member: 'node3', inspection: inspection('node3', { refusals }) }],
    });
  },
  'quorum-lost': (refusals) => planRecovery({ dryRun: true, hosts: { node3: { ...STATES.killed, refusals } } }),
};

function requireRefusedDryRuns(refusals: HostInspection['refusals'], incident: Incident, message: string): void {
  for (const [runbook, dryRun] of Object.entries(DRY_RUNS)) {
    if (incident !== 'any' && incident !== runbook) continue;
    expect(failureOf(() => dryRun(refusals))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining(message),
    });
  }
}

describe('whatever a script may refuse a host for', () => {
  it('has a name', () => expect(unnamedRefusals()).toEqual([]));

  it('is asked for in the inspection, or it is said why that cannot be', () => {
    const known = [...Object.keys(CASES), ...Object.keys(ARISES_LATER), ...Object.keys(JUDGED_IN_CORE)];
    expect(known.toSorted()).toEqual(refusalsInScripts());
  });
});

describe.skipIf(!isLinuxRoot)('a dry run is refused for what a later command would refuse (needs root)', () => {
  it.each(Object.entries(CASES).filter(([name]) => name !== 'database-in-use'))(
    '%s',
    async (refusal, { command, incident = 'any', prepare, access }) => {
      using host = readyHost();
      const changed = prepare(host);
      const layout = { ...layoutOf(host), ...(typeof changed === 'object' ? changed : {}) };
      const reached = access?.(host) ?? host.access;
      const { refusals } = await succeed(reached, 'inspect-host', { ...layout, url: '' });
      const found = refusals.find((each) => each.refusal === refusal);
      expect(found, JSON.stringify(refusals)).toMatchObject({ incident });
      requireRefusedDryRuns(refusals, incident, found?.message ?? '');
      for (const name of [command].flat() as HostCommandName[]) {
        expect(await refuse(reached, name, parametersOf(name, host, layout)), name).toMatchObject({ refusal });
      }
    },
  );

  it('database-in-use', async () => {
    using host = readyHost();
    const held = `exec 8< '${host.path('data/member/snap/db')}'; flock -x 8; exec "$@"`;
    // The lock is held by this process, and the command that it turns into inherits it under another number.
    const reached = { exec: ['bash', '-c', held, 'held', ...host.access.exec] };
    const layout = layoutOf(host);
    const { refusals } = await succeed(reached, 'inspect-host', { ...layout, url: '' });
    const found = refusals.find((each) => each.refusal === 'database-in-use');
    requireRefusedDryRuns(refusals, 'any', found?.message ?? 'nothing was found');
    expect(await refuse(reached, data, parametersOf(data, host, layout))).toMatchObject({ refusal: 'database-in-use' });
  });
});

describe('a host that is ready', () => {
  it('is refused for nothing', async () => {
    using host = readyHost();
    const layout = { ...layoutOf(host), walDir: host.path('wal') };
    expect((await succeed(host.access, 'inspect-host', { ...layout, url: '' })).refusals).toEqual([]);
  });

  it('is refused where it does not reach what it would fetch the snapshot from', async () => {
    using host = readyHost();
    const url = 'http://127.0.0.1:1/bucket/key?X-Amz-Signature=secret';
    const { refusals } = await succeed(host.access, 'inspect-host', { ...layoutOf(host), url });
    expect(refusals).toMatchObject([{ incident: 'quorum-lost', refusal: 'staging-unreachable' }]);
    expect(refusals[0]?.message).toMatch(/^http:\/\/127\.0\.0\.1:1, .* give --staging-address /);
    requireRefusedDryRuns(refusals, 'quorum-lost', '--staging-address');
  });
});
