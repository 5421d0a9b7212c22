import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import type { Cluster } from '../core/cluster/clusters.ts';
import type { PageKind } from '../core/diagnosis/page.ts';
import { InvalidInput } from '../core/errors.ts';
import type { ApprovalAnswer } from '../core/remediation/remediation-items.ts';
import { INCIDENTS, type Incident, RUNBOOKS } from '../core/runbooks.ts';
import type { JsonObject } from '../local/asl/json.ts';
import type { Platform } from '../local/platform.ts';
import { recordedRemediation } from '../local/recorded.ts';
import { makeReport } from '../report/make-report.ts';
import { backupsFrom, backupsOption } from './backups-folder.ts';
import { commandsHere } from './commands-here.ts';
import { Course, earlierRuns } from './course.ts';
import { explainedAt } from './error-entry.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { Follower } from './follower.ts';
import { formatMs } from './format.ts';
import { newestReports, saveReport } from './kept-reports.ts';
import { examples, LOCK_OF_THIS_PROCESS, parseParameters, requireItsIncident, WITHOUT_AWS } from './options.ts';
import { type Output, openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { describeEnd } from './remediation-end.ts';
import { rewriteCommands } from './rewrite-commands.ts';
import { type RunRequest, remediationInputFor } from './run-request.ts';
import { onSignal, printAtSignal, whileNothingChanges } from './signals.ts';
import { type StagingAddress, stagingAddressOption, stagingAt } from './staging-address.ts';
import { startPlatform } from './start-platform.ts';
import { describeLeftOpen, describeStop } from './stopped.ts';

interface Flags extends FileFlags, RunRequest {
  cluster: string;
  stagingAddress?: StagingAddress;
  incident?: Incident;
  json: boolean;
}

/** `etcd-remediation run`: runs a runbook from this machine, without AWS, against any cluster that it reaches. */
export function runCommand(): Command {
  const command = new Command('run')
    .helpGroup(WITHOUT_AWS)
    .summary('remediate a cluster from this machine, without AWS')
    .description(
      'Runs the same workflow as on AWS, but on this machine, against a cluster that it reaches. Remediates --incident, or what a ' +
        'diagnosis finds, one incident after the other. Start with --dry-run: it reads, and changes nothing.\n\n' +
        LOCK_OF_THIS_PROCESS,
    )
    .argument('<cluster>', 'the cluster, by its name in clusters.json');
  return takeFiles(command)
    .addOption(stagingAddressOption('from there each fetches the snapshot of a quorum recovery, over plain HTTP'))
    .addOption(backupsOption('a quorum recovery may restore one'))
    .addOption(
      new Option('--incident <incident>', 'what is wrong (default: what a diagnosis finds)').choices(INCIDENTS),
    )
    .option('--member <name>', 'of member-failed: which member has failed (default: all that have)')
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .option('--approve', "approve what needs an approval by the cluster's policy", false)
    .option('--parameters <json>', 'parameters of the runbook, such as {"retainRevisions":1000}', parseParameters)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        [
          'run orders --config clusters.json --secrets secrets.json --dry-run',
          'run orders --config clusters.json --secrets secrets.json --incident space-exceeded',
          'run orders --config clusters.json --secrets secrets.json --hosts hosts.json --incident member-failed --member node3 --approve',
        ],
        '0 for Remediated, NothingToDo and Planned; 1 for any other outcome; 2 for a wrong use.',
      ),
    )
    .action((cluster: string, flags: Omit<Flags, 'cluster'>) => run({ ...flags, cluster }));
}

