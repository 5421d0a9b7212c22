import { Command, InvalidArgumentError, Option } from 'commander';
import type { StoreAnalysis } from '../core/space-reclaim/store-analysis.ts';
import { messageOf } from '../core/text/failures.ts';
import { ExecutionError } from '../local/asl/errors.ts';
import { type Analyzed, finishAnalysis } from './analysis-report.ts';
import { type AnalyzeFlags, analysisRequest } from './analysis-request.ts';
import { takeDeployment } from './deployed/commands.ts';
import { clusterNamed, readFiles, requireSecrets, takeFiles } from './files.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { whileNothingChanges } from './signals.ts';
import { startPlatform } from './start-platform.ts';

const STEP = 'analyze-store';
const MOST_SECONDS = 120;

/** `etcd-remediation analyze`: what fills the store of a cluster. */
export function analyzeCommand(): Command {
  const command = new Command('analyze')
    .helpGroup(WITHOUT_AWS)
    .summary('say what fills the store of a cluster, by the prefixes of its keys')
    .description(
      'Reads the keys of a cluster from a follower, while it serves its clients, and counts by prefix: keys, bytes, revisions, leases. ' +
        'Keys of Kubernetes are grouped by resource. Changes nothing, and prints no value. It reads in pages, and waits after each for as ' +
        'long as that took. It ends after --seconds, and says how much it has read. The number of revisions is an estimate.\n\n' +
        'With --deployed the deployed function reads, and this machine need not reach the cluster.',
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  takeFiles(command)
    .option('--seconds <n>', 'how long it reads at most', parseSeconds, 30)
    .option('--growth <seconds>', 'wait so long first, and say what was written meanwhile', parseSeconds, 0)
    .option('--keys', 'name the ten largest keys, too', false)
    .addOption(
      new Option('--deployed', 'ask what is deployed to AWS; no file is needed')
        .default(false)
        .conflicts(['config', 'secrets', 'hosts']),
    );
  return takeDeployment(command)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        [
          'analyze orders --config clusters.json --secrets secrets.json',
          'analyze orders --growth 60 --keys',
          'analyze orders --deployed',
        ],
        '0 the keys were counted, also where the time was over before the last; 1 they could not be read; 2 for a wrong use.',
      ),
    )
    .action(async (name: string, flags: AnalyzeFlags) => {
      if (!flags.deployed) return analyze(name, flags);
      const { analyzeDeployed } = await import('./deployed/analyze.ts');
      return analyzeDeployed(name, flags);
    });
}

async function analyze(name: string, flags: AnalyzeFlags): Promise<void> {
  const output = openOutput(flags.json);
  const { file, secrets } = await readFiles(flags);
  const cluster = clusterNamed(name, file, flags.config);
  requireSecrets([cluster], secrets);

  using _ = whileNothingChanges();
  output.print(`Analyzing ${name} (nothing is changed)`);
  const progress = new Progress(output);
  const preparing = progress.begin('Bundling the steps');
  // What AWS holds is for the deployed functions.
  const { backups: __, ...seen } = cluster;
  const platform = await startPlatform({ file: { clusters: [seen] }, secrets }).finally(() =>
    preparing[Symbol.dispose](),
  );
  try {
    const look = platform.invokeStep(STEP, analysisRequest(name, flags)) as Promise<StoreAnalysis>;
    const told = progress.during('Read keys', name, look, ({ readKeys }) => `${readKeys} read`);
    finishAnalysis(output, await resultOf(name, told));
  } finally {
    await platform.close();
  }
}

async function resultOf(cluster: string, look: Promise<StoreAnalysis>): Promise<Analyzed> {
  try {
    return { cluster, analysis: await look };
  } catch (thrown) {
    if (!(thrown instanceof ExecutionError)) throw thrown;
    return { cluster, analysis: null, error: thrown.error, cause: messageOf(thrown.cause) };
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MOST_SECONDS) return seconds;
  throw new InvalidArgumentError(`It must be a whole number of seconds from 1 to ${MOST_SECONDS}.`);
}
