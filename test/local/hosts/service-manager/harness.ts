import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { runScript } from '../../../../local/hosts/access.ts';
import type { Host, HostFleet } from '../../../../local/hosts/host.ts';
import { startProcessHosts } from '../../../../local/hosts/process-hosts.ts';
import { WAIT_MS } from '../../../run/patience.ts';

export interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** One host for all tests of a file. */
export function oneHost(binDir = '/nowhere') {
  let fleet: HostFleet;
  beforeAll(async () => {
    fleet = await startProcessHosts({ count: 1, binDir });
  });
  afterAll(() => fleet.close());

  const host = (): Host => {
    const [first] = fleet.hosts;
    if (first === undefined) throw new Error('there is no host');
    return first;
  };
  const run = async (script: string): Promise<Ran> => {
    const { started, exitCode, stdout, stderr } = await runScript(host().access, script, { timeoutMs: WAIT_MS });
    expect(started, stderr).toBe(true);
    return { exitCode, stdout, stderr };
  };
  return {
    host,
    run,
    /** Writes a file of the unit folder: a unit, or a drop-in. */
    write: async (name: string, text: string): Promise<string> => {
      const file = join(host().unitDir, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    /** The values of a unit's properties, in the order of the names. */
    show: async (unit: string, ...names: string[]): Promise<(string | undefined)[]> => {
      const { stdout } = await run(`systemctl show -p ${names.join(',')} ${unit}`);
      const values = new Map(stdout.split('\n').map((line) => [line.split('=', 1)[0], line.replace(/^[^=]*=/, '')]));
      return names.map((name) => values.get(name));
    },
    log: async (unit: string): Promise<string[]> =>
      (await run(`journalctl -u ${unit} -n 1000 --no-pager -q -o cat`)).stdout.split('\n').slice(0, -1),
  };
}
