import { isInside, reexecInside } from '../../local/hosts/systemd/enter.ts';
import { letRejoin } from './rejoin-scene.ts';

/**
 * A program that goes inside, lets a member on hosts with systemd start empty, and writes what it found out as a line of JSON.
 *
 * rejoin-probe.ts VERSION
 */

if (isInside()) process.stdout.write(`${JSON.stringify(await letRejoin('systemd', process.argv[2] ?? ''))}\n`);
else process.exitCode = await reexecInside([process.execPath, ...process.argv.slice(1)]);
