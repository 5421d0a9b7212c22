import { Command, InvalidArgumentError, Option } from 'commander';
import { INCIDENTS, type Incident } from '../core/contracts/execution-input.ts';
import { RUNBOOKS } from '../lib/workflows/registry.ts';
import { countStateTransitions } from '../local/asl/history.ts';
import type { JsonObject, JsonValue } from '../local/asl/json.ts';
import { Platform } from '../local/platform.ts';
import { diagnosedIncident } from './diagnosed-incident.ts';
import { clusterNamed, type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { formatMs } from './format.ts';
import { type Output, openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { describeReport, type RunReport, shortSummary } from './report.ts';
import { executionInputFor, type RunRequest, requireNothingOfOneRunbook } from './run-request.ts';
import { onSignal } from './signals.ts';
import { parseStagingAddress, type StagingAddress } from './staging-address.ts';

interface Flags extends FileFlags, RunRequest {
  cluster: string;
  stagingAddress?: StagingAddress;
  incident?: Incident;
  json: boolean;
}

/** `etcd-remediation run`: runs a runbook from this machine, without AWS, against any cluster that it reaches. */
export function runCommand(): Command {
  const command = new Command('run')
    .summary('remediate a cluster from this machine, without AWS')
    .description(
      'Runs the same workflow that is deployed to AWS on this machine, against a cluster that this machine reaches: that of --incident, or of ' +
        'the incident that a diagnosis finds. Start with --dry-run: it reads, and changes nothing.',
    );
  return takeFiles(command)
    .option(
      '--staging-address <address[:port]>',
      'an address of this machine that the hosts reach, such as 10.0.1.5:9000 or [fd00::5]:9000: from there each fetches the snapshot of a ' +
        'quorum recovery, over plain HTTP (default: 127.0.0.1, which serves hosts that are this machine, and any free port)',
      parseStagingAddress,
    )
    .requiredOption('--cluster <name>', 'which of the clusters')
    .addOption(
      new Option('--incident <incident>', 'what is wrong (default: what a diagnosis finds)').choices(INCIDENTS),
    )
    .option('--member <name>', 'of member-failed: which member has failed (default: all that have)')
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .option('--approve', "approve what the cluster's policy wants approved", false)
    .option('--parameters <json>', 'parameters of the runbook, such as {"retainRevisions":1000}', parseJson)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { incident, stagingAddress } = flags;
  if (!incident) requireNothingOfOneRunbook(flags);
  const output = openOutput(flags.json);
  const { file, secrets, hosts } = await readFiles(flags);
  const cluster = clusterNamed(flags.cluster, file, flags.config);
  const inputFor = (found: Incident) => executionInputFor(found, cluster, hosts, flags);
  // What is missing for the incident that was named is told before anything is started.
  if (incident) inputFor(incident);
  requireSecrets([cluster], secrets);

  output.print(describeStart(incident, flags));
  const progress = new Progress(output.print);
  progress.say('Synthesizing the workflow and bundling its steps');
  const platform = await Platform.start({
    file: { clusters: [cluster] },
    secrets,
    hosts,
    ...(stagingAddress && { stagingAddress: stagingAddress.address, stagingPort: stagingAddress.port }),
    onPage: ({ subject, message }) => output.print(`PAGE: ${subject}\n${message}`),
    onRuleStart: (stateMachineName) => {
      progress.say(`Its end starts ${stateMachineName}`);
      return new Progress(output.print);
    },
  });
  try {
    const diagnosing = { platform, cluster, hosts, files: flags, output, progress };
    const chosen = incident ?? (await diagnosedIncident(diagnosing));
    if (!chosen) return;
    const input = inputFor(chosen);
    if (!incident) output.print(describeStart(chosen, flags));
    await remediate(platform, { incident: chosen, input, flags, output, progress });
  } finally {
    await platform.close();
  }
}

interface Remediation {
  incident: Incident;
  input: JsonObject;
  flags: Flags;
  output: Output;
  progress: Progress;
}

async function remediate(platform: Platform, { incident, input, flags, output, progress }: Remediation): Promise<void> {
  if (incident === 'quorum-lost' && !flags.dryRun && !flags.stagingAddress) {
    progress.say('Hosts fetch the snapshot from 127.0.0.1: give --staging-address where they are other machines.');
  }
  const stopping = new AbortController();
  using _ = onSignal(() => stopping.abort(new Error('Stopped by a signal.')));
  const startedAt = Date.now();
  const { signal } = stopping;
  const execution = await platform.execute({ incident, input, onEvent: progress.onEvent, signal });
  await platform.settled();
  const result = {
    outcome:
      execution.status === 'SUCCEEDED'
        ? String((execution.output as { outcome: string }).outcome)
        : execution.error || execution.status,
    cluster: flags.cluster,
    incident,
    runbook: RUNBOOKS[incident].runbook,
    remediateMs: Date.now() - startedAt,
    stateTransitions: countStateTransitions(execution.history),
    report: execution.status === 'SUCCEEDED' ? execution.output : { error: execution.error, cause: execution.cause },
  };
  const ended = `${result.outcome} in ${formatMs(result.remediateMs)}.`;
  if (execution.status === 'SUCCEEDED') {
    const report = execution.output as unknown as RunReport;
    output.finish(result, [`${ended} ${shortSummary(report)}`, ...describeReport(report)]);
  } else {
    // Whole: it ends with what was undone, and nothing else says so.
    output.finish(result, [`${ended} ${execution.cause}`]);
    process.exitCode ??= 1;
  }
}

function describeStart(incident: Incident | undefined, { cluster, dryRun }: Flags): string {
  const what = incident ? `Remediating ${incident} of` : 'Diagnosing';
  return `${what} cluster ${cluster}${dryRun ? ' (dry run: nothing is changed)' : ''}`;
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as Error).message}`);
  }
}
