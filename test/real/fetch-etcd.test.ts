import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { runProgram } from '../../local/etcd/executables.ts';
import { requireEtcd } from '../run/require-etcd.ts';

describe('etcd that is nowhere on the machine', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'fetch-etcd-test-'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(scratch, { recursive: true, force: true });
  });

  it('is fetched from Debian, twice at once, and says what it does', async (test) => {
    await requireEtcd('3.4.23', test);
    vi.stubEnv('XDG_CACHE_HOME', scratch);
    const lines: string[] = [];
    const [one, other] = await Promise.all([
      findEtcd('3.4.23', (line) => lines.push(line)),
      findEtcd('3.4.23', (line) => lines.push(line)),
    ]);
    expect(one).toEqual(other);
    expect(one.etcd).toBe(join(scratch, 'etcd-remediation/etcd/3.4.23/etcd'));
    expect(await readdir(join(scratch, 'etcd-remediation/etcd'))).toEqual(['3.4.23']);
    expect(lines.filter((line) => line.includes('downloading'))).toHaveLength(2);

    const again: string[] = [];
    expect(await findEtcd('3.4', (line) => again.push(line))).toEqual(one);
    expect(again).toEqual([]);
  });

  it('is built from its Go modules where Debian does not have it', async (test) => {
    await requireEtcd('3.6.16', test);
    // What go has compiled before is found under XDG_CACHE_HOME too.
    vi.stubEnv('GOCACHE', (await runProgram('go', ['env', 'GOCACHE'])).stdout.trim());
    vi.stubEnv('XDG_CACHE_HOME', scratch);
    const lines: string[] = [];
    const built = await findEtcd('3.6', (line) => lines.push(line));
    expect(built).toMatchObject({ version: '3.6.16', etcdutl: expect.stringContaining(scratch) });
    expect(lines.join()).toMatch(/downloading its Go modules.*building it/);
    expect(await readdir(join(scratch, 'etcd-remediation/etcd'))).toEqual(['3.6.16']);
  });
});
