import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { moveIntoCache } from './cache.ts';
import { findOnPath, runProgram, versionOf } from './executables.ts';
import { bestMatch, isRelease, knownRelease } from './versions.ts';

/** Programs and the modules that hold their main packages, as they are laid out since etcd 3.5. */
const MODULES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  etcdctl: 'go.etcd.io/etcd/etcdctl/v3',
  etcdutl: 'go.etcd.io/etcd/etcdutl/v3',
};

/** A build takes about a minute on a quiet core, and a first one downloads some hundred modules. */
const BUILD_WITHIN_MS = 1_800_000;

/**
 * Builds etcd, etcdctl and etcdutl from their Go modules, in a module of its own that is thrown away.
 *
 * @returns the folder `<cache>/<version>` that holds the three programs
 * @throws Error that says why it cannot be done here
 */
export async function buildFromGoModules(
  request: string,
  cache: string,
  progress: (line: string) => void,
): Promise<string> {
  if (/^3\.[0-4](\.|$)/.test(request)) throw new Error('releases before 3.5 cannot be built from modules');
  if ((await findOnPath('go')) === undefined) throw new Error('go is not on the PATH');
  await mkdir(cache, { recursive: true });
  const module = await mkdtemp(join(cache, '.build-'));
  const env = { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off', CGO_ENABLED: '0' };
  const go = (...args: string[]) => runProgram('go', args, { cwd: module, timeout: BUILD_WITHIN_MS, env });
  try {
    await writeFile(join(module, 'go.mod'), 'module etcd.build\n');
    const version = isRelease(request) ? request : await newest(request, go);
    progress(`etcd ${version}: downloading its Go modules`);
    await go('get', ...Object.values(MODULES).map((path) => `${path}@v${version}`));
    progress(`etcd ${version}: building it, which takes a minute or two`);
    const programs = join(module, 'programs');
    await mkdir(programs);
    for (const [program, path] of Object.entries(MODULES)) {
      await go('build', '-trimpath', '-ldflags=-s -w', '-o', join(programs, program), path);
    }
    const built = await versionOf(join(programs, 'etcd'));
    if (built !== version) throw new Error(`the Go modules of etcd ${version} build etcd ${built}`);
    return await moveIntoCache(programs, join(cache, version));
  } finally {
    await rm(module, { recursive: true, force: true });
  }
}

/** The release that `3.6` stands for. Candidates and alphas are not releases. */
async function newest(request: string, go: (...args: string[]) => Promise<{ stdout: string }>): Promise<string> {
  const known = knownRelease(request);
  if (known !== undefined) return known;
  const { stdout } = await go('list', '-m', '-versions', MODULES.etcd);
  const offered = stdout
    .trim()
    .split(/\s+/)
    .map((version) => version.replace(/^v/, ''));
  const version = bestMatch(offered.filter(isRelease), request);
  if (version === undefined) throw new Error(`${MODULES.etcd} has no release ${request}`);
  return version;
}
