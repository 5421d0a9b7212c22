import { isInside, reexecInside } from '../../local/hosts/systemd/enter.ts';
import { backUpByHost } from './by-host-scene.ts';

/**
 * A program that goes inside, lets a host with systemd make a backup, and writes what it found out as a line of JSON.
 *
 * by-host-probe.ts VERSION STORED_MIB
 */

const [version = '', storedMiB] = process.argv.slice(2);
if (isInside()) {
  const found = await backUpByHost('systemd', version, Number(storedMiB));
  process.stdout.write(`${JSON.stringify(found)}\n`);
} else process.exitCode = await reexecInside([process.execPath, ...process.argv.slice(1)]);
