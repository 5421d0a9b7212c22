import { Command } from 'commander';
import { type BackupReport, ownBackupsOf } from '../core/backups/contracts.ts';
import { describeError } from '../core/text/failures.ts';
import { formatBytes } from '../core/text/format.ts';
import type { ExecutionResult } from '../local/asl/execution.ts';
import { type BackupsFlag, backupsFrom, backupsOption } from './backups-folder.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { formatMs } from './format.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { onSignal, printAtSignal } from './signals.ts';
import { startPlatform } from './start-platform.ts';

interface Flags extends FileFlags, BackupsFlag {
  json: boolean;
}

/** `etcd-remediation backup`: one backup of one cluster, by the workflow that makes the scheduled ones. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .helpGroup(WITHOUT_AWS)
    .summary('back a cluster up into a folder of this machine, without AWS')
    .description(
      'Runs the workflow that backs clusters up on a schedule once, on this machine: streams the database of a follower, compressed, into the folder of ' +
        '--backups, holds it against the SHA-256 that etcd has made of it, writes beside it what is known of it, and removes what "keep" does not ' +
        'keep. Changes nothing in etcd. The cluster needs "backups" with "everyMinutes" in clusters.json.',
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  return takeFiles(command)
    .addOption(backupsOption('the backup is written into it').makeOptionMandatory())
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        ['backup orders --config clusters.json --secrets secrets.json --backups /srv/etcd-backups'],
        '0 for BackedUp; 1 for any other outcome; 2 for a wrong use.',
      ),
    )
    .action(backup);
}

async function backup(name: string, flags: Flags): Promise<void> {
  const output = openOutput(flags.json);
  const { file, secrets } = await readFiles(flags);
  const cluster = clusterNamed(name, file, flags.config);
  ownBackupsOf(cluster);
  requireSecrets([cluster], secrets);
  const { backups } = await backupsFrom(flags, [cluster]);

  output.print(`Backing up cluster ${name} (nothing is changed in it)`);
  const { say, onEvent } = new Progress(output);
  say('Synthesizing the workflow and bundling its steps');
  using _ = printAtSignal(() => 'Stopped. What was not whole yet is no backup, and was thrown away.');
  const platform = await startPlatform({ file: { clusters: [cluster] }, secrets, backups });
  try {
    const stopping = new AbortController();
    using __ = onSignal(() => stopping.abort(new Error('Stopped by a signal.')));
    const startedAt = Date.now();
    const end = await platform.backUp(name, { onEvent, signal: stopping.signal });
    const { result, lines } = describeEnd(end, name, flags.backups ?? '', Date.now() - startedAt);
    output.finish(result, lines);
    if (end.status !== 'SUCCEEDED') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}

function describeEnd(
  end: ExecutionResult,
  cluster: string,
  folder: string,
  tookMs: number,
): { result: object; lines: string[] } {
  if (end.status !== 'SUCCEEDED') {
    const { error = end.status, cause = '' } = end;
    return { result: { outcome: error, cluster, report: { error, cause } }, lines: [describeError(error, cause)] };
  }
  const report = end.output as unknown as BackupReport;
  const { record } = report.backup;
  return {
    result: report,
    lines: [
      `BackedUp in ${formatMs(tookMs)}. ${report.backup.name} holds revision ${record.revision} of ${record.member}: ${formatBytes(record.sizeBytes)}, ` +
        `compressed to ${formatBytes(record.compressedBytes)}.`,
      `It lies in ${folder}; ${report.kept} ${report.kept === 1 ? 'backup is' : 'backups are'} kept, ${report.removed.length} were removed.`,
    ],
  };
}
