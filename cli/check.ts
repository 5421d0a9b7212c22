import { Command, Option } from 'commander';
import { CHECK_STATE_MACHINE, type CheckReport } from '../core/contracts/check.ts';
import type { Cluster } from '../core/contracts/clusters.ts';
import { hostsOf } from '../core/contracts/clusters.ts';
import type { HostsFile } from '../local/hosts/access.ts';
import { Platform } from '../local/platform.ts';
import { type Checked, checkOutcomeOf, describeCheck } from './check-report.ts';
import { takeDeployment } from './deployed/commands.ts';
import type { DeployedFlags } from './deployed/flags.ts';
import { forEachCluster, withoutHosts } from './each-cluster.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { whileNothingChanges } from './signals.ts';
import { type StagingAddress, stagingAddressOption, stagingAt } from './staging-address.ts';

interface Flags extends FileFlags, DeployedFlags {
  stagingAddress?: StagingAddress;
  cluster?: string;
  /** Of which cluster; true for every one. */
  deployed?: string | true;
}

/** `etcd-remediation check`: says on a quiet day what would keep a remediation from its work. */
export function checkCommand(): Command {
  const command = new Command('check')
    .helpGroup(WITHOUT_AWS)
    .summary('say on a quiet day what would keep a remediation from its work')
    .description(
      'Looks at everything that a remediation will rest on: the configuration, the secrets, the certificates, who answers at each address, the ' +
        'login, the quota, the releases, and, where --hosts is given, whether each host is fit for a replacement and for a quorum recovery. Says a ' +
        'line for each thing that has to be corrected, and for each that is well. Changes nothing. Run it first, and after every change.\n\n' +
        'With --deployed it is what is deployed to AWS that looks, at clusters and hosts that this machine need not reach.',
    );
  takeFiles(command)
    .addOption(
      stagingAddressOption('each host is asked whether it could fetch the snapshot of a quorum recovery from there'),
    )
    .option('--cluster <name>', 'which of the clusters (default: every one)')
    .addOption(
      new Option(
        '--deployed [cluster]',
        'let what is deployed to AWS check this cluster (default: every one); no file is needed',
      ).conflicts(['config', 'secrets', 'hosts', 'stagingAddress', 'cluster']),
    );
  return takeDeployment(command)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        [
          'check --config clusters.json --secrets secrets.json --hosts hosts.json --staging-address 10.0.1.5',
          'check --config clusters.json --secrets secrets.json --cluster orders',
          'check --deployed orders',
        ],
        '0 nothing has to be corrected; 1 something has, or could not be looked at; 2 for a wrong use.',
      ),
    )
    .action(async (flags: Flags) => {
      const { deployed } = flags;
      if (deployed === undefined) return check(flags);
      const { checkDeployed } = await import('./deployed/check.ts');
      return checkDeployed(deployed === true ? undefined : deployed, flags);
    });
}

async function check(flags: Flags): Promise<void> {
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  const { cluster: name, config } = flags;
  const clusters = name === undefined ? file.clusters : [clusterNamed(name, file, config)];
  requireSecrets(clusters, secrets);

  using _ = whileNothingChanges();
  output.print(`Checking ${clusters.map((each) => each.name).join(', ')} (nothing is changed)`);
  const progress = new Progress(output.print);
  progress.say('Synthesizing the workflow and bundling its steps');
  const platform = await Platform.start({
    file: { clusters: clusters.map((cluster) => seenFromHere(cluster, hosts)) },
    secrets,
    hosts,
    ...stagingAt(flags.stagingAddress),
  });
  try {
    const checked = await forEachCluster(clusters, (cluster) => checkCluster(platform, { cluster, hosts, progress }));
    const outcome = checkOutcomeOf(checked);
    output.finish(
      { outcome, clusters: checked },
      checked.flatMap((each) => ['', ...describeCheck(each)]),
    );
    if (outcome !== 'Well') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}

/** Never rejects for what is wrong with a cluster: that there is no check is told as well. */
async function checkCluster(
  platform: Platform,
  { cluster, hosts, progress }: { cluster: Cluster; hosts: HostsFile; progress: Progress },
): Promise<Checked> {
  const { ended } = platform.executions.start({
    stateMachineName: CHECK_STATE_MACHINE,
    input: { cluster: cluster.name },
  });
  const told = ended.then((end): Checked => {
    if (end.status === 'SUCCEEDED') return tellWhatIsNotSeen(end.output as unknown as CheckReport, cluster, hosts);
    return { outcome: 'NotChecked', cluster: cluster.name, error: end.error, cause: end.cause };
  });
  return progress.during('Check', cluster.name, told, (checked) =>
    checked.outcome === 'Findings' ? `${checked.findings.length} to correct` : checked.outcome,
  );
}

/** Without --hosts no host is looked at, and what AWS holds is for what is deployed there. */
function seenFromHere({ backups: _, ...cluster }: Cluster, hosts: HostsFile): Cluster {
  return Object.keys(hosts).length > 0 ? cluster : withoutHosts(cluster);
}

function tellWhatIsNotSeen(report: CheckReport, cluster: Cluster, hosts: HostsFile): CheckReport {
  const blind = {
    hosts: hostsOf(cluster).length > 0 && Object.keys(hosts).length === 0,
    backups: cluster.backups !== undefined,
  };
  const messages: Record<string, string> = {
    hosts: 'not looked at: --hosts FILE says how each is reached',
    backups: `not looked at from here: "check --deployed" looks into s3://${cluster.backups?.bucket}/${cluster.backups?.prefix}`,
  };
  return {
    ...report,
    unchecked: report.unchecked.map((line) =>
      blind[line.area as keyof typeof blind] ? { ...line, message: messages[line.area] ?? line.message } : line,
    ),
  };
}
