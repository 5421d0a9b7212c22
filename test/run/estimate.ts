import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const MEMORY = join(ROOT, 'node_modules/.cache/etcd-remediation/test-durations.json');

/** Seconds that a file takes on two quiet cores, by the folder or file that its path begins with: for a first run. The first that fits counts. */
const TYPICAL: readonly (readonly [string, number])[] = [
  ['test/real/backup-by-host', 300],
  ['test/real/auth-token-reset-interrupted', 300],
  ['test/real/quorum-recovery-refuses', 250],
  ['test/real/recovery-interrupted', 220],
  ['test/real/drill-', 170],
  ['test/real/quorum-recovery', 160],
  ['test/real/space-reclaim-', 160],
  ['test/real/member-replacement.test', 150],
  ['test/real/releases/', 120],
  ['test/real/snapshot-data-dir.test', 110],
  ['test/real/', 50],
  ['test/runbooks/', 45],
  ['test/lambdas/steps/quorum', 45],
  ['test/cli/check', 45],
  ['test/documents/control-service', 40],
  ['test/lambdas/etcd/errors', 40],
  ['test/cli/', 25],
  ['test/documents/', 12],
  ['test/lambdas/etcd/', 12],
  ['test/lambdas/steps/', 8],
  ['test/local/', 5],
  ['test/lib/', 5],
  ['test/', 1],
];

let remembered: Record<string, number> | undefined;

/** How long a test file is likely to take, in seconds: as long as it took last time. */
export function expectedSeconds(file: string): number {
  remembered ??= readMemory();
  const path = relative(ROOT, file);
  return remembered[path] ?? TYPICAL.find(([start]) => path.startsWith(start))?.[1] ?? 1;
}

/** Remembers for the next run how long these files took. */
export function remember(seconds: ReadonlyMap<string, number>): void {
  const took = Object.fromEntries(
    [...seconds].map(([file, each]) => [relative(ROOT, file), Math.round(each * 10) / 10]),
  );
  mkdirSync(dirname(MEMORY), { recursive: true });
  writeFileSync(MEMORY, JSON.stringify({ ...readMemory(), ...took }));
}

function readMemory(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(MEMORY, 'utf8'));
  } catch {
    return {};
  }
}