async function run(flags: Flags): Promise<void> {
  const { incident, stagingAddress } = flags;
  requireItsIncident(flags);
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  requireBackupsFolder(flags);
  const { clusters, backups } = await backupsFrom(flags, [clusterNamed(flags.cluster, file, flags.config)]);
  const [cluster] = clusters as [Cluster];
  // What is missing for the incident that was named is told before anything is started.
  const input = remediationInputFor(incident, cluster, hosts, flags);
  requireSecrets([cluster], secrets);

  using _ = whileNothingChanges();
  output.print(describeStart(flags));
  const progress = new Progress(output);
  const preparing = progress.begin('Synthesizing the workflows and bundling their steps');
  const platform = await startPlatform({
    file: { clusters: [cluster] },
    secrets,
    hosts,
    backups,
    ...stagingAt(stagingAddress),
    onPage: ({ subject, message, event }) => {
      // Whoever runs it here has answered already, sees the plan below, and is there at the end.
      if (!AT_HAND.includes(event?.payload.class)) {
        output.print(rewriteCommands(`PAGE: ${subject}\n${message}`, { files: flags }));
      }
    },
    onOwnStart: progress.follow,
  }).finally(() => preparing[Symbol.dispose]());
  try {
    if (mayMoveSnapshots(flags)) {
      progress.say('Hosts fetch the snapshot from 127.0.0.1: give --staging-address where they are other machines.');
    }
    await remediate(platform, { cluster, input, flags, output });
  } finally {
    await platform.close();
  }
}

/** What whoever runs it here is not paged for. */
const AT_HAND: readonly (PageKind | undefined)[] = ['approval-wanted', 'resolved'];

const ENDED = 'Stopped. The remediation had ended before.';

interface Remediation {
  cluster: Cluster;
  input: JsonObject;
  flags: Flags;
  output: Output;
}

async function remediate(platform: Platform, { cluster, input, flags, output }: Remediation): Promise<void> {
  const stopping = new AbortController();
  using _ = onSignal(
    () => stopping.abort(new Error('Stopped by a signal.')),
    () => describeLeftOpen(platform.executions),
  );
  const startedAt = Date.now();
  const course = new Course(earlierRuns(await newestReports(), { cluster: cluster.name, dryRun: flags.dryRun }));
  const follower = new Follower(output.print, () => new Progress(output, { course }), approvalBy(flags));
  const remediation = platform.remediate({
    input,
    onEvent: follower.onEvent,
    onNested: follower.onNested,
    onWait: follower.onWait,
    signal: stopping.signal,
  });
  using __ = printAtSignal(() =>
    remediation.result ? ENDED : describeStop([remediation], platform.executions, () => 'give the same command again'),
  );
  const execution = await remediation.ended;
  await platform.settled();
  const { result, lines: own } = describeEnd(execution, follower, { cluster, files: flags });
  const lines = own.map((line) => rewriteCommands(line, { files: flags }));
  const hasFailed = execution.status !== 'SUCCEEDED';
  const explained = hasFailed ? explainedAt([result.outcome]) : [];
  const { line, reportFile } = await saveReport(() =>
    makeReport({
      ...recordedRemediation(remediation, platform.executions),
      ...{ commands: commandsHere(flags), now: new Date() },
    }),
  );
  output.finish(
    { ...result, reportFile, remediateMs: Date.now() - startedAt, stateTransitions: follower.stateTransitions },
    [`${result.outcome} in ${formatMs(Date.now() - startedAt)}. ${lines[0]}`, ...lines.slice(1), ...explained, line],
  );
  if (hasFailed) process.exitCode ??= 1;
}

/** The person who runs it here is the one who is asked. Without --approve there is no answer yet. */
function approvalBy({ approve }: Flags): ApprovalAnswer {
  return approve
    ? { decision: 'approve', by: userInfo().username, reason: '--approve' }
    : { decision: 'reject', by: '', reason: 'look at the plan above, then give --approve.' };
}

/** @throws InvalidInput where a backup is named, and nobody says where it lies */
function requireBackupsFolder({ parameters, backups }: Flags): void {
  if (backups !== undefined || Object(parameters).snapshot === undefined) return;
  throw new InvalidInput(
    'parameters.snapshot names a backup, and without AWS a folder stands for its bucket: give it with --backups FOLDER.',
  );
}

function mayMoveSnapshots({ incident, dryRun, stagingAddress, hosts }: Flags): boolean {
  return (
    incident !== undefined && RUNBOOKS[incident].movesSnapshots && !dryRun && !stagingAddress && hosts !== undefined
  );
}

function describeStart({ incident, cluster, dryRun }: Flags): string {
  const what = incident ? `${incident} of cluster ${cluster}` : `cluster ${cluster}`;
  return `Remediating ${what}${dryRun ? ' (dry run: nothing is changed)' : ''}`;
}
