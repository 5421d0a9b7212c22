import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { parseEnvironmentFile } from './environment-file.ts';
import type { Command } from './main-process.ts';
import { findClientUrl } from './readiness.ts';
import type { Account, Unit } from './unit.ts';
import { expandVariables } from './words.ts';

/** What systemd searches programs in, for those that a service starts. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `clientUrl` is where a service of Type=notify tells that it is ready; undefined for others. */
export interface PreparedStart extends Omit<Command, 'output'> {
  clientUrl: URL | undefined;
}

/**
 * What a service is started with now: nothing is passed on from this process's own environment.
 * @throws Error where it cannot be started: an environment file is missing, or nothing could tell that it is ready
 */
export function prepareStart(unit: Unit, { user }: Account): PreparedStart {
  const environment = new Map([['PATH', PATH], ...unit.environment]);
  if (unit.user !== '') environment.set('USER', user).set('LOGNAME', user).set('HOME', homedir());
  for (const { path, optional } of unit.environmentFiles) {
    for (const [name, value] of readEnvironmentFile(path, optional)) environment.set(name, value);
  }
  const [program = '', ...rest] = unit.execStart;
  const args = [program, ...expandVariables(rest, environment)];
  const clientUrl = unit.type === 'notify' ? findClientUrl(args, environment) : undefined;
  return { args, environment, workingDirectory: unit.workingDirectory, clientUrl };
}

function readEnvironmentFile(path: string, optional: boolean): Map<string, string> {
  try {
    return parseEnvironmentFile(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (optional && (error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new Error(`Failed to load environment files: ${error instanceof Error ? error.message : error}`);
  }
}
