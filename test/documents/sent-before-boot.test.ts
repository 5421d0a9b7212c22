import { describe, expect, it } from 'vitest';
import { type HostCommandName, SENT_AT } from '../../core/hosts/host-commands.ts';
import { hostFor, SCENES } from './broken-tools.ts';
import { isLinuxRoot } from './data-dir-host.ts';
import { callsOn } from './recovery-host.ts';
import { refuse } from './script.ts';

describe.skipIf(!isLinuxRoot)('a command that was sent before the host was started (needs root)', () => {
  it.each(SENT_AT.commands as HostCommandName[])('starts and stops nothing: %s', async (command) => {
    using host = await hostFor(command);
    const before = callsOn(host);
    const parameters = { ...SCENES[command].parameters(host, ''), sentAt: '1' };
    expect(await refuse(host.access, command, parameters)).toMatchObject({
      ...{ exitCode: 65, refusal: 'sent-before-boot' },
      message: expect.stringMatching(/before this host was started, \d+ s ago/),
    });
    expect(callsOn(host)).toEqual(before);
  });

  it('stops nothing of a member that is left out either', async () => {
    using host = await hostFor('swap-data-dir');
    const before = callsOn(host);
    const parameters = { ...SCENES['swap-data-dir'].parameters(host, ''), data: 'leave', sentAt: '1' };
    expect(await refuse(host.access, 'swap-data-dir', parameters)).toMatchObject({ refusal: 'sent-before-boot' });
    expect(callsOn(host)).toEqual(before);
  });
});
