import { execFile } from 'node:child_process';
import { chmod, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { knownRelease, knownSuite } from '../../../local/etcd/versions.ts';
import { TESTED_RELEASES } from '../../run/tested-releases.ts';

let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'find-etcd-test-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true, force: true });
});

/** A folder with programs of these names: shell scripts, each of the given lines. */
async function programs(scripts: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'bin-'));
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

const fakeEtcd = (version: string) => ({ etcd: `echo "etcd Version: ${version}"`, etcdctl: 'exit 0' });

describe('finding etcd', () => {
  it.each(TESTED_RELEASES)('provides the real etcd %s', async (version) => {
    const found = await findEtcd(version);
    expect(found.version).toBe(version);
    const { stdout } = await promisify(execFile)(found.etcdctl, ['version'], { env: { ETCDCTL_API: '3' } });
    expect(stdout).toContain(version);
    expect(found.etcdutl === undefined).toBe(version.startsWith('3.4.'));
  });

  it("takes the PATH's etcd, whatever its version, when none is requested", async () => {
    const folder = await programs(fakeEtcd('3.6.1'));
    vi.stubEnv('PATH', folder);
    expect(await findEtcd()).toEqual({
      version: '3.6.1',
      etcd: join(folder, 'etcd'),
      etcdctl: join(folder, 'etcdctl'),
    });
  });

  it("takes the cache's etcd when the PATH's is another version", async () => {
    const folder = await programs(fakeEtcd('3.6.1'));
    const cached = await programs(fakeEtcd('3.5.99'));
    vi.stubEnv('PATH', folder);
    vi.stubEnv('XDG_CACHE_HOME', scratch);
    await cp(cached, join(scratch, 'etcd-remediation/etcd/3.5.99'), { recursive: true });
    expect((await findEtcd('3.5')).version).toBe('3.5.99');
    expect((await findEtcd('3.6')).version).toBe('3.6.1');
  });

  it('takes the programs of a folder', async () => {
    const folder = await programs({ ...fakeEtcd('3.5.16'), etcdutl: 'exit 0' });
    expect(await findEtcd(folder)).toMatchObject({ version: '3.5.16', etcdutl: join(folder, 'etcdutl') });
  });
});

describe('a request', () => {
  it.each([
    ['3.3', '3.3.25', 'bullseye'],
    ['3.5', '3.5.16', 'trixie'],
    ['3.5.35', '3.5.35', undefined],
    ['3.6', '3.6.16', undefined],
    ['3.7', '3.7.3', undefined],
    ['3.8', undefined, undefined],
  ])('for %s means %s, which Debian offers in %s', (request, version, suite) => {
    expect([knownRelease(request), knownSuite(request)]).toEqual([version, suite]);
  });
});

describe('what it says when there is no etcd', () => {
  it('names the PATH, the cache and what to do, on a machine without apt', async () => {
    vi.stubEnv('PATH', await programs({}));
    vi.stubEnv('XDG_CACHE_HOME', scratch);
    const error = await findEtcd().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'EtcdNotFound' });
    const message = String(error);
    expect(message).toContain('the PATH: no etcd');
    expect(message).toContain(join(scratch, 'etcd-remediation/etcd'));
    expect(message).toContain('apt-get is not on the PATH');
    expect(message).toContain('go is not on the PATH');
    expect(message).toContain('--etcd DIR');
    expect(message).toContain('release archive');
  });

  it('says that a release before 3.5 cannot be built, and asks Debian first for what Debian offers', async () => {
    vi.stubEnv('PATH', await programs({ go: 'exit 1' }));
    vi.stubEnv('XDG_CACHE_HOME', scratch);
    const error = await findEtcd('3.4').catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(/Debian's packages: .*\n.*Go modules: releases before 3\.5 cannot be built/);
  });

  it('gives what go says, and leaves nothing in the cache', async () => {
    vi.stubEnv('PATH', await programs({ go: 'echo "no such host" >&2; exit 1' }));
    vi.stubEnv('XDG_CACHE_HOME', scratch);
    const error = await findEtcd('3.7').catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('no such host');
    expect(await readdir(join(scratch, 'etcd-remediation/etcd'))).toEqual([]);
  });

  it('names the folder that holds no etcd', async () => {
    await expect(findEtcd(scratch)).rejects.toMatchObject({
      name: 'EtcdNotFound',
      message: expect.stringContaining(`${scratch}: no etcd`),
    });
  });

  it('names the program that is missing beside etcd', async () => {
    const { etcd } = fakeEtcd('3.5.16');
    const folder = await programs({ etcd });
    await expect(findEtcd(folder)).rejects.toThrow('no etcdctl');
  });

  it('says that a request is neither a version nor a folder', async () => {
    await expect(findEtcd('latest')).rejects.toThrow('neither a version, such as 3.5 or 3.5.16, nor a folder');
  });

  it("names Debian's suites, and apt's complaint, when none offers the version", async () => {
    const madison = ['etcd-server', 'etcd-client'].map((name) => `echo "${name} | 3.5.16-4 | a mirror"`).join('\n');
    vi.stubEnv(
      'PATH',
      await programs({
        'apt-get':
          'case $* in *indextargets*) echo "http://127.0.0.1/debian main Debian";; *) echo "W: no answer" >&2;; esac',
        'apt-cache': madison,
        dpkg: 'echo amd64',
      }),
    );
    vi.stubEnv('XDG_CACHE_HOME', scratch);
    const error = await findEtcd('9.9.9').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'EtcdNotFound' });
    expect(String(error)).toContain('sid, trixie, bookworm, bullseye, none that answered offers it');
    expect(String(error)).toContain('W: no answer');
    expect(await readdir(join(scratch, 'etcd-remediation/etcd'))).toEqual([]);
  });
});
