import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BackupReport } from '../../core/backups/contracts.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import type { HostFault } from '../../local/aws/host-faults.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { restore } from '../documents/salvage-host.ts';
import { fill, overSlowLines, STORED_MIB } from '../scenes/by-host.ts';
import { hostedStage, startWriting, untilLed } from '../scenes/hosted-scene.ts';

let stage: HostedStage;
let folder: string;
let slow: Awaited<ReturnType<typeof overSlowLines>> | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backups-'));
});
afterEach(async () => {
  await slow?.close();
  slow = undefined;
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Backs up over slow lines. The host was asked before, and agreed: only then it copies, with these faults. */
async function backUp(faults: readonly HostFault[] = []): Promise<ExecutionResult> {
  slow = await overSlowLines(stage, folder);
  const { platform } = slow;
  const end = await platform.backUp(CLUSTER_NAME, {
    onEvent: ({ stateEnteredEventDetails: entered }) => {
      if (entered?.name === 'Copy database on host') platform.faults.push(...faults);
    },
  });
  expect(platform.faults).toEqual([]);
  return end;
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
  await fill(stage);
  const writer = startWriting(stage, ['m1', 'm2', 'm3']);
  await crashMembers(stage.cluster, ['m3']);
  await untilLed(stage);
  const end = await backUp().finally(() => writer.stop());
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
  await expect(fill(stage)).rejects.toMatchObject({ reason: 'NoSpace' });
  const end = await backUp([
    // The function is killed while it keeps the snapshot open and the host copies.
    { name: 'agent-restarted', command: 'copy-database' },
    { name: 'function-killed', command: 'copy-database' },
    { name: 'answer-lost', command: 'copy-database' },
    { name: 'not-delivered', command: 'copy-database' },
    { name: 'script-killed', command: 'send-snapshot' },
    { name: 'function-killed', command: 'send-snapshot' },
    { name: 'answer-lost', command: 'mark-recovery' },
  ]);
  expect(end, 'cause' in end ? end.cause : '').toMatchObject({ status: 'SUCCEEDED' });
  const { record, name } = ((end as { output: unknown }).output as BackupReport).backup;
  const snapshot = gunzipSync(await readFile(join(folder, `${name}.db.gz`)));
  expect(restore(await findEtcd(stage.etcdVersion), snapshot)).toBe(record.revision);
  expect(record).toMatchObject({ way: 'host', revisionAtMost: record.revision });
  expect(leftovers()).toEqual([]);
});

it('is put off where another backup works on the host of its member, which is not disturbed', async () => {
  stage = await hostedStage({ backups: folder, sizeMiB: 512 });
  await fill(stage);
  for (const { host } of stage.cluster.members) {
    const other = `${host.layout.dataDir.replace(/([^/]+)$/, '.etcd-remediation.$1')}.other`;
    mkdirSync(other);
    writeFileSync(join(other, 'backup'), '');
  }
  const before = leftovers();
  const end = await backUp();
  expect(end, 'cause' in end ? end.cause : '').toMatchObject({
    output: { outcome: 'Postponed', summary: expect.stringContaining('Another backup works in') },
  });
  expect(leftovers()).toEqual(before);
  expect(readdirSync(folder).filter((file) => !file.startsWith('.'))).toEqual([]);
});

it('ends with the error of the host, and leaves nothing there and in the bucket', async () => {
  stage = await hostedStage({ backups: folder, sizeMiB: 512 });
  await fill(stage);
  const end = await backUp([
    { name: 'agent-restarted', command: 'copy-database' },
    { name: 'script-killed', command: 'copy-database' },
  ]);
  expect(end).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
  expect(leftovers()).toEqual([]);
  expect(readdirSync(folder).filter((file) => !file.startsWith('.'))).toEqual([]);
});
