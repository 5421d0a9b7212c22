import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Candidate, ListedBackup, Loss, Rung } from '../../core/quorum-recovery/contracts.ts';
import type { HostedStage } from '../../drills/stage.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { crashMembers, damageLog, wipeData } from '../../local/hosts/damage.ts';
import { outputOf, serviceOf } from './hosted-scene.ts';
import { until } from './scene.ts';

/** What the quorum runbook says at its end. */
export interface RecoveryReport {
  outcome: string;
  ladder: Rung[];
  candidates: Candidate[];
  backups: ListedBackup[];
  plan: string[];
  winner: Candidate | null;
  loss: Loss;
  leftOut: { member: string; problem: string }[];
  archived: { member: string; dataDir: string }[];
  remaining: string[];
  summary: string;
}

export function reportOf(execution: ExecutionResult): RecoveryReport {
  return outputOf(execution) as unknown as RecoveryReport;
}

export function rungOf({ ladder }: RecoveryReport): string | undefined {
  return ladder.find(({ serves }) => serves)?.rung;
}

export function namesOf({ cluster }: Pick<HostedStage, 'cluster'>): string[] {
  return cluster.members.map(({ name }) => name);
}

/**
 * Writes a value through a member, and makes sure that this member's log knows it as committed: what it applies it learns together
 * with that, but writes it down only before the next.
 */
export async function putThrough({ etcd }: HostedStage, name: string, key: string, value: string): Promise<void> {
  const member = etcd.member(name);
  await member.put(key, value);
  await member.put('afterwards', value);
  await member.put('afterwards', value);
}

export async function readValue({ cluster }: HostedStage, key: string): Promise<string> {
  return (await cluster.etcdctl(['get', key, '--print-value-only'])).trim();
}

/** Waits until a member has written its database, which etcd does some time after it has applied a write that came through another one. */
async function untilWritten(stage: HostedStage, name: string, through: string): Promise<void> {
  const database = join(stage.cluster.member(name).host.layout.dataDir, 'member/snap/db');
  const { mtimeMs } = await stat(database);
  await until(async () => {
    await stage.etcd.member(through).put('written', 'yes');
    return (await stat(database)).mtimeMs > mtimeMs;
  });
}

/**
 * Kills all; the last member's data is whole, the first's log is cut off, and what is between them is gone.
 * @returns once systemd has given up on all of them
 */
export async function leaveOneWhole(stage: HostedStage): Promise<void> {
  const { cluster } = stage;
  const names = namesOf(stage);
  const [first = '', last = ''] = [names[0], names.at(-1)];
  await untilWritten(stage, first, last);
  // The first goes before a last write, or its database might be ahead of what the last member's log knows as committed.
  await crashMembers(cluster, [first]);
  await until(() =>
    putThrough(stage, last, 'ahead', 'yes').then(
      () => true,
      () => false,
    ),
  );
  await crashMembers(cluster, names.slice(1));
  await damageLog(cluster, first, 'truncated');
  for (const name of names.slice(1, -1)) await wipeData(cluster, name);
  await until(async () => {
    const states = await Promise.all(names.map((name) => serviceOf(cluster, name)));
    return states.every((state) => state === 'failed');
  });
}

/** Kills all; only the last member has data, so that no start is tried. */
export async function leaveTheLast(stage: HostedStage): Promise<void> {
  const { cluster } = stage;
  const names = namesOf(stage);
  await crashMembers(cluster, names);
  for (const name of names.slice(0, -1)) await wipeData(cluster, name);
}

/** Every file of a host's data and configuration, with its size and time: of folders only the names. */
export async function filesOf(
  { cluster }: Pick<HostedStage, 'cluster'>,
  name: string,
): Promise<Record<string, string>> {
  const root = join(cluster.member(name).host.unitDir, '../../..');
  const found: Record<string, string> = {};
  for (const folder of ['etc', 'var/lib']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await stat(path);
      found[path] = entry.isFile() ? `${size} bytes of ${mtimeMs}` : 'folder';
    }
  }
  return found;
}

export async function filesOfAll(stage: HostedStage): Promise<Record<string, string>[]> {
  return Promise.all(namesOf(stage).map((name) => filesOf(stage, name)));
}

/** What recoveries have left on the hosts, besides what they have moved aside. */
export async function scratchOf(stage: HostedStage): Promise<string[]> {
  const files = await filesOfAll(stage);
  return files
    .flatMap((each) => Object.keys(each))
    .filter((path) => path.includes('.etcd-remediation.') || path.includes('.scratch'));
}

export async function expectNoScratch(stage: HostedStage): Promise<void> {
  expect(await scratchOf(stage)).toEqual([]);
}
