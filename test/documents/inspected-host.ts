import { owner } from './data-dir-host.ts';
import type { PreparedHost } from './prepared-host.ts';
import { succeed } from './script.ts';

/** The parameters of inspect-host for a prepared host. */
export function parametersFor(host: PreparedHost, overrides: Record<string, string> = {}) {
  return {
    unit: 'etcd',
    dataDir: host.path('data'),
    walDir: '',
    configFile: host.path('etcd.conf'),
    binDir: host.path('bin'),
    ...owner,
    url: '',
    ...overrides,
  };
}

export const inspect = (host: PreparedHost, overrides: Record<string, string> = {}) =>
  succeed(host.access, 'inspect-host', parametersFor(host, overrides));
