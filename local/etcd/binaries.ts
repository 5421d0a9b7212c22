import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { cacheFolder } from './cache.ts';
import { fetchFromDebian } from './debian.ts';
import { findInFolder, findOnPath, versionOf } from './executables.ts';
import { buildFromGoModules } from './go-modules.ts';
import { bestMatch, DEFAULT_VERSION, knownSuite, satisfies } from './versions.ts';

/** One etcd release on this machine; every path is absolute. Releases before 3.5 have no etcdutl. */
export type EtcdBinaries = { version: string; etcd: string; etcdctl: string; etcdutl?: string };

/** No etcd as requested. The message says what was looked for and where, and how to get it. */
class EtcdNotFound extends Error {
  override readonly name = 'EtcdNotFound';

  constructor(request: string | undefined, looked: string[]) {
    const wanted = request === undefined ? `any version on the PATH, or else ${DEFAULT_VERSION}` : request;
    const howTo = process.platform === 'darwin' ? 'run "brew install etcd", or unpack' : 'unpack';
    super(
      [
        `No etcd found (looked for: ${wanted}). Looked in:`,
        ...looked.map((place) => `- ${place}`),
        `To get it, ${howTo} a release archive from etcd's releases page on GitHub (etcd-io/etcd), or put Go on the PATH: then it is built.`,
        'An archive: put its folder on the PATH, or name it with --etcd DIR,',
        `or make it the folder ${join(cacheFolder(), '<version>')}.`,
      ].join('\n'),
    );
  }
}

/**
 * Finds etcd and etcdctl. Where the machine does not have them they are fetched from Debian's packages, or built from etcd's Go
 * modules, once, into the cache folder.
 *
 * @param request a version (`3.5.16`), the start of one (`3.5`), or the folder that holds the programs. Without it, the PATH's
 *   etcd whatever its version, or else 3.5
 * @param progress gets a line for each thing that a fetch does
 * @throws EtcdNotFound
 */
export async function findEtcd(request?: string, progress: (line: string) => void = () => {}): Promise<EtcdBinaries> {
  if (request !== undefined && (await isFolder(request))) return fromFolder(request);
  if (request !== undefined && !/^\d+(\.\d+){0,2}$/.test(request)) {
    throw new EtcdNotFound(request, [`${request}: neither a version, such as 3.5 or 3.5.16, nor a folder`]);
  }

  const looked: string[] = [];
  const onPath = await gather(findOnPath);
  if (typeof onPath === 'string') looked.push(`the PATH: ${onPath}`);
  else if (request === undefined || satisfies(onPath.version, request)) return onPath;
  else looked.push(`the PATH: it has etcd ${onPath.version} in ${dirname(onPath.etcd)}`);

  const version = request ?? DEFAULT_VERSION;
  const cache = cacheFolder();
  const cached = bestMatch(await readdir(cache).catch(() => []), version);
  const inCache = cached === undefined ? 'nothing of that version' : await gatherFrom(join(cache, cached));
  if (typeof inCache !== 'string') return inCache;
  looked.push(`the cache folder ${cache}: ${inCache}`);

  for (const { title, get } of sourcesOf(version)) {
    const got = await get(version, cache, progress).then(gatherFrom, messageOf);
    if (typeof got !== 'string') return got;
    looked.push(`${title}: ${got}`);
  }
  throw new EtcdNotFound(request, looked);
}

/** A package is there in seconds, a build takes minutes: so what Debian is known to offer is fetched, anything else is built if it can be. */
function sourcesOf(version: string) {
  const debian = { title: "Debian's packages", get: fetchFromDebian };
  const modules = { title: "etcd's Go modules", get: buildFromGoModules };
  return knownSuite(version) === undefined ? [modules, debian] : [debian, modules];
}

async function fromFolder(folder: string): Promise<EtcdBinaries> {
  const found = await gatherFrom(folder);
  if (typeof found !== 'string') return found;
  throw new EtcdNotFound(folder, [`${resolve(folder)}: ${found}`]);
}

/** The programs as `find` knows them, or why they are of no use. */
async function gather(find: (program: string) => Promise<string | undefined>): Promise<EtcdBinaries | string> {
  const [etcd, etcdctl, etcdutl] = await Promise.all(['etcd', 'etcdctl', 'etcdutl'].map(find));
  if (etcd === undefined) return 'no etcd';
  if (etcdctl === undefined) return `${etcd} is there, but no etcdctl`;
  try {
    return { version: await versionOf(etcd), etcd, etcdctl, ...(etcdutl === undefined ? {} : { etcdutl }) };
  } catch (error) {
    return `${etcd} does not run: ${messageOf(error)}`;
  }
}

function gatherFrom(folder: string): Promise<EtcdBinaries | string> {
  return gather((program) => findInFolder(folder, program));
}

/** Anything with a slash is meant as a folder, whether it exists or not. */
async function isFolder(request: string): Promise<boolean> {
  if (request.includes('/')) return true;
  return stat(request).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}
