import { Command } from 'commander';
import { ownBackupsOf } from '../core/backups/contracts.ts';
import type { Cluster } from '../core/cluster/clusters.ts';
import { InvalidInput } from '../core/errors.ts';
import { requireRehearsalHost } from '../core/rehearsal/plan-rehearsal.ts';
import type { HostsFile } from '../local/hosts/access.ts';
import { backupsFrom, backupsOption } from './backups-folder.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { type HereOrDeployed, requireHere, takeDeployed } from './here-or-deployed.ts';
import { describeJobEnd, REHEARSAL_WORDS } from './job-words.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { onSignal, printAtSignal } from './signals.ts';
import { type StagingAddress, stagingAddressOption, stagingAt } from './staging-address.ts';
import { startPlatform } from './start-platform.ts';

interface Flags extends FileFlags, HereOrDeployed {
  backup?: string;
  member?: string;
  stagingAddress?: StagingAddress;
  id?: string;
}

/** `etcd-remediation rehearse`: restores a backup on a host, looks into it, and removes it again, by the workflow that does so on a schedule. */
export function rehearseCommand(): Command {
  const command = new Command('rehearse')
    .helpGroup(WITHOUT_AWS)
    .summary('prove that a backup can be restored: of a folder of this machine, or with --deployed of its bucket')
    .description(
      'Fetches a backup on a host of the cluster, restores it into a scratch folder, starts a private member on it that nobody can reach, compares its ' +
        'revision, its keys and their hash with what was recorded when the backup was made, and removes all of it. The time that it takes is how long a ' +
        "recovery takes. The host's own member, its data and its ports are not touched. It is refused if the host has no room for it. A remediation that " +
        'begins meanwhile does not wait for it.\n\n' +
        'With --deployed the deployed workflow does it. Ctrl-C then ends the watching, and the rehearsal goes on.',
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  takeFiles(command)
    .addOption(backupsOption('the backup is in it'))
    .addOption(stagingAddressOption('the host fetches the backup from there, over plain HTTP'))
    .option('--backup <key>', 'its name or its key, as "backups" lists it (default: the newest)')
    .option('--member <name>', 'on whose host (default: a follower, and of these the one with most room)');
  const here = ['config', 'secrets', 'hosts', 'backups', 'stagingAddress'];
  return takeDeployed(command, 'let what is deployed to AWS do it', here)
    .option('--id <id>', 'with --deployed: its ID. The same ID starts nothing again, and watches that one')
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        [
          'rehearse orders --config clusters.json --secrets secrets.json --hosts hosts.json --backups /srv/etcd-backups --staging-address 10.0.1.5',
          'rehearse orders --hosts hosts.json --backups /srv/etcd-backups --backup orders-20261129T081500.123Z --member node2',
          'rehearse orders --deployed',
        ],
        '0 for Passed; 1 for any other outcome; 2 for a wrong use.',
      ),
    )
    .action(async (cluster: string, flags: Flags) => {
      if (!flags.deployed) return rehearse(cluster, flags);
      const { runJob } = await import('./deployed/job.ts');
      return runJob('rehearsal', REHEARSAL_WORDS, { cluster, flags, request: requestOf(flags) });
    });
}

/** A rehearsal that is asked for wrongly says nothing of a backup, so it must not be written down as one that has failed. */
function requireReached({ name, members }: Cluster, member: string | undefined, hosts: HostsFile): void {
  const asked = members.filter((each) => member === undefined || each.name === member);
  if (asked.some(({ host }) => host !== undefined && Object.hasOwn(hosts, host))) return;
  throw new InvalidInput(
    `No host of ${member ?? `the cluster ${name}`} is in hosts.json, and a backup is rehearsed on one. Add it, and give the file with --hosts FILE. Then start again.`,
  );
}

function requestOf({ backup, member }: Flags): Record<string, string> {
  return { ...(backup !== undefined && { backup }), ...(member !== undefined && { member }) };
}

async function rehearse(name: string, flags: Flags): Promise<void> {
  requireHere(flags.backups, '--backups <folder>');
  if (flags.id !== undefined) throw new InvalidInput('--id is for --deployed: here one rehearsal runs at a time.');
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  const cluster = clusterNamed(name, file, flags.config);
  ownBackupsOf(cluster);
  const request = { cluster: name, ...requestOf(flags) };
  requireRehearsalHost(cluster, request);
  requireReached(cluster, flags.member, hosts);
  requireSecrets([cluster], secrets);
  const { backups } = await backupsFrom(flags, [cluster]);

  output.print(REHEARSAL_WORDS.begins(name));
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
    const tookMs = Date.now() - startedAt;
    const { result, lines } = describeJobEnd(end, { words: REHEARSAL_WORDS, cluster: name, tookMs });
    output.finish(result, lines);
    if (Object(result).outcome !== 'Passed') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}
