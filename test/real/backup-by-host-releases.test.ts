import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { WAIT_MS } from '../run/patience.ts';
import { backUpByHost, type Findings } from './by-host-scene.ts';
import { needs } from './drill.ts';

const PROBE = fileURLToPath(new URL('./by-host-probe.ts', import.meta.url));

/** So much that two parts are sent, of 128 MiB at most, and little enough for a hash of the keys. */
const IN_PARTS_MIB = 200;

async function backUpOnSystemd(etcd: string): Promise<Findings> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROBE, etcd, String(IN_PARTS_MIB)], {
    timeout: WAIT_MS,
  });
  return JSON.parse(stdout);
}

// All of them wait for the same minute, after which it is seen how slow their lines are.
it.concurrent.for([
  { etcd: '3.4.23', hosts: 'process' },
  { etcd: '3.5.30', hosts: 'process' },
  { etcd: '3.6.16', hosts: 'process' },
  { etcd: '3.7.3', hosts: 'systemd' },
] as const)(
  'a backup by a host ($hosts) of etcd $etcd with TLS, authentication and separate logs is listed, rehearsed, and brings the cluster back',
  async ({ etcd, hosts }, test) => {
    await needs({ etcd, hosts }, test);
    const found = await (hosts === 'systemd' ? backUpOnSystemd(etcd) : backUpByHost(hosts, etcd));
    const { name, record } = found.backup;
    expect(record).toMatchObject({ way: 'host', etcdVersion: etcd, revision: record.revisionAtMost });
    expect(found.parts).toBe(hosts === 'systemd' ? 2 : 1);
    expect(found.listed).toEqual([name]);
    // Nothing is unknown: revision, keys and hash are those that the member had.
    expect(found.rehearsal).toMatchObject({
      outcome: 'Passed',
      rehearsal: { backup: name, etcdVersion: etcd, revision: record.revision, unknown: [] },
    });
    expect(found.winner).toMatchObject({ source: 'backup', revision: record.revision });
    expect(found.loss).toMatchObject({ keptRevision: record.revision });
    expect(found.value).toBe('before');
    expect(found.proofs.filter(({ ok }) => !ok)).toEqual([]);
    expect(found.leftovers).toBe('');
  },
);
