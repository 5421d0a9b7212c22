import { execFile } from 'node:child_process';
import { etcdEnvironment } from './executables.ts';

/** How to reach a cluster: `ca`, `cert` and `key` are PEM files. `user` is `name:password`. */
export type EtcdctlAccess = {
  endpoints: string[];
  files?: { ca: string; cert?: string; key?: string };
  user?: string | undefined;
};

/**
 * Runs etcdctl and returns its standard output. Credentials go through the environment and standard input: a command line can
 * be read by everyone on the machine. `--endpoints` in `args` goes before `access.endpoints`.
 * @throws Error with etcdctl's own words; the arguments after the second are left out of it, for they may hold a password
 */
export function runEtcdctl(program: string, args: string[], access: EtcdctlAccess, input = ''): Promise<string> {
  const { endpoints, files, user } = access;
  // etcdctl refuses a variable and a flag for the same thing.
  const endpointsGiven = args.some((arg) => arg.startsWith('--endpoints'));
  const env = {
    ...etcdEnvironment(),
    ETCDCTL_API: '3',
    ...(endpointsGiven ? {} : { ETCDCTL_ENDPOINTS: endpoints.join(',') }),
    ...(files === undefined ? {} : { ETCDCTL_CACERT: files.ca }),
    ...(files?.cert === undefined ? {} : { ETCDCTL_CERT: files.cert }),
    ...(files?.key === undefined ? {} : { ETCDCTL_KEY: files.key }),
    ...(user === undefined ? {} : { ETCDCTL_USER: user }),
  };
  return new Promise((resolve, reject) => {
    const options = { env, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const message = /^Error: (.*)$/m.exec(stderr)?.[1] ?? (stderr.trim() || stdout.trim());
      const why = message || (error.killed ? 'no answer within 120 s' : `exit code ${error.code}`);
      reject(new Error(`etcdctl ${args.slice(0, 2).join(' ')}: ${why}`));
    });
    // etcdctl may end without reading what it was given.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** Creates the user root with the role root, and enables authentication. @param etcdctl runs it against the cluster */
export async function enableAuth(
  etcdctl: (args: string[], input?: string) => Promise<string>,
  password: string,
): Promise<void> {
  await etcdctl(['user', 'add', 'root', '--interactive=false'], `${password}\n`);
  await etcdctl(['role', 'add', 'root']);
  await etcdctl(['user', 'grant-role', 'root', 'root']);
  await etcdctl(['auth', 'enable']);
}
