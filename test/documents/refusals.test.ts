import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../core/hosts/host-command-results.ts';
import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import { memberParametersSchema } from '../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../core/member-replacement/replacement-plan.ts';
import { parse } from '../../core/text/parse.ts';
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
import { CASES, command, type Incident } from './refusal-cases.ts';
import { ARISES_LATER, JUDGED_IN_CORE, refusalsInScripts, unnamedRefusals } from './refusals.ts';
import { refuse, succeed } from './script.ts';

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
      ...{ hashCheck: 'yes', revision: '1', bumpRevision: '0', sizeBytes: '1', url: '' },
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
    expect(await refuse(reached, 'archive-data-dir', parametersOf('archive-data-dir', host, layout))).toMatchObject({
      refusal: 'database-in-use',
    });
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
