import { describe, expect, it } from 'vitest';
import { runScript } from '../../local/hosts/access.ts';
import { WAIT_MS } from '../run/patience.ts';
import { PreparedHost } from './prepared-host.ts';
import { succeed } from './script.ts';

describe('find-command', () => {
  it('knows whether anything of a command still runs, and how long the host is up', async () => {
    using host = new PreparedHost();
    const stop = new AbortController();
    const find = (commandId: string) => succeed(host.access, 'find-command', { commandId });
    // As etcd's own programs are started: they get nothing of the environment but this.
    const script = `echo > '${host.path('begun')}'; env -i SSM_COMMAND_ID="$SSM_COMMAND_ID" sleep 60`;
    const run = runScript(host.access, script, { timeoutMs: WAIT_MS, commandId: 'c-1', signal: stop.signal });
    await expect.poll(() => host.has('begun')).toBe(true);
    await expect.poll(async () => (await find('c-1')).running).toBe(true);
    expect(await find('c-2')).toEqual({ running: false, upSeconds: expect.any(Number) });
    stop.abort();
    await run;
    await expect.poll(async () => (await find('c-1')).running).toBe(false);
  });
});
