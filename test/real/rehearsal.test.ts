import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupReport } from '../../core/backups/contracts.ts';
import type { Rehearsals } from '../../core/backups/rehearsal.ts';
import type { RehearsalReport } from '../../core/rehearsal/contracts.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { serveWithClient } from '../api/generated-client.ts';
import { etcdRemediation, lastLine } from '../cli/command.ts';
import { resultOf, terminalOf } from '../cli/deployed-scene.ts';
import { hostedStage, startWriting } from '../scenes/hosted-scene.ts';
import { putThrough } from '../scenes/lost-quorum.ts';

describe.each([
  { etcd: '3.5.30', tls: true, auth: true },
  { etcd: '3.4.23', tls: false, auth: false },
  { etcd: '3.7.3', tls: false, auth: false },
])('a rehearsal on a cluster with %o', (options) => {
  let stage: HostedStage;
  let folder: string;
  let backup: BackupReport['backup'];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rehearsals-'));
    stage = await hostedStage({ backups: folder, ...options });
    for (const key of ['a', 'b', 'c']) await putThrough(stage, 'm1', key, 'x');
    const end = await stage.platform.backUp(CLUSTER_NAME);
    if (end.status !== 'SUCCEEDED') throw new Error(`${end.error}: ${end.cause}`);
    ({ backup } = end.output as unknown as BackupReport);
  });
  afterAll(async () => {
    await stage?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const rehearse = (request: { backup?: string; member?: string } = {}) =>
    stage.platform.rehearse({ cluster: CLUSTER_NAME, ...request });
  const known = async () =>
    JSON.parse(await readFile(join(folder, `${CLUSTER_NAME}-rehearsal.json`), 'utf8')) as Rehearsals;
  /** What a rehearsal would have left beside the data dirs. */
  const leftovers = () =>
    stage.cluster.members.flatMap(({ host }) =>
      readdirSync(dirname(host.layout.dataDir)).filter((name) => name.startsWith('.etcd-remediation.')),
    );

  it('restores the newest backup while the members are written to, and says how long a recovery takes', async () => {
    const writer = startWriting(stage, ['m1', 'm2', 'm3']);
    const before = await stage.etcd.observe();
    const end = await rehearse().finally(() => writer.stop());
    expect(end, 'cause' in end ? end.cause : '').toMatchObject({ status: 'SUCCEEDED' });
    const { outcome, rehearsal } = (end as { output: unknown }).output as RehearsalReport;
    expect({ outcome, rehearsal }).toMatchObject({
      outcome: 'Passed',
      rehearsal: { backup: backup.name, revision: backup.record.revision, etcdVersion: stage.etcdVersion, unknown: [] },
    });
    expect(await known()).toMatchObject({ last: { outcome: 'Passed' }, passed: rehearsal });
    expect(leftovers()).toEqual([]);
    // The members are those that they were, and their services have not been started again.
    const after = await stage.etcd.observe();
    expect(after.memberList).toEqual(before.memberList);
    expect(writer.ackedWrites).toBeGreaterThan(0);
  });

  it('is on the host, and of the backup, that are named', async () => {
    const end = await rehearse({ member: 'm3', backup: backup.name });
    expect(end).toMatchObject({ output: { outcome: 'Passed', rehearsal: { member: 'm3', backup: backup.name } } });
    expect(await rehearse({ backup: 'drill-20200101T000000.000Z' })).toMatchObject({ error: 'InvalidInput' });
    // It says nothing of a backup.
    expect((await known()).last.outcome).toBe('Passed');
  });

  it.skipIf(options.tls)(
    'is the same from the command line, where `backups` then says how long a recovery takes',
    async () => {
      const files = { config: { clusters: stage.file.clusters }, hosts: stage.hosts };
      const flags = Object.keys(files).flatMap((name) => [`--${name}`, join(folder, `${name}-of-test`)]);
      for (const [name, content] of Object.entries(files)) {
        await writeFile(join(folder, `${name}-of-test`), JSON.stringify(content));
      }
      const command = (name: string, ...more: string[]) =>
        etcdRemediation(name, CLUSTER_NAME, ...flags, '--backups', folder, ...more);
      const done = await command('rehearse', '--member', 'm2', '--json');
      expect(done.status, done.stderr).toBe(0);
      expect(lastLine(done)).toMatchObject({ outcome: 'Passed', rehearsal: { member: 'm2', backup: backup.name } });
      expect(done.stderr).toMatch(/✓ .* Restore the backup on a host m2 .*revision \d+ served after \d+ s/);
      const listed = await command('backups');
      expect(listed.stdout).toMatch(
        /Rehearsals: rehearsed on \S+ on the host of m2, a recovery takes about \d+ s\.\n$/,
      );
      const wrong = await command('rehearse', '--member', 'm9');
      expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('has no member "m9"')]);
      const config = join(folder, 'config-of-test');
      const nowhere = await etcdRemediation('rehearse', CLUSTER_NAME, '--config', config, '--backups', folder);
      expect([nowhere.status, nowhere.stderr]).toEqual([2, expect.stringContaining('is in hosts.json')]);
      expect((await known()).last.outcome).toBe('Passed');
    },
  );

  it.skipIf(options.tls)(
    'is started and followed on what is deployed, by the command line and by the API',
    async () => {
      const terminal = await terminalOf(stage.platform);
      const api = await serveWithClient(stage.platform);
      try {
        const done = await terminal.type('rehearse', CLUSTER_NAME, '--deployed', '--member', 'm2', '--id', 'by-hand');
        expect([done.status, done.stderr]).toEqual([0, '']);
        expect(done.stdout).toMatch(/^Rehearsing a backup of cluster .*, as by-hand\n/);
        expect(done.stdout).toMatch(/\nPassed in .* on the host of m2\. A recovery takes about \d+ s/);
        const wrong = await terminal.type('rehearse', CLUSTER_NAME, '--deployed', '--member', 'm9', '--json');
        expect([wrong.status, resultOf(wrong).outcome]).toEqual([2, 'InvalidInput']);
        const started = await api.call('startRehearsal', { name: CLUSTER_NAME }, { member: 'm3' });
        expect(started.status).toBe(202);
        await stage.platform.executions.find(started.body.executionArn)?.ended;
        expect(await api.call('describeRehearsal', { name: CLUSTER_NAME, id: started.body.id })).toMatchObject({
          body: {
            status: 'SUCCEEDED',
            outcome: 'Passed',
            report: { rehearsal: { member: 'm3', backup: backup.name } },
          },
        });
      } finally {
        await api.close();
        await terminal.close();
      }
    },
  );

  it('fails where one byte of the backup is another, and keeps what has passed before', async () => {
    const path = join(folder, `${backup.name}.db.gz`);
    const whole = await readFile(path);
    await writeFile(path, Buffer.from(whole.map((byte, at) => (at === 300 ? byte ^ 1 : byte))));
    const end = await rehearse();
    expect(end).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('SHA-256'),
    });
    expect(await known()).toMatchObject({
      last: { outcome: 'Failed', error: 'PreconditionFailed', backup: backup.name },
      passed: { backup: backup.name },
    });
    expect(leftovers()).toEqual([]);
    await writeFile(path, whole);
  });

  it('fails where something else was recorded of it than it holds', async () => {
    const path = join(folder, `${backup.name}.json`);
    const record = await readFile(path, 'utf8');
    await writeFile(path, JSON.stringify({ ...JSON.parse(record), keys: 77 }));
    const end = await rehearse();
    expect(end).toMatchObject({
      status: 'FAILED',
      error: 'VerificationFailed',
      cause: expect.stringContaining('77 were recorded'),
    });
    await writeFile(path, record);
    expect(existsSync(join(folder, `${CLUSTER_NAME}-rehearsal.json`))).toBe(true);
  });
});
