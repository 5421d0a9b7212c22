import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { delimiter } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import { hostFor, SCENES, SNAPSHOT } from './broken-tools.ts';
import { isLinuxRoot } from './data-dir-host.ts';
import { ObjectServer } from './object-server.ts';
import { composeScript } from './script.ts';

// SSM Agent stores what a script says on its own disk, which may be the one that the script has filled.
describe.skipIf(!isLinuxRoot)('what a script has taken of the disk (needs root)', () => {
  it.each<HostCommandName>([
    'fetch-backup',
    'rehearse-restore',
    'restore-snapshot',
    'send-snapshot',
    'snapshot-data-dir',
  ])('is free before it tells why it failed: %s', async (command) => {
    using host = await hostFor(command);
    await using server = await ObjectServer.start((response) => void response.writeHead(200).end(SNAPSHOT));
    // The last thing that each of them does with what it has taken.
    host.program('etcdutl', 'case $2 in --help) echo snapshot restore ;; *) echo broken >&2; exit 1 ;; esac');
    host.program('rm', `wc -c < '${host.path('out')}' >> '${host.path('told')}'; exec /bin/rm "$@"`);
    const script = host.write('script', composeScript(command, SCENES[command].parameters(host, server.url())));
    const out = openSync(host.path('out'), 'w');
    const PATH = `${host.path('bin')}${delimiter}${process.env.PATH}`;
    const child = spawn('bash', [script], { env: { PATH }, stdio: ['ignore', out, 'ignore'] });
    await once(child, 'close');
    closeSync(out);
    expect(host.read('out')).toMatch(/^\{"(message|method)":.*\}\n$/);
    const told = host.read('told').trim().split('\n').map(Number);
    expect(told.length).toBeGreaterThan(1);
    expect(told.filter((bytes) => bytes > 0)).toEqual([]);
  });
});
