import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostReports } from '../../core/hosts/run-host-commands.ts';
import type { StagedUpload } from '../../core/quorum-recovery/staging-contracts.ts';
import { systemClock } from '../../local/asl/clock.ts';
import { Platform } from '../../local/platform.ts';
import { LAYOUT } from '../lib/stacks.ts';

const FILE = {
  clusters: [
    {
      name: 'orders',
      members: [{ name: 'node1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2', host: 'here' }],
      quotaBackendBytes: 2_147_483_648,
      layout: LAYOUT,
      backups: { bucket: 'all-backups', prefix: '' },
    },
  ],
};
const KEY = 'orders/run-1.db.gz';
/** Beside a data dir, where the documents work. */
const SCRATCH = '.etcd-remediation.data.run-1';

let folder: string;
let platform: Platform;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'platform-test-'));
  platform = await Platform.start({
    file: FILE,
    secrets: {},
    hosts: { here: { exec: ['sh'] } },
    stagingAddress: '127.0.0.2',
    backups: { 'all-backups': folder },
  });
});
afterAll(async () => {
  await platform?.close();
  await rm(folder, { recursive: true });
});

function invoke<Result>(step: string, event: object): Promise<Result> {
  return platform.invokeStep(step, event) as Promise<Result>;
}

function transfer(command: string, parameters: object, object: object): Promise<HostReports> {
  const commands = [{ member: 'm1', host: 'here', parameters, object }];
  const visit = new Date().toISOString();
  return invoke('transfer-snapshots', { cluster: 'orders', command, commands, execution: 'run-1', visit, attempt: 0 });
}

describe('the staging bucket of the embedded platform', () => {
  it('takes from a host what its functions have begun, at the address that it is told', async () => {
    const snapshot = gzipSync('the snapshot');
    await mkdir(join(folder, SCRATCH));
    await writeFile(join(folder, SCRATCH, 'snapshot'), snapshot);
    const { uploadId } = await invoke<StagedUpload>('stage-snapshot', { action: 'Begin', key: KEY });
    const lengthBytes = String(snapshot.length - 1);
    const { reports } = await transfer(
      'send-snapshot',
      { dataDir: join(folder, 'data'), execution: 'run-1', source: 'data', offsetBytes: '1', lengthBytes },
      { access: 'write-part', key: KEY, uploadId, partNumber: 1 },
    );
    expect(reports).toMatchObject([{ error: '', result: { etag: expect.any(String) } }]);
    const [etag = ''] = reports.map(({ result }) => Object(result).etag as string);
    expect(etag.replaceAll('"', '')).toBe(createHash('md5').update(snapshot.subarray(1)).digest('hex'));
    const parts = [{ partNumber: 1, etag }];
    await invoke('stage-snapshot', { action: 'Complete', key: KEY, uploadId, parts });
    // May be run again only because the object is there.
    await invoke('stage-snapshot', { action: 'Complete', key: KEY, uploadId, parts });
    await invoke('stage-snapshot', { action: 'Discard', key: KEY, uploadId });
    await expect(invoke('stage-snapshot', { action: 'Complete', key: KEY, uploadId, parts })).rejects.toMatchObject({
      error: 'PreconditionFailed',
    });
  });

  it('stands beside folders that are read as the buckets of backups', async () => {
    const examined = await transfer(
      'fetch-backup',
      {
        dataDir: join(folder, 'data'),
        binDir: '/usr/bin',
        keep: 'no',
        compressor: 'gzip',
        execution: 'run-1',
        sha256: '',
      },
      { access: 'read-backup', bucket: 'all-backups', key: 'monday.db' },
    );
    expect(examined).toMatchObject({
      failed: 'PreconditionFailed',
      problems: expect.stringContaining('the backup "monday.db" in all-backups: S3 refused it: NoSuchKey'),
    });
  });

  it('is not served at an address of another machine', async () => {
    await expect(Platform.start({ file: FILE, secrets: {}, stagingAddress: '192.0.2.1' })).rejects.toThrow(
      'The staging bucket cannot be served at 192.0.2.1',
    );
  });
});

describe('a step of the embedded platform', () => {
  it('is found by its name, and its error is the one that the step ended with', async () => {
    await expect(platform.invokeStep('load-cluster', { cluster: 'other' })).rejects.toMatchObject({
      name: 'ExecutionError',
      error: 'InvalidInput',
    });
    await expect(platform.invokeStep('load', {})).rejects.toThrow('There is no function of a step "load".');
  });
});

it('an execution of the embedded platform waits by the clock that it is given', async () => {
  const layout = { unit: 'etcd', dataDir: '/var/lib/etcd', walDir: null, configFile: '/etc/etcd.yaml' };
  const [cluster] = FILE.clusters;
  const members = cluster?.members.map((member) => ({ ...member, host: 'away' })) ?? [];
  const onHosts = { ...layout, binDir: '/usr/bin', user: 'etcd', group: 'etcd' };
  const sleeps: number[] = [];
  const hurried = await Platform.start({
    file: { clusters: [{ name: 'orders', quotaBackendBytes: 2_147_483_648, members, layout: onHosts }] },
    secrets: {},
    clock: {
      now: systemClock.now,
      sleep: (durationMs, signal) => {
        sleeps.push(durationMs);
        return systemClock.sleep(durationMs / 1000, signal);
      },
    },
  });
  const input = { cluster: 'orders', parameters: { confirmSeconds: 600 } };
  await hurried.execute({ incident: 'quorum-lost', input }).finally(() => hurried.close());
  // Between three readings; and before the hosts are inspected, which takes no time by this clock.
  expect(sleeps.filter((durationMs) => durationMs > 200_000 && durationMs <= 300_000)).toHaveLength(3);
});
