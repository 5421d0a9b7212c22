import { describe, expect, it } from 'vitest';
import { type HostCommandName, SENT_AT } from '../../core/hosts/host-commands.ts';
import { readScript } from '../../lib/command-documents.ts';
import { hostFor, SCENES } from './broken-tools.ts';
import { isLinuxRoot } from './data-dir-host.ts';
import { callsOn } from './recovery-host.ts';
import { failureOf, refuse, runText } from './script.ts';

describe.skipIf(!isLinuxRoot)('a command that was sent before the host was started (needs root)', () => {
  it.each(SENT_AT.commands as HostCommandName[])('starts, stops and moves nothing: %s', async (command) => {
    using host = await hostFor(command);
    const before = callsOn(host);
    const parameters = { ...SCENES[command].parameters(host, ''), sentAt: '1' };
    expect(await refuse(host.access, command, parameters)).toMatchObject({
      ...{ exitCode: 65, refusal: 'sent-before-boot' },
      message: expect.stringMatching(/before this host was started, \d+ s ago/),
    });
    expect(callsOn(host)).toEqual(before);
  });

  it.each(SENT_AT.commands as HostCommandName[])(
    'is not told from another where the host does not say how long it is up, so neither is run: %s',
    async (command) => {
      using host = await hostFor(command);
      const before = callsOn(host);
      const script = readScript(command).replaceAll('/proc/uptime', host.path('uptime'));
      const run = await runText(host.access, script, SCENES[command].parameters(host, ''));
      expect(failureOf(command, run)).toMatchObject({
        exitCode: 1,
        message: expect.stringContaining('nobody knows whether this host was started since'),
      });
      expect(callsOn(host)).toEqual(before);
    },
  );

  it('stops nothing of a member that is left out either', async () => {
    using host = await hostFor('swap-data-dir');
    const before = callsOn(host);
    const parameters = { ...SCENES['swap-data-dir'].parameters(host, ''), data: 'leave', sentAt: '1' };
    expect(await refuse(host.access, 'swap-data-dir', parameters)).toMatchObject({ refusal: 'sent-before-boot' });
    expect(callsOn(host)).toEqual(before);
  });
});
