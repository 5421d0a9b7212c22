import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { sampled } from '../run/worlds.ts';
import {
  type Broken,
  breakTool,
  firstNeedsOf,
  hasFailed,
  hostFor,
  mendTool,
  needsOf,
  OPTIONAL,
  SCENES,
  SNAPSHOT,
  toolsIn,
  waysOf,
} from './broken-tools.ts';
import { isLinuxRoot, parametersFor } from './data-dir-host.ts';
import { ObjectServer } from './object-server.ts';
import type { PreparedHost } from './prepared-host.ts';
import { failureOf, refuse, runCommand, succeed } from './script.ts';

const COMMANDS = Object.keys(HOST_COMMANDS) as HostCommandName[];
/** After these the data may lie aside, and their undo brings it back. */
const MOVES: readonly HostCommandName[] = ['archive-data-dir', 'revert-data-dir', 'swap-data-dir'];

/** The commands that never call a tool, though what all scripts begin with has a function that would. */
const NEVER_CALLED: Readonly<Record<string, readonly HostCommandName[]>> = {
  systemctl: ['fetch-backup', 'rehearse-restore', 'send-snapshot', 'restore-snapshot', 'mark-recovery', 'find-command'],
  flock: ['control-service', 'send-snapshot', 'find-command'],
  gzip: ['send-snapshot', 'swap-data-dir'],
  sha256sum: ['send-snapshot', 'swap-data-dir'],
  // A bash of today knows the time itself.
  date: ['rehearse-restore'],
};
/** Without it a look leaves what a run that was killed has left to the next look; and what never says that it serves is waited for. */
const DONE_WITHOUT: Readonly<Record<string, readonly HostCommandName[]>> = {
  flock: ['inspect-host'],
  grep: ['rehearse-restore'],
};
const calls = (command: HostCommandName, tool: string) => !NEVER_CALLED[tool]?.includes(command);

/** Every way in which a tool that a command calls may be broken. `need` asks the same at the head of every script, so what it finds is tried once. */
function allBroken(): Broken[] {
  const tried = new Set<string>();
  return COMMANDS.flatMap((command) =>
    [...new Set([...needsOf(command), ...toolsIn(command)])]
      .filter((tool) => !(tool in OPTIONAL) && calls(command, tool))
      .flatMap((tool) => waysOf(command, tool))
      .filter(({ tool, way }) => {
        if (way === 'fails later' && DONE_WITHOUT[tool]?.includes(command)) return false;
        if (way === 'fails later' || !firstNeedsOf(command).includes(tool)) return true;
        const isFirst = !tried.has(`${tool} ${way}`);
        tried.add(`${tool} ${way}`);
        return isFirst;
      }),
  );
}

/** What every database on the host holds. */
function databasesOn(host: PreparedHost): string[] {
  const files = readdirSync(host.path('.'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('snap/db'))
    .map((file) => readFileSync(join(host.path('.'), file), 'utf8'));
}

const server = () => ObjectServer.start((response) => void response.writeHead(200, { etag: '"e"' }).end(SNAPSHOT));

const isNamed = (tool: string, text: string) => new RegExp(`\\b${tool}\\b`).test(text);

/** What is wrong with how a script on that host bears it; empty where nothing is. */
async function problemOf({ command, tool, way }: Broken, host: PreparedHost): Promise<string> {
  await using objects = await server();
  const parameters = SCENES[command].parameters(host, objects.url());
  const [data = ''] = databasesOn(host).filter((each) => each === 'old' || command === 'copy-database');
  const run = await runCommand(breakTool(host, { tool, way }), command, parameters);
  const named = `${command}, ${tool} ${way}`;
  if (!databasesOn(host).includes(data)) return `${named}: the data is gone`;
  if (MOVES.includes(command)) {
    mendTool(host, { tool });
    await succeed(host.access, 'revert-data-dir', parametersFor(host));
    if (host.read('data/member/snap/db') !== 'old') return `${named}: the data is not put back`;
  }
  // An inspection tells what later scripts would be refused for.
  if (command === 'inspect-host' && run.exitCode === 0 && isNamed(tool, run.line)) return '';
  if (run.exitCode === 0) return hasFailed(host) || way === 'missing' ? `${named}: it went on: ${run.line}` : '';
  const { message } = failureOf(named, run);
  return isNamed(tool, message) ? '' : `${named}: it is not named: ${message}`;
}

describe.skipIf(!isLinuxRoot)('a host whose tools are not as they should be (needs root)', () => {
  it('does the work of every command where nothing is broken', async () => {
    for (const command of sampled(COMMANDS)) {
      using host = await hostFor(command);
      await using objects = await server();
      await succeed(
        breakTool(host, { tool: 'lsattr', way: 'missing' }),
        command,
        SCENES[command].parameters(host, objects.url()),
      );
    }
  });

  it.each(COMMANDS)('is asked by %s for each tool that it calls', (command) => {
    // Those that only some runbooks call are asked for where it is known that they are needed.
    const needs = [...needsOf(command), ...Object.keys(OPTIONAL), 'flock', 'curl', 'gzip', 'sha256sum'];
    expect(toolsIn(command).filter((tool) => calls(command, tool) && !needs.includes(tool))).toEqual([]);
  });

  it('is looked at by inspect-host for each tool that a later command asks for', () => {
    const asked = [...needsOf('inspect-host'), ...Object.keys(OPTIONAL)];
    // A backup is no runbook: its own command asks, before anything is copied.
    const later = new Set(COMMANDS.filter((command) => command !== 'copy-database').flatMap(needsOf));
    expect([...later].filter((tool) => !asked.includes(tool))).toEqual([]);
  });

  it('has no data replaced where etcd’s own program can read neither it nor what was restored', async () => {
    using host = await hostFor('swap-data-dir');
    host.program('etcdutl', 'exit 1');
    const { message } = await refuse(host.access, 'swap-data-dir', SCENES['swap-data-dir'].parameters(host, ''));
    expect(message).toContain('etcdutl can read neither the data of this member');
    expect(host.read('data/member/snap/db')).toBe('old');
  });

  it('ends a script with a message that names the tool, and keeps the data', async () => {
    const problems: string[] = [];
    // All in the full run, a few in any other.
    for (const [command, cells] of Map.groupBy(sampled(sampled(sampled(allBroken()))), (each) => each.command)) {
      using host = await hostFor(command);
      const putBack = host.keep();
      for (const broken of cells) {
        putBack();
        const problem = await problemOf(broken, host);
        if (problem !== '') problems.push(problem);
      }
    }
    expect(problems).toEqual([]);
  });
});
