import { Command, Option } from 'commander';
import type { Cluster } from '../core/contracts/clusters.ts';
import type { Diagnosis } from '../core/contracts/diagnosis.ts';
import { ExecutionError } from '../local/asl/errors.ts';
import type { Platform } from '../local/platform.ts';
import { takeDeployment } from './deployed/commands.ts';
import type { DeployedFlags } from './deployed/flags.ts';
import { type Diagnosed, describeDiagnosis, describeUndiagnosed, isHealthy, outcomeOf } from './diagnosis-report.ts';
import { forEachCluster, withoutHosts } from './each-cluster.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { messageOf } from './format.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { whileNothingChanges } from './signals.ts';
import { startPlatform } from './start-platform.ts';

const STEP = 'diagnose-cluster';
interface Flags extends FileFlags, DeployedFlags {
  cluster?: string;
  /** Of which cluster; true for every one. */
  deployed?: string | true;
}

/** `etcd-remediation diagnose`: says which incident a cluster has, and what to type next. */
export function diagnoseCommand(): Command {
  const command = new Command('diagnose')
    .helpGroup(WITHOUT_AWS)
    .summary('say what is wrong with a cluster, and which runbook is next')
    .description(
      'Looks once at every member of a cluster that this machine reaches, and at its hosts where --hosts is given. Says which incident the ' +
        'cluster has, what that rests on, and what to type next. Changes nothing, and takes no longer than 20 seconds for a cluster.\n\n' +
        'With --deployed it is the function that is deployed to AWS that looks, at clusters that this machine need not reach.',
    );
  takeFiles(command)
    .option('--cluster <name>', 'which of the clusters (default: every one)')
    .addOption(
      new Option(
        '--deployed [cluster]',
        'ask what is deployed to AWS, about this cluster (default: every one); no file is needed',
      ).conflicts(['config', 'secrets', 'hosts', 'cluster']),
    );
  return takeDeployment(command)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        ['diagnose --config clusters.json --secrets secrets.json --cluster orders', 'diagnose --deployed orders'],
        '0 every cluster is healthy; 1 one is not, or could not be diagnosed; 2 for a wrong use.',
      ),
    )
    .action(async (flags: Flags) => {
      const { deployed } = flags;
      if (deployed === undefined) return diagnose(flags);
      const { diagnoseDeployed } = await import('./deployed/diagnose.ts');
      return diagnoseDeployed(deployed === true ? undefined : deployed, flags);
    });
}

/** Never rejects for what is wrong with a cluster: that there is no diagnosis is told as well. */
async function diagnoseCluster(
  platform: Platform,
  { name, progress }: { name: string; progress: Progress },
): Promise<Diagnosed> {
  const look = platform.invokeStep(STEP, { cluster: name }) as Promise<Diagnosis>;
  try {
    const diagnosis = await progress.during('Diagnose', name, look, ({ incident }) => incident);
    return { cluster: name, diagnosis };
  } catch (thrown) {
    if (!(thrown instanceof ExecutionError)) throw thrown;
    return { cluster: name, diagnosis: null, error: thrown.error, cause: messageOf(thrown.cause) };
  }
}

async function diagnose(flags: Flags): Promise<void> {
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  const { cluster: name, config } = flags;
  const clusters = name === undefined ? file.clusters : [clusterNamed(name, file, config)];
  requireSecrets(clusters, secrets);

  using _ = whileNothingChanges();
  output.print(`Diagnosing ${clusters.map((each) => each.name).join(', ')} (nothing is changed)`);
  const progress = new Progress(output.print);
  progress.say('Bundling the steps');
  // Where no way to any host is known, that none is reached would say nothing.
  const seen = Object.keys(hosts).length > 0 ? clusters : clusters.map(withoutHosts);
  const platform = await startPlatform({ file: { clusters: seen }, secrets, hosts });
  try {
    const found = await forEachCluster(clusters, (cluster) =>
      diagnoseCluster(platform, { name: cluster.name, progress }),
    );
    const outcome = outcomeOf(found);
    output.finish({ outcome, clusters: found }, describeAll(clusters, found, flags));
    if (outcome !== 'Healthy') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}

/** Those that are healthy first: what is wrong stands at the end, where a terminal shows it. */
function describeAll(clusters: readonly Cluster[], found: readonly Diagnosed[], files: FileFlags): string[] {
  const entries = clusters.map((cluster, index) => ({ cluster, told: found[index] as Diagnosed }));
  const sorted = entries.toSorted((a, b) => Number(isHealthy(b.told)) - Number(isHealthy(a.told)));
  return sorted.flatMap(({ cluster, told }) => [
    '',
    ...(told.diagnosis ? describeDiagnosis(cluster, told.diagnosis, files) : describeUndiagnosed(told)),
  ]);
}
