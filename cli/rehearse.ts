import { Command } from 'commander';
import { ownBackupsOf } from '../core/backups/contracts.ts';
import { type PassedRehearsal, secondsOf } from '../core/backups/rehearsal.ts';
import type { RehearsalReport } from '../core/rehearsal/contracts.ts';
import { requireRehearsalHost } from '../core/rehearsal/plan-rehearsal.ts';
import { describeError } from '../core/text/failures.ts';
import { formatBytes } from '../core/text/format.ts';
import type { ExecutionResult } from '../local/asl/execution.ts';
import { type BackupsFlag, backupsFrom, backupsOption } from './backups-folder.ts';
import { explainedAt } from './error-entry.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { formatMs } from './format.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { onSignal, printAtSignal } from './signals.ts';
import { type StagingAddress, stagingAddressOption, stagingAt } from './staging-address.ts';
import { startPlatform } from './start-platform.ts';

interface Flags extends FileFlags, BackupsFlag {
  backup?: string;
  member?: string;
  stagingAddress?: StagingAddress;
  json: boolean;
}

/** `etcd-remediation rehearse`: restores a backup on a host, looks into it, and removes it again, by the workflow that does so on a schedule. */
export function rehearseCommand(): Command {
  const command = new Command('rehearse')
    .helpGroup(WITHOUT_AWS)
    .summary('prove that a backup in a folder of this machine can be restored')
    .description(
      'Fetches a backup on a host of the cluster, restores it into a scratch folder, starts a private member on it that nobody can reach, compares its ' +
        'revision, its keys and their hash with what was recorded when the backup was made, and removes all of it. The time that it takes is how long a ' +
        "recovery takes. The host's own member, its data and its ports are not touched. It is refused if the host has no room for it. A remediation that " +
        'begins meanwhile does not wait for it.',
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  return takeFiles(command)
    .addOption(backupsOption('the backup is in it').makeOptionMandatory())
    .addOption(stagingAddressOption('the host fetches the backup from there, over plain HTTP'))
    .option('--backup <key>', 'its name or its key, as "backups" lists it (default: the newest)')
    .option('--member <name>', 'on whose host (default: a follower, and of these the one with most room)')
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        [
          'rehearse orders --config clusters.json --secrets secrets.json --hosts hosts.json --backups /srv/etcd-backups --staging-address 10.0.1.5',
          'rehearse orders --hosts hosts.json --backups /srv/etcd-backups --backup orders-20261129T081500.123Z --member node2',
        ],
        '0 for Passed; 1 for any other outcome; 2 for a wrong use.',
      ),
    )
    .action(rehearse);
}

async function rehearse(name: string, flags: Flags): Promise<void> {
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  const cluster = clusterNamed(name, file, flags.config);
  ownBackupsOf(cluster);
  const request = {
    cluster: name,
    ...(flags.backup !== undefined && { backup: flags.backup }),
    ...(flags.member !== undefined && { member: flags.member }),
  };
  requireRehearsalHost(cluster, request);
  requireSecrets([cluster], secrets);
  const { backups } = await backupsFrom(flags, [cluster]);

  output.print(`Rehearsing a backup of cluster ${name} (its members are not touched)`);
  const { say, onEvent } = new Progress(output);
  say('Synthesizing the workflow and bundling its steps');
  using _ = printAtSignal(() => 'Stopped. What it has left on the host, the next look at that host removes.');
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
    const end = await platform.rehearse(request, { onEvent, signal: stopping.signal });
    const { result, lines } = describeEnd(end, name, Date.now() - startedAt);
    output.finish(result, lines);
    if (Object(result).outcome !== 'Passed') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}

function describeEnd(end: ExecutionResult, cluster: string, tookMs: number): { result: object; lines: string[] } {
  if (end.status !== 'SUCCEEDED') {
    const { error = end.status, cause = '' } = end;
    return {
      result: { outcome: error, cluster, report: { error, cause } },
      lines: [describeError(error, cause), ...explainedAt([error])],
    };
  }
  const report = end.output as unknown as RehearsalReport;
  const { outcome, summary, rehearsal } = report;
  if (!rehearsal) return { result: report, lines: [`${outcome}: ${summary}`] };
  return {
    result: report,
    lines: [`Passed in ${formatMs(tookMs)}. ${describePromise(rehearsal)}`, ...rehearsal.unknown],
  };
}

function describePromise(rehearsal: PassedRehearsal): string {
  const { backup, revision, sizeBytes, member, tookMs } = rehearsal;
  const { fetch, restore, start } = tookMs;
  return (
    `${backup}, ${formatBytes(sizeBytes)}, serves revision ${revision} on the host of ${member}. A recovery takes about ${secondsOf(rehearsal)} s: fetch ` +
    `${formatMs(fetch)}, restore ${formatMs(restore)}, start ${formatMs(start)}.`
  );
}
