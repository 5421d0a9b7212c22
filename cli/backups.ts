import { Command } from 'commander';
import { type FoundBackups, ownBackupsOf } from '../core/backups/contracts.ts';
import type { ListedBackups } from '../core/diagnosis/check.ts';
import { firstLine, formatBytes } from '../core/text/format.ts';
import { type BackupsFlag, backupsFrom, backupsOption } from './backups-folder.ts';
import { clusterNamed, type FileFlags, readFiles, takeFiles } from './files.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { whileNothingChanges } from './signals.ts';
import { startPlatform } from './start-platform.ts';

interface Flags extends FileFlags, BackupsFlag {
  json: boolean;
}

const STEP = 'list-backups';

/** `etcd-remediation backups`: which backups of a cluster there are. */
export function backupsCommand(): Command {
  const command = new Command('backups')
    .helpGroup(WITHOUT_AWS)
    .summary('list the backups of a cluster in a folder of this machine')
    .description(
      'Lists the backups of a cluster that can be restored, the newest first: when each was made, of which member and which release, its revision, its ' +
        'keys and its size. A quorum recovery with --backups takes the newest by itself where nothing as new is left.',
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  return takeFiles(command)
    .addOption(backupsOption('it is looked into').makeOptionMandatory())
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        ['backups orders --config clusters.json --backups /srv/etcd-backups'],
        '0 there is one that can be restored; 1 there is none; 2 for a wrong use.',
      ),
    )
    .action(backups);
}

async function backups(name: string, flags: Flags): Promise<void> {
  const output = openOutput(flags.json);
  const { file } = await readFiles(flags);
  const cluster = clusterNamed(name, file, flags.config);
  ownBackupsOf(cluster);
  const folders = await backupsFrom(flags, [cluster]);
  using _ = whileNothingChanges();
  const platform = await startPlatform({ file: { clusters: [cluster] }, secrets: {}, backups: folders.backups });
  try {
    const { backups: listed } = (await platform.invokeStep(STEP, { cluster })) as ListedBackups;
    const own = listed?.own ?? { count: 0, backups: [], problem: '' };
    const outcome = own.problem !== '' ? 'NotListed' : own.count === 0 ? 'None' : 'Listed';
    output.finish({ outcome, cluster: name, ...own }, describeBackups(own));
    if (outcome !== 'Listed') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}

/** A line for each. */
function describeBackups({ count, backups: found, problem }: FoundBackups): string[] {
  if (problem !== '') return [`The backups cannot be listed: ${problem}`];
  if (count === 0) return ['There is no backup that could be restored.'];
  const rows = found.map(({ name, takenAt, record, problem: why }) =>
    record
      ? [
          name,
          takenAt,
          `revision ${record.revision}`,
          `${record.keys ?? '?'} keys`,
          formatBytes(record.sizeBytes),
          `${record.member}, etcd ${record.etcdVersion}`,
        ]
      : [name, takenAt, firstLine(why)],
  );
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return count > found.length ? [...lines, `and ${count - found.length} older ones`] : lines;
}
