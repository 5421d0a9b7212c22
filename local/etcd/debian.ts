import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type AptWorkspace, apt, debianMirrors, downloadAndUnpack, readIndexes, requireApt } from '../debian/apt.ts';
import { moveIntoCache } from './cache.ts';
import { findInFolder, versionOf } from './executables.ts';
import { bestMatch, suitesInOrder } from './versions.ts';

const PACKAGES = ['etcd-server', 'etcd-client'];
const PROGRAMS = ['etcd', 'etcdctl', 'etcdutl'];

/** A version that both packages have, and what apt calls it: 3.5.16 is `3.5.16-4`. */
type Offer = { version: string; packageVersion: string };

/**
 * Fetches etcd's Debian packages by name into `<cache>/<version>`, without installing anything and without root.
 *
 * 1. Ask the machine's own apt which mirror of Debian it uses.
 * 2. Read the index of the suite that is likely to offer the version; the other suites' only if it does not.
 * 3. Download and unpack the packages, and run `etcd --version`.
 * 4. Rename the finished folder into the cache: of two processes that fetch at once, both end with a complete folder.
 *
 * @returns the folder
 * @throws Error that says why it cannot be done here
 */
export async function fetchFromDebian(
  request: string,
  cache: string,
  progress: (line: string) => void,
): Promise<string> {
  await requireApt();
  const mirrors = await debianMirrors();
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, '.fetch-'));
  const workspace = { folder, via: [] };
  try {
    const { likely, others } = suitesInOrder(request);
    const complaints: string[] = [];
    for (const suites of [[likely], others]) {
      progress(`etcd ${request}: reading Debian's package index of ${suites.join(', ')}`);
      complaints.push(...(await readIndexes(workspace, mirrors, suites)));
      const offer = await findOffer(workspace, request);
      if (offer === undefined) continue;
      progress(`etcd ${offer.version}: downloading Debian's ${PACKAGES.join(' and ')} ${offer.packageVersion}`);
      return await moveIntoCache(await unpack(workspace, offer), join(cache, offer.version));
    }
    const complaint = complaints[0] === undefined ? '' : ` (apt-get: ${complaints[0]})`;
    throw new Error(`of the suites ${[likely, ...others].join(', ')}, none that answered offers it${complaint}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function findOffer(workspace: AptWorkspace, request: string): Promise<Offer | undefined> {
  const { stdout } = await apt(workspace, 'apt-cache', ['madison', ...PACKAGES]);
  const rows = stdout.split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  const versionsOf = (name?: string) =>
    rows.flatMap(([row, version]) => (row === name && version !== undefined ? [version] : []));
  const [servers, clients] = PACKAGES.map(versionsOf);
  const offers = (servers ?? [])
    .filter((packageVersion) => clients?.includes(packageVersion))
    .map((packageVersion) => ({ packageVersion, version: upstreamVersion(packageVersion) }));
  const versions = offers.flatMap(({ version }) => version ?? []);
  const best = bestMatch(versions, request);
  const packageVersion = offers.find(({ version }) => version === best)?.packageVersion;
  return best === undefined || packageVersion === undefined ? undefined : { version: best, packageVersion };
}

/** Unpacks the offer's packages and gathers the programs in one folder, which is returned. */
async function unpack(workspace: AptWorkspace, offer: Offer): Promise<string> {
  const root = await downloadAndUnpack(
    workspace,
    PACKAGES.map((name) => `${name}=${offer.packageVersion}`),
  );
  const folder = join(workspace.folder, 'programs');
  await mkdir(folder);
  for (const program of PROGRAMS) {
    const unpacked = await findInFolder(join(root, 'usr/bin'), program);
    if (unpacked !== undefined) await rename(unpacked, join(folder, program));
  }
  const version = await versionOf(join(folder, 'etcd'));
  if (version !== offer.version) throw new Error(`Debian's etcd-server ${offer.packageVersion} holds etcd ${version}`);
  return folder;
}

/** `1:3.3.25+dfsg-6` packages 3.3.25; a release candidate, `3.6.0~rc1-1`, is no release. */
function upstreamVersion(packageVersion: string): string | undefined {
  return /^(?:\d+:)?(\d+\.\d+\.\d+)(?![\d~])/.exec(packageVersion)?.[1];
}
