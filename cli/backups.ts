import { Command } from 'commander';
import { ownBackupsOf } from '../core/backups/contracts.ts';
import type { ListedBackups } from '../core/diagnosis/check.ts';
import { backupsFrom, backupsOption } from './backups-folder.ts';
import { clusterNamed, type FileFlags, readFiles, takeFiles } from './files.ts';
import { type HereOrDeployed, requireHere, takeDeployed } from './here-or-deployed.ts';
import { describeListed } from './listed-backups.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { whileNothingChanges } from './signals.ts';
import { startPlatform } from './start-platform.ts';

interface Flags extends FileFlags, HereOrDeployed {}

const STEP = 'list-backups';

/** `etcd-remediation backups`: which backups of a cluster there are. */
export function backupsCommand(): Command {
  const command = new Command('backups')
    .helpGroup(WITHOUT_AWS)
    .summary('list the backups of a cluster: in a folder of this machine, or with --deployed in its bucket')
    .description(
      'Lists the backups of a cluster that can be restored, the newest first: when each was made, of which member and which release, its revision, its ' +
        'keys and its size. A quorum recovery with --backups takes the newest by itself where nothing as new is left.\n\n' +
        'With --deployed the deployed function looks, and you need no permission on the bucket.',
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  takeFiles(command).addOption(backupsOption('it is looked into'));
  return takeDeployed(command, 'ask what is deployed to AWS', ['config', 'secrets', 'hosts', 'backups'])
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        ['backups orders --config clusters.json --backups /srv/etcd-backups', 'backups orders --deployed'],
        '0 there is one that can be restored; 1 there is none; 2 for a wrong use.',
      ),
    )
    .action(async (cluster: string, flags: Flags) => {
      if (!flags.deployed) return backups(cluster, flags);
      const { listDeployedBackups } = await import('./deployed/backups.ts');
      return listDeployedBackups(cluster, flags);
    });
}

async function backups(name: string, flags: Flags): Promise<void> {
  requireHere(flags.backups, '--backups <folder>');
  const output = openOutput(flags.json);
  const { file } = await readFiles(flags);
  const cluster = clusterNamed(name, file, flags.config);
  ownBackupsOf(cluster);
  const folders = await backupsFrom(flags, [cluster]);
  using _ = whileNothingChanges();
  const platform = await startPlatform({ file: { clusters: [cluster] }, secrets: {}, backups: folders.backups });
  try {
    const { backups: listed } = (await platform.invokeStep(STEP, { cluster })) as ListedBackups;
    const { outcome, result, lines } = describeListed(name, listed?.own ?? { count: 0, backups: [], problem: '' });
    output.finish(result, lines);
    if (outcome !== 'Listed') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}
