import { createInterface } from 'node:readline';
import { runScript, type ScriptRun } from '../../local/hosts/access.ts';
import type { Host } from '../../local/hosts/host.ts';
import { isInside, reexecInside } from '../../local/hosts/systemd/enter.ts';
import { startSystemdHosts } from '../../local/hosts/systemd-hosts.ts';
import { WAIT_MS } from '../run/patience.ts';

/**
 * A program that goes inside, starts hosts, and does what it reads: a line of JSON on standard input is an order, one on
 * standard output its answer. The first line that it writes is what it has started.
 *
 * systemd-probe.ts COUNT BIN_DIR
 */

export type ProbeOrder = { host: number; script: string } | { get: string } | { close: true } | { startAgain: true };
export type ProbeStart = { pid: number; hosts: readonly Host[] };
export type ProbeAnswer = ProbeStart | ScriptRun | { body: string } | { closed: true };

if (isInside()) await serve(Number(process.argv[2]), process.argv[3] ?? '');
else process.exitCode = await reexecInside([process.execPath, ...process.argv.slice(1)]);

async function serve(count: number, binDir: string): Promise<void> {
  const start = async () => {
    const fleet = await startSystemdHosts({ count, binDir }, (line) => process.stderr.write(`${line}\n`));
    say({ pid: process.pid, hosts: fleet.hosts });
    return fleet;
  };
  let fleet = await start();
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as ProbeOrder;
    if ('close' in order) {
      await fleet.close();
      say({ closed: true });
    } else if ('startAgain' in order) {
      fleet = await start();
    } else if ('get' in order) {
      say({ body: await fetch(order.get).then((response) => response.text()) });
    } else {
      const access = fleet.hosts[order.host]?.access ?? { exec: ['false'] };
      say(await runScript(access, order.script, { timeoutMs: WAIT_MS }));
    }
  }
  await fleet.close();
}

function say(answer: ProbeAnswer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
