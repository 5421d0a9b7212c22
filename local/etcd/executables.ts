import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const runProgram = promisify(execFile);

/** The absolute path of `program` in the first folder of the PATH that holds it as an executable file. */
export async function findOnPath(program: string): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const candidate = resolve(folder, program);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

/** The absolute path of `program` in `folder`, if it is an executable file there. */
export async function findInFolder(folder: string, program: string): Promise<string | undefined> {
  const candidate = resolve(join(folder, program));
  return (await isExecutable(candidate)) ? candidate : undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * What `etcd --version` says of itself: `3.5.16`.
 * @throws Error when it does not run, or says nothing that reads as a version
 */
export async function versionOf(etcd: string): Promise<string> {
  const { stdout } = await runProgram(etcd, ['--version'], { env: etcdEnvironment(), timeout: 60_000 });
  const version = /etcd Version:\s*(\d+\.\d+\.\d+)/i.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${etcd} --version printed no version`);
  return version;
}

/**
 * This process's environment as etcd and etcdctl may see it. They read any ETCD_* and ETCDCTL_* variable as a flag, and
 * refuse to start when one contradicts the command line. Before 3.5 etcd runs on arm64 only where it is asked to.
 */
export function etcdEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^ETCD(CTL)?_/.test(name));
  return {
    ...Object.fromEntries(inherited),
    ...(process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {}),
  };
}
