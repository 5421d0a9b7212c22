import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseDelivery } from '../cli/options.ts';
import { openOutput } from '../cli/output.ts';
import { endOnSignals, printAtSignal } from '../cli/signals.ts';
import { findEtcd } from '../local/etcd/binaries.ts';
import { describeMachine } from './machine.ts';
import type { Bench, Part } from './part.ts';
import { PARTS } from './parts.ts';
import { parseMembers, parseSizes } from './places.ts';
import { Progress } from './progress.ts';
import { type Head, headLines, type PartResult, partLines, toJson } from './report.ts';

/** Figures of different releases cannot be compared. */
const ETCD = '3.5.16';
const FAILURE = 1;
const WRONG_USE = 2;

/** A median needs some runs, and an odd number of them; the quick one shows that each part runs. */
const ROUNDS = { quick: 1, full: 5 };

interface Flags {
  only?: string;
  quick: boolean;
  sizes?: number[];
  members?: number[];
  etcdDefrag?: string;
  delivery: number;
  json: boolean;
}

function command(): Command {
  return new Command('npm run bench --')
    .description(
      'Compares what this project does with what an operator would type, on real etcd: side by side in one run, for only ratios hold on ' +
        `another machine.\n\nParts:\n${PARTS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}`,
    )
    .addOption(new Option('--only <part>', 'run this part alone').choices(PARTS.map(({ name }) => name)))
    .option(
      '--quick',
      'one run each, smaller stores and three members: less than three minutes on a quiet machine',
      false,
    )
    .option('--sizes <list>', 'of the stores, such as 256MiB,1GiB; 256MiB,1GiB,2GiB, if not said', listOf(parseSizes))
    .option('--members <list>', 'of the clusters, such as 1,3; 1,3,5,7, if not said', listOf(parseMembers))
    .option('--etcd-defrag <path>', 'this program of etcd-defrag, instead of one that is built from its Go module')
    .option('--delivery <seconds>', 'how long a command takes to its host; about 2 with SSM', parseDelivery, 0)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText('after', '\nExit status: 0 every part ran; 1 one did not; 2 for a wrong use.')
    .exitOverride()
    .action(runParts);
}

/** @param parse throws Error that says what is wrong */
function listOf(parse: (text: string) => number[]) {
  return (text: string): number[] => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

async function runParts({ only, quick, sizes, members, etcdDefrag, delivery, json }: Flags): Promise<void> {
  using _ = printAtSignal(() => 'Stopped. The clusters of the benchmark are ended and removed.');
  const { print, finish } = openOutput(json);
  const startedAt = performance.now();
  const binaries = await findEtcd(ETCD, new Progress('etcd').say);
  const head: Head = {
    ...{ quick, etcdVersion: binaries.version, machine: describeMachine() },
    startedAt: new Date().toISOString(),
  };
  for (const line of headLines(head)) print(line);
  const results: PartResult[] = [];
  for (const part of PARTS.filter(({ name, isApart }) => (only === undefined ? !isApart : name === only))) {
    const rounds = ROUNDS[quick ? 'quick' : 'full'];
    const options = {
      ...{ quick, rounds, sizesBytes: sizes, memberCounts: members, etcdDefrag, deliveryMs: delivery * 1000 },
    };
    const result = await runPart(part, { ...options, binaries, progress: new Progress(part.name) });
    results.push(result);
    for (const line of partLines(result)) print(line);
  }
  const tookMs = Math.round(performance.now() - startedAt);
  const failed = results.filter(({ error }) => error !== undefined).map(({ name }) => name);
  if (failed.length > 0) process.exitCode = FAILURE;
  finish(toJson(head, results, tookMs), [
    `${failed.length > 0 ? `These did NOT run: ${failed.join(', ')}.` : 'Every part ran.'} It took ${Math.round(tookMs / 1000)} s.`,
  ]);
}

/** A part that cannot be run leaves the others their turn. */
async function runPart(part: Part, bench: Bench): Promise<PartResult> {
  const startedAt = performance.now();
  const tookMs = () => Math.round(performance.now() - startedAt);
  const { name } = part;
  try {
    const findings = await part.measure(bench);
    return { name, tookMs: tookMs(), ...findings };
  } catch (error) {
    return { name, tookMs: tookMs(), comparisons: [], error: error instanceof Error ? error.message : String(error) };
  }
}

endOnSignals();
try {
  await command().parseAsync(process.argv);
} catch (error) {
  // Commander has written its own message already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE;
  else {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = FAILURE;
  }
}
