import { Command } from 'commander';
import { ownBackupsOf } from '../core/backups/contracts.ts';
import { InvalidInput } from '../core/errors.ts';
import { backupsFrom, backupsOption } from './backups-folder.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { type HereOrDeployed, requireHere, takeDeployed } from './here-or-deployed.ts';
import { BACKUP_WORDS, describeJobEnd } from './job-words.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { onSignal, printAtSignal } from './signals.ts';
import { type StagingAddress, stagingAddressOption, stagingAt } from './staging-address.ts';
import { startPlatform } from './start-platform.ts';

interface Flags extends FileFlags, HereOrDeployed {
  stagingAddress?: StagingAddress;
  id?: string;
}

/** `etcd-remediation backup`: one backup of one cluster, by the workflow that makes the scheduled ones. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .helpGroup(WITHOUT_AWS)
    .summary('back a cluster up: into a folder of this machine, or with --deployed into its bucket')
    .description(
      'Runs the workflow that backs clusters up on a schedule once, on this machine: streams the database of a follower, compressed, into the folder of ' +
        '--backups, holds it against the SHA-256 that etcd has made of it, writes beside it what is known of it, and removes what "keep" does not ' +
        'keep. Changes nothing in etcd. The cluster needs "backups" with "everyMinutes" in clusters.json. A database that takes longer than fourteen ' +
        "minutes is copied and sent by its member's host instead, if that is in hosts.json.\n\n" +
        'With --deployed the deployed workflow does it, into the bucket. Ctrl-C then ends the watching, and the backup goes on.',
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  takeFiles(command)
    .addOption(backupsOption('the backup is written into it'))
    .addOption(stagingAddressOption('a host sends its copy there, over plain HTTP'));
  const here = ['config', 'secrets', 'hosts', 'backups', 'stagingAddress'];
  return takeDeployed(command, 'let what is deployed to AWS do it', here)
    .option('--id <id>', 'with --deployed: its ID. The same ID starts nothing again, and watches that one')
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        [
          'backup orders --config clusters.json --secrets secrets.json --backups /srv/etcd-backups',
          'backup orders --deployed',
        ],
        '0 for BackedUp; 1 for any other outcome; 2 for a wrong use.',
      ),
    )
    .action(async (cluster: string, flags: Flags) => {
      if (!flags.deployed) return backup(cluster, flags);
      const { runJob } = await import('./deployed/job.ts');
      return runJob('backup', BACKUP_WORDS, { cluster, flags });
    });
}

async function backup(name: string, flags: Flags): Promise<void> {
  const folder = requireHere(flags.backups, '--backups <folder>');
  if (flags.id !== undefined) throw new InvalidInput('--id is for --deployed: here one backup is made at a time.');
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  const cluster = clusterNamed(name, file, flags.config);
  ownBackupsOf(cluster);
  requireSecrets([cluster], secrets);
  const { backups } = await backupsFrom(flags, [cluster]);

  output.print(BACKUP_WORDS.begins(name));
  const { say, onEvent } = new Progress(output);
  say('Synthesizing the workflow and bundling its steps');
  using _ = printAtSignal(() => 'Stopped. What was not whole yet is no backup, and was thrown away.');
  const platform = await startPlatform({
    file: { clusters: [cluster] },
    secrets,
    hosts,
    backups,
    ...stagingAt(flags.stagingAddress),
  });
  try {
    const stopping = new AbortController();
    using __ = onSignal(() => stopping.abort(new Error('Stopped by a signal.')));
    const startedAt = Date.now();
    const end = await platform.backUp(name, { onEvent, signal: stopping.signal });
    const tookMs = Date.now() - startedAt;
    const { result, lines } = describeJobEnd(end, { words: BACKUP_WORDS, cluster: name, tookMs, folder });
    output.finish(result, lines);
    if (Object(result).outcome !== 'BackedUp') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}
