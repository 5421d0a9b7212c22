import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { documentParameters, HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { readScript } from '../../lib/command-documents.ts';
import { findShellcheck } from './shellcheck.ts';

const commands = Object.keys(HOST_COMMANDS) as HostCommandName[];
const shellcheck = await findShellcheck();

describe('the script of every command', () => {
  it.each(commands)('%s uses exactly its parameters, each once and in single quotes', (command) => {
    const used = [...readScript(command).matchAll(/^\w+='\{\{ (\w+) \}\}'$/gm)].map(([, name]) => name);
    expect(used.sort()).toEqual(Object.keys(documentParameters(command)).sort());
    expect(readScript(command).match(/\{\{/g)).toHaveLength(used.length);
  });

  it.for(commands)('%s has nothing that shellcheck objects to', (command, { skip }) => {
    if ('missing' in shellcheck) skip(shellcheck.missing);
    else {
      const { status, stdout, error } = spawnSync(shellcheck.path, ['-f', 'gcc', '-'], {
        input: readScript(command),
        encoding: 'utf8',
      });
      expect({ status, stdout, error }).toEqual({ status: 0, stdout: '', error: undefined });
    }
  });
});
