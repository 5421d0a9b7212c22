import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { etcdRemediation, lastLine } from '../cli/command.ts';

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

    const made = await command('backup', 'orders', '--json');
    expect(made.status, made.stderr).toBe(0);
    expect(lastLine(made)).toMatchObject({ outcome: 'BackedUp', cluster: 'orders', kept: 1, removed: [] });
    const { name, record } = Object(lastLine(made)).backup as { name: string; record: { revision: string } };
    expect((await readdir(folder)).toSorted()).toEqual([`${name}.db.gz`, `${name}.json`]);
    expect(made.stderr).toMatch(/✓ .* Back up cluster .*database at revision 2,/);

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
});
