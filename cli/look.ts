import { type Command, Option } from 'commander';
import type { Cluster } from '../core/cluster/clusters.ts';
import type { Platform } from '../local/platform.ts';
import { backupsFrom, backupsOption } from './backups-folder.ts';
import { takeDeployment } from './deployed/commands.ts';
import type { DeployedFlags } from './deployed/flags.ts';
import { FEW, forEachCluster, namesOf } from './each-cluster.ts';
import { explainedIn } from './error-entry.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets } from './files.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { whileNothingChanges } from './signals.ts';
import { type StagingAddress, stagingAt } from './staging-address.ts';
import { startPlatform } from './start-platform.ts';

/** Each has a process of its own, which waits for its members most of the time. */
const AT_ONCE = 8;

/** What the commands have in common that look at clusters and change nothing. */

export interface LookFlags extends FileFlags, DeployedFlags {
  deployed?: true;
  stagingAddress?: StagingAddress;
}

/** @param deployed for the help: `ask what is deployed to AWS` */
export function takeLook(command: Command, deployed: string): Command {
  command
    .addOption(backupsOption('it is looked into; without it backups are not looked at'))
    .argument('[cluster]', 'the cluster, by its name in clusters.json (default: every one)')
    .addOption(
      new Option('--deployed', `${deployed}; no file is needed`).conflicts([
        ...['config', 'secrets', 'hosts', 'stagingAddress', 'backups'],
      ]),
    );
  return takeDeployment(command).option(
    '--json',
    'print one JSON object on the last line; everything else goes to standard error',
    false,
  );
}

interface Look<Finding extends object> {
  /** `Checking` */
  doing: string;
  /** What takes a moment before the first look. */
  preparation: string;
  /** Never rejects for what is wrong with a cluster: a failed look is a result too. */
  at(platform: Platform, seen: { cluster: Cluster; progress: Progress }): Promise<Finding>;
  outcomeOf(findings: readonly Finding[]): string;
  describe(clusters: readonly Cluster[], findings: readonly Finding[]): string[];
}

/** @param name of the cluster; undefined for every one */
export async function lookFromHere<Finding extends object>(
  name: string | undefined,
  flags: LookFlags,
  look: Look<Finding>,
): Promise<void> {
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  const clusters = name === undefined ? file.clusters : [clusterNamed(name, file, flags.config)];
  requireSecrets(clusters, secrets);
  const { clusters: seen, backups } = await backupsFrom(flags, clusters);

  using _ = whileNothingChanges();
  output.print(`${look.doing} ${namesOf(clusters.map((each) => each.name))} (nothing is changed)`);
  const preparing = new Progress(output).begin(look.preparation);
  // Of many a line for each would hide how far it is.
  const areMany = clusters.length > FEW;
  const progress = new Progress(areMany ? { print: () => undefined } : output);
  const platform = await startPlatform({
    file: { clusters: seen.map((cluster) => seenFromHere(cluster, flags)) },
    secrets,
    hosts,
    backups,
    ...stagingAt(flags.stagingAddress),
  }).finally(() => preparing[Symbol.dispose]());
  try {
    const findings = await forEachCluster(clusters, (cluster) => look.at(platform, { cluster, progress }), {
      atOnce: AT_ONCE,
      ...(areMany && { screen: output }),
    });
    const outcome = look.outcomeOf(findings);
    output.finish({ outcome, clusters: findings }, [...look.describe(clusters, findings), ...explainedIn(findings)]);
    if (outcome !== 'Well' && outcome !== 'Healthy') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}

/** Without --hosts no host can be reached, so hosts are left out. A --hosts file without any is still a mistake. */
function seenFromHere(cluster: Cluster, { hosts }: FileFlags): Cluster {
  if (hosts !== undefined) return cluster;
  const { spareHosts: _, ...rest } = cluster;
  return { ...rest, members: cluster.members.map(({ host: __, ...member }) => member) };
}
