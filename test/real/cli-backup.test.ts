import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { Platform } from '../../local/platform.ts';
import { serveWithClient } from '../api/generated-client.ts';
import { etcdRemediation, lastLine } from '../cli/command.ts';
import { resultOf, terminalOf } from '../cli/deployed-scene.ts';

describe('backups from the command line', () => {
  let directory: string;
  let config: string;
  let folder: string;
  let cluster: LocalCluster;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cli-backup-'));
    folder = await mkdtemp(join(directory, 'backups-'));
    config = join(directory, 'clusters.json');
    cluster = await startCluster({ binaries: await findEtcd('3.5.30'), members: 3 });
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    const orders = { name: 'orders', members, quotaBackendBytes: 2 ** 31 };
    const backups = { bucket: 'my-backups', everyMinutes: 60 };
    const clusters = [
      { ...orders, backups },
      { ...orders, name: 'without' },
    ];
    await writeFile(config, JSON.stringify({ clusters }));
    await cluster.etcdctl(['put', 'a', 'b']);
  });
  afterAll(async () => {
    await cluster?.close();
    await rm(directory, { recursive: true });
  });

  const command = (name: string, of: string, ...more: string[]) =>
    etcdRemediation(name, of, '--config', config, '--backups', folder, ...more);

  it('are none at first, are made, and are listed', async () => {
    const none = await command('backups', 'orders');
    expect([none.status, none.stdout]).toEqual([1, 'There is no backup that could be restored.\n']);

    const diagnose = () => etcdRemediation('diagnose', '--config', config, '--backups', folder, 'orders', '--json');
    const missed = await diagnose();
    expect(missed.status, missed.stderr).toBe(0);
    expect(Object(lastLine(missed)).clusters[0].diagnosis).toMatchObject({
      incident: 'healthy',
      warnings: [{ kind: 'backup-late', message: expect.stringContaining('There is no backup') }],
    });
    expect(missed.stderr).toContain('Newest backup: none');

    const made = await command('backup', 'orders', '--json');
    expect(made.status, made.stderr).toBe(0);
    expect(lastLine(made)).toMatchObject({ outcome: 'BackedUp', cluster: 'orders', kept: 1, removed: [] });
    const { name, record } = Object(lastLine(made)).backup as { name: string; record: { revision: string } };
    expect((await readdir(folder)).toSorted()).toEqual([`${name}.db.gz`, `${name}.json`]);
    expect(made.stderr).toMatch(/✓ .* Back up cluster .*database at revision 2,/);

    const looked = await diagnose();
    expect(Object(lastLine(looked)).clusters[0].diagnosis).toMatchObject({
      warnings: [],
      backup: { name, revision: record.revision, problem: '' },
    });
    expect(looked.stderr).toMatch(new RegExp(`Newest backup: ${name}, \\d minutes? old, revision ${record.revision}`));

    const listed = await command('backups', 'orders');
    expect(listed.status, listed.stderr).toBe(0);
    expect(listed.stdout).toMatch(
      new RegExp(`^${name} .* revision ${record.revision} .*1 keys.* m\\d, etcd 3.5.30\\n$`),
    );
  });

  it('are refused before anything is done, where the configuration asks for none or there is no such folder', async () => {
    const without = await command('backup', 'without');
    expect([without.status, without.stderr]).toEqual([2, expect.stringContaining('asks for no backups')]);
    const nowhere = await etcdRemediation('backup', 'orders', '--config', config, '--backups', join(folder, 'x'));
    expect([nowhere.status, nowhere.stderr]).toEqual([2, expect.stringContaining('is no folder of this machine')]);
    const unsaid = await etcdRemediation('backup', 'orders', '--config', config);
    expect([unsaid.status, unsaid.stderr]).toEqual([2, expect.stringContaining('--backups')]);
  });

  it('are started, followed and listed on what is deployed, by the command line and by the API, and again by the same ID', async () => {
    const members = cluster.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl }));
    const bucket = await mkdtemp(join(directory, 'bucket-'));
    const platform = await Platform.start({
      file: {
        clusters: ['orders', 'other'].map((name) => ({
          ...{ name, members, quotaBackendBytes: 2 ** 31 },
          backups: { bucket: 'my-backups', prefix: `${name}/`, everyMinutes: 60 },
        })),
      },
      secrets: {},
      backups: { 'my-backups': bucket },
    });
    const terminal = await terminalOf(platform);
    const api = await serveWithClient(platform);
    try {
      const none = await terminal.type('backups', 'orders', '--deployed');
      expect([none.status, none.stdout]).toEqual([1, 'There is no backup that could be restored.\n']);
      const made = await terminal.type('backup', 'orders', '--deployed', '--id', 'by-hand');
      expect([made.status, made.stderr]).toEqual([0, '']);
      expect(made.stdout).toMatch(/^Backing up cluster orders \(nothing is changed in it\), as by-hand\n/);
      expect(made.stdout).toMatch(/✓ .* Back up cluster .*database at revision 2,/);
      expect(made.stdout).toMatch(
        /\nBackedUp in \d.*\nIt lies in s3:\/\/my-backups\/orders\/orders-.*; 1 backup is kept/,
      );

      const again = await terminal.type('backup', 'orders', '--deployed', '--id', 'by-hand', '--json');
      expect([again.status, resultOf(again)]).toMatchObject([0, { outcome: 'BackedUp', cluster: 'orders', kept: 1 }]);
      expect(platform.executions.of('etcd-remediation-backup')).toHaveLength(1);
      const reused = await terminal.type('backup', 'other', '--deployed', '--id', 'by-hand', '--json');
      expect([reused.status, resultOf(reused).outcome]).toEqual([1, 'KeyReused']);

      const looked = await terminal.type('diagnose', 'orders', '--deployed');
      expect(looked.stdout).toMatch(/Newest backup: orders-\S+, \d minutes? old, revision 2\n/);

      const started = await api.call('startBackup', { name: 'orders', 'Idempotency-Key': 'by-tool' }, {});
      expect(started).toMatchObject({
        status: 202,
        body: { id: 'by-tool', links: { self: '/clusters/orders/backups/by-tool' } },
      });
      await platform.executions.find(started.body.executionArn)?.ended;
      expect(await api.call('describeBackup', { name: 'orders', id: 'by-tool' })).toMatchObject({
        status: 200,
        body: { cluster: 'orders', status: 'SUCCEEDED', outcome: 'BackedUp', report: { kept: 2 }, error: null },
      });
      expect((await api.call('describeBackup', { name: 'other', id: 'by-tool' })).status).toBe(404);

      const listed = await terminal.type('backups', 'orders', '--deployed', '--json');
      expect([listed.status, resultOf(listed)]).toMatchObject([0, { outcome: 'Listed', count: 2, problem: '' }]);
      const { body } = await api.call('listBackups', { name: 'orders' });
      expect(body).toEqual({ count: 2, problem: '', backups: resultOf(listed).backups, rehearsed: null });
    } finally {
      await api.close();
      await terminal.close();
      await platform.close();
    }
  });
});
