import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnPath, runProgram } from '../etcd/executables.ts';

export const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Where apt works: on lists, a cache and a status file of its own in `folder`. It installs nothing, needs no root, and
 * changes nothing of the machine's own apt. It verifies signatures as ever.
 */
export interface AptWorkspace {
  folder: string;
  /** The command through which apt reaches the network; none where this process reaches it itself. */
  via: readonly string[];
}

/** @throws Error that names the program that is missing */
export async function requireApt(): Promise<void> {
  for (const tool of ['apt-get', 'apt-cache', 'dpkg']) {
    if ((await findOnPath(tool)) === undefined) throw new Error(`${tool} is not on the PATH`);
  }
}

/**
 * The URIs that may be Debian's main archive in the machine's apt configuration. Where apt has never read an index it knows
 * no labels: then it may be any but a security archive's, and those which lack the suite do no harm.
 */
export async function debianMirrors(): Promise<string[]> {
  const targets = async (...options: string[]) => {
    const format = ['--format', '$(REPO_URI) $(COMPONENT) $(LABEL)'];
    const { stdout } = await runProgram('apt-get', ['indextargets', ...options, ...format, 'Created-By: Packages'], {
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
 * Reads these suites' indexes, and returns apt's complaints. It fails as a whole when one suite does not answer or one of the
 * machine's hooks fails; what counts is what the indexes offer in the end.
 */
export async function readIndexes(workspace: AptWorkspace, mirrors: string[], suites: string[]): Promise<string[]> {
  await writeSources(workspace, mirrors, suites);
  const output = await apt(workspace, 'apt-get', ['update']).then(
    ({ stderr }) => stderr,
    (error: Error) => error.message,
  );
  return output.split('\n').filter((line) => /^[EW]: /.test(line));
}

/** Downloads packages (`name`, or `name=version`), unpacks them into one tree, and returns its root. */
export async function downloadAndUnpack(workspace: AptWorkspace, wanted: readonly string[]): Promise<string> {
  const packages = join(workspace.folder, 'packages');
  await apt(workspace, 'apt-get', ['download', ...wanted], packages);
  const root = join(workspace.folder, 'root');
  for (const archive of await readdir(packages)) {
    await runProgram('dpkg', ['-x', join(packages, archive), root], { timeout: 60_000 });
  }
  return root;
}

/** Runs a program of apt on the workspace alone. As root it stays root: the folder may be where the user `_apt` cannot look. */
export function apt({ folder, via }: AptWorkspace, program: string, args: readonly string[], cwd = folder) {
  const options = {
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State': join(folder, 'state'),
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '15',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const [first = program, ...rest] = [...via, program, ...flags, ...args];
  return runProgram(first, rest, { cwd, timeout: 180_000, env: { ...process.env, LC_ALL: 'C' } });
}

async function writeSources({ folder }: AptWorkspace, mirrors: string[], suites: string[]): Promise<void> {
  const architecture = (await runProgram('dpkg', ['--print-architecture'], { timeout: 10_000 })).stdout.trim();
  const hasKeyring = await access(DEBIAN_KEYRING).then(
    () => true,
    () => false,
  );
  const options = `target=Packages arch=${architecture}${hasKeyring ? ` signed-by=${DEBIAN_KEYRING}` : ''}`;
  const lines = mirrors.flatMap((uri) => suites.map((suite) => `deb [${options}] ${uri} ${suite} main\n`));
  for (const each of ['lists/partial', 'cache/archives/partial', 'state', 'packages']) {
    await mkdir(join(folder, each), { recursive: true });
  }
  await writeFile(join(folder, 'sources.list'), lines.join(''));
  await writeFile(join(folder, 'status'), '');
}
