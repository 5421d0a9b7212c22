import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackupReport } from '../../core/backups/contracts.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { Platform } from '../../local/platform.ts';
import { restore } from '../documents/salvage-host.ts';
import { hostedStage, startWriting, untilLed } from '../scenes/hosted-scene.ts';
import { type SlowLine, slowLineTo } from '../scenes/slow-line.ts';

const MIB = 1024 * 1024;
/** In random values, so that what is compressed is no smaller. */
const STORED_MIB = 96;
/** At this a database of so many MiB takes half as long again as the 14 minutes of a function, and more. */
const BYTES_PER_SECOND = 64 * 1024;

let stage: HostedStage;
let folder: string;
let lines: SlowLine[] = [];
let platform: Platform | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backups-'));
});
afterEach(async () => {
  await platform?.close();
  platform = undefined;
  for (const line of lines) await line.close();
  lines = [];
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The same cluster, as one sees it whose line to it is slow. */
async function overSlowLines({ withHosts = true } = {}): Promise<Platform> {
  const [configured] = stage.file.clusters as [Cluster];
  lines = await Promise.all(configured.members.map(({ clientUrl }) => slowLineTo(clientUrl, BYTES_PER_SECOND)));
  const members = configured.members.map(({ host, ...member }, index) => ({
    ...member,
    clientUrl: lines[index]?.url ?? '',
    ...(withHosts && host && { host }),
  }));
  platform = await Platform.start({
    file: { clusters: [{ ...configured, members }] },
    secrets: {},
    hosts: stage.hosts,
    backups: { [configured.backups?.bucket ?? '']: folder },
  });
  return platform;
}

async function fill(): Promise<void> {
  const member = stage.etcd.member('m1');
  for (let key = 0; key < 2 * STORED_MIB; key++) await member.put(`large/${key}`, randomBytes(MIB / 4).toString('hex'));
}

/** What is left beside the data dirs. */
const leftovers = () =>
  stage.cluster.members.flatMap(({ host }) =>
    readdirSync(dirname(host.layout.dataDir)).filter((name) => name.startsWith('.etcd-remediation.')),
  );
const statesOf = ({ history }: ExecutionResult) =>
  history.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);

it('goes on by the host of its member where a function would take too long, with a member down and while clients write', async () => {
  stage = await hostedStage({ backups: folder, sizeMiB: 512 });
  await fill();
  const writer = startWriting(stage, ['m1', 'm2', 'm3']);
  await crashMembers(stage.cluster, ['m3']);
  await untilLed(stage);
  const end = await (await overSlowLines()).backUp(CLUSTER_NAME).finally(() => writer.stop());
  expect(end, 'cause' in end ? end.cause : '').toMatchObject({ status: 'SUCCEEDED' });
  expect(statesOf(end).filter((name) => /host/.test(name))).toEqual([
    'Does its host go on?',
    'Copy database on host',
    'Send copy from host',
    'Discard copy on host',
  ]);
  const { backup } = (end as { output: unknown }).output as BackupReport;
  const { record, name } = backup;
  expect(record).toMatchObject({ way: 'host', format: 1, etcdVersion: stage.etcdVersion });
  const written = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
  expect(written).toEqual(record);
  const compressed = await readFile(join(folder, `${name}.db.gz`));
  expect(compressed.length).toBe(record.compressedBytes);
  const snapshot = gunzipSync(compressed);
  expect(snapshot.length).toBe(record.sizeBytes);
  const revision = restore(await findEtcd(stage.etcdVersion), snapshot);
  expect(Number(revision)).toBeGreaterThanOrEqual(Number(record.revision));
  expect(Number(revision)).toBeLessThanOrEqual(Number(record.revisionAtMost));
  expect(leftovers()).toEqual([]);
  await stage.cluster.run('m3', `systemctl start ${UNIT}`);
  const rehearsed = await stage.platform.rehearse({ cluster: CLUSTER_NAME, member: record.member });
  expect(rehearsed, 'cause' in rehearsed ? rehearsed.cause : '').toMatchObject({ output: { outcome: 'Passed' } });
});

it('is made of a full store whatever becomes of the commands and of the function that sends them, and nothing is left', async () => {
  stage = await hostedStage({ backups: folder, sizeMiB: STORED_MIB });
  await expect(fill()).rejects.toMatchObject({ reason: 'NoSpace' });
  const slow = await overSlowLines();
  slow.faults.push(
    // The function is killed while it keeps the snapshot open and the host copies.
    { name: 'agent-restarted', command: 'copy-database' },
    { name: 'function-killed', command: 'copy-database' },
    { name: 'answer-lost', command: 'copy-database' },
    { name: 'not-delivered', command: 'copy-database' },
    { name: 'script-killed', command: 'send-snapshot' },
    { name: 'function-killed', command: 'send-snapshot' },
    { name: 'answer-lost', command: 'mark-recovery' },
  );
  const end = await slow.backUp(CLUSTER_NAME);
  expect(end, 'cause' in end ? end.cause : '').toMatchObject({ status: 'SUCCEEDED' });
  expect(slow.faults).toEqual([]);
  const { record, name } = ((end as { output: unknown }).output as BackupReport).backup;
  const snapshot = gunzipSync(await readFile(join(folder, `${name}.db.gz`)));
  expect(restore(await findEtcd(stage.etcdVersion), snapshot)).toBe(record.revision);
  expect(record).toMatchObject({ way: 'host', revisionAtMost: record.revision });
  expect(leftovers()).toEqual([]);
});

it('is put off where another backup works on the host of its member, which is not disturbed', async () => {
  stage = await hostedStage({ backups: folder, sizeMiB: 512 });
  await fill();
  for (const { host } of stage.cluster.members) {
    const other = `${host.layout.dataDir.replace(/([^/]+)$/, '.etcd-remediation.$1')}.other`;
    mkdirSync(other);
    writeFileSync(join(other, 'backup'), '');
  }
  const before = leftovers();
  const end = await (await overSlowLines()).backUp(CLUSTER_NAME);
  expect(end, 'cause' in end ? end.cause : '').toMatchObject({
    output: { outcome: 'Postponed', summary: expect.stringContaining('Another backup works in') },
  });
  expect(leftovers()).toEqual(before);
  expect(readdirSync(folder).filter((file) => !file.startsWith('.'))).toEqual([]);
});

it('ends with the error of the host, and leaves nothing there and in the bucket', async () => {
  stage = await hostedStage({ backups: folder, sizeMiB: 512 });
  await fill();
  const slow = await overSlowLines();
  slow.faults.push(
    { name: 'agent-restarted', command: 'copy-database' },
    { name: 'script-killed', command: 'copy-database' },
  );
  const end = await slow.backUp(CLUSTER_NAME);
  expect(end).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
  expect(leftovers()).toEqual([]);
  expect(readdirSync(folder).filter((file) => !file.startsWith('.'))).toEqual([]);
});
