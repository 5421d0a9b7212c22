import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findInFolder, findOnPath, run, versionOf } from './executables.ts';
import { bestMatch, suitesInOrder } from './versions.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PACKAGES = ['etcd-server', 'etcd-client'];
const PROGRAMS = ['etcd', 'etcdctl', 'etcdutl'];

/** A version that both packages have, and what apt calls it: 3.5.16 is `3.5.16-4`. */
type Offer = { version: string; packageVersion: string };

/**
 * Fetches etcd's Debian packages by name into `<cache>/<version>`, without installing anything and without root: apt works on
 * lists, a cache and a status file of its own in a folder that is removed afterwards. It verifies signatures as ever.
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
  for (const tool of ['apt-get', 'apt-cache', 'dpkg']) {
    if ((await findOnPath(tool)) === undefined) throw new Error(`${tool} is not on the PATH`);
  }
  const mirrors = await debianMirrors();
  await mkdir(cache, { recursive: true });
  const workspace = await mkdtemp(join(cache, '.fetch-'));
  try {
    const { likely, others } = suitesInOrder(request);
    const complaints: string[] = [];
    for (const suites of [[likely], others]) {
      progress(`etcd ${request}: reading Debian's package index of ${suites.join(', ')}`);
      await writeSources(workspace, mirrors, suites);
      complaints.push(...(await readIndexes(workspace)));
      const offer = await findOffer(workspace, request);
      if (offer === undefined) continue;
      progress(`etcd ${offer.version}: downloading Debian's ${PACKAGES.join(' and ')} ${offer.packageVersion}`);
      return await moveIntoCache(await unpack(workspace, offer), join(cache, offer.version));
    }
    const said = complaints[0] === undefined ? '' : ` (apt-get: ${complaints[0]})`;
    throw new Error(`of the suites ${[likely, ...others].join(', ')}, none that answered offers it${said}`);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

/**
 * The URIs that may be Debian's main archive in the machine's apt configuration. Where apt has never read an index it knows
 * no labels: then it may be any but a security archive's, and those which lack the suite do no harm.
 */
async function debianMirrors(): Promise<string[]> {
  const targets = async (...options: string[]) => {
    const format = ['--format', '$(REPO_URI) $(COMPONENT) $(LABEL)'];
    const { stdout } = await run('apt-get', ['indextargets', ...options, ...format, 'Created-By: Packages'], {
      timeout: 10_000,
    });
    return stdout.split('\n').flatMap((line) => {
      const [uri, component, ...label] = line.split(' ');
      return uri !== undefined && component === 'main' ? [{ uri, label: label.join(' ') }] : [];
    });
  };
  const read = await targets();
  const mirror = read.find(({ label }) => label === 'Debian');
  if (mirror !== undefined) return [mirror.uri];
  const unread = read.length > 0 ? [] : await targets('--no-release-info');
  const uris = new Set(unread.map(({ uri }) => uri).filter((uri) => !uri.includes('security')));
  if (uris.size === 0) throw new Error("apt's configuration names no mirror of Debian");
  return [...uris];
}

/**
 * Reads the indexes, and returns apt's complaints. It fails as a whole when one suite does not answer or one of the machine's
 * hooks fails; what counts is what the indexes offer in the end.
 */
async function readIndexes(workspace: string): Promise<string[]> {
  const said = await apt(workspace, 'apt-get', ['update']).then(
    ({ stderr }) => stderr,
    (error: Error) => error.message,
  );
  return said.split('\n').filter((line) => /^[EW]: /.test(line));
}

async function findOffer(workspace: string, request: string): Promise<Offer | undefined> {
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

async function writeSources(workspace: string, mirrors: string[], suites: string[]): Promise<void> {
  const architecture = (await run('dpkg', ['--print-architecture'], { timeout: 10_000 })).stdout.trim();
  const hasKeyring = await access(KEYRING).then(
    () => true,
    () => false,
  );
  const options = `target=Packages arch=${architecture}${hasKeyring ? ` signed-by=${KEYRING}` : ''}`;
  const lines = mirrors.flatMap((uri) => suites.map((suite) => `deb [${options}] ${uri} ${suite} main\n`));
  for (const folder of ['lists/partial', 'cache/archives/partial', 'state', 'packages']) {
    await mkdir(join(workspace, folder), { recursive: true });
  }
  await writeFile(join(workspace, 'sources.list'), lines.join(''));
  await writeFile(join(workspace, 'status'), '');
}

/** Runs a program of apt on the workspace alone. As root it stays root: the cache may be where the user `_apt` cannot look. */
function apt(workspace: string, program: string, args: string[], cwd = workspace) {
  const options = {
    'Dir::Etc::SourceList': join(workspace, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': join(workspace, 'state'),
    'Dir::State::Lists': join(workspace, 'lists'),
    'Dir::State::status': join(workspace, 'status'),
    'Dir::Cache': join(workspace, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '15',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return run(program, [...flags, ...args], { cwd, timeout: 180_000, env: { ...process.env, LC_ALL: 'C' } });
}

/** Unpacks the offer's packages and gathers the programs in one folder, which is returned. */
async function unpack(workspace: string, offer: Offer): Promise<string> {
  const packages = join(workspace, 'packages');
  const wanted = PACKAGES.map((name) => `${name}=${offer.packageVersion}`);
  await apt(workspace, 'apt-get', ['download', ...wanted], packages);
  const root = join(workspace, 'root');
  for (const archive of await readdir(packages)) {
    await run('dpkg', ['-x', join(packages, archive), root], { timeout: 60_000 });
  }
  const folder = join(workspace, 'programs');
  await mkdir(folder);
  for (const program of PROGRAMS) {
    const unpacked = await findInFolder(join(root, 'usr/bin'), program);
    if (unpacked !== undefined) await rename(unpacked, join(folder, program));
  }
  const version = await versionOf(join(folder, 'etcd'));
  if (version !== offer.version) throw new Error(`Debian's etcd-server ${offer.packageVersion} holds etcd ${version}`);
  return folder;
}

/** Another process may have put the same version there in the meantime: then its folder stays, and is as good. */
async function moveIntoCache(folder: string, destination: string): Promise<string> {
  try {
    await rename(folder, destination);
  } catch (error) {
    if ((await findInFolder(destination, 'etcd')) === undefined) throw error;
  }
  return destination;
}

/** `1:3.3.25+dfsg-6` packages 3.3.25; a release candidate, `3.6.0~rc1-1`, is no release. */
function upstreamVersion(packageVersion: string): string | undefined {
  return /^(?:\d+:)?(\d+\.\d+\.\d+)(?![\d~])/.exec(packageVersion)?.[1];
}
