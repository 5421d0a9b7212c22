import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { keptPlatform } from '../../local/kept-platform.ts';

/** What the fast tests run on, and what the full ones run on besides. */
const FAST = ['3.3.25', '3.4.23', '3.5.16', '3.5.30', '3.7.3'];
const REAL = [...FAST, '3.5.35', '3.6.16'];

declare module 'vitest' {
  export interface ProvidedContext {
    /** Releases that cannot be had here, and why. */
    missingReleases: Record<string, string>;
  }
}

/**
 * Gets the releases before any test waits for one, and makes the platform that tests run, which each process would else make for itself, all at the
 * same time. Where only some files are run, each test gets its own.
 */
export default async function prepare(project: TestProject): Promise<void> {
  const missing: Record<string, string> = {};
  const isPart = process.argv.some((argument) => argument.startsWith('test/'));
  for (const version of isPart ? [] : project.name === 'real' ? REAL : FAST) {
    await findEtcd(version, console.log).catch((error: Error) => {
      missing[version] = error.message;
    });
  }
  project.provide('missingReleases', missing);
  if (isPart) return;
  const unkept = join(tmpdir(), `etcd-remediation-platform-${process.pid}`);
  await keptPlatform(unkept);
  await rm(unkept, { recursive: true, force: true });
}
