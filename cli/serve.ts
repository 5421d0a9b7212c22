import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { Command, InvalidArgumentError } from 'commander';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { ENTRY_STATE_MACHINE } from '../core/text/names.ts';
import { serveApi } from '../local/api-server.ts';
import type { EmbeddedDetector } from '../local/detector.ts';
import type { Execution } from '../local/executions.ts';
import type { Platform } from '../local/platform.ts';
import { recordedRemediation } from '../local/recorded.ts';
import { makeReport } from '../report/make-report.ts';
import { backupsFrom, backupsOption, rehearsedWhereReached } from './backups-folder.ts';
import { commandsHere } from './commands-here.ts';
import { type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { reportsFolder, saveReport } from './kept-reports.ts';
import { examples, LOCK_OF_THIS_PROCESS, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { ServeLog } from './serve-log.ts';
import { onSignal, printAtSignal } from './signals.ts';
import { type StagingAddress, stagingAddressOption, stagingAt } from './staging-address.ts';
import { startPlatform } from './start-platform.ts';
import { describeAfterStop, describeLeftOpen, describeStop } from './stopped.ts';

const NOTHING_RUNS = 'Stopped. No remediation was under way.';

interface Flags extends FileFlags {
  port: number;
  detector: boolean;
  stagingAddress?: StagingAddress;
}

/** `etcd-remediation serve`: the API that is deployed to AWS, on loopback, for the clusters that this machine reaches. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .helpGroup(WITHOUT_AWS)
    .summary('serve the API and watch the clusters from this machine, without AWS')
    .description(
      'Looks at each cluster every minute, and remediates what its alarms are raised for, as far as the policy allows. Serves the same API as on ' +
        'AWS, on loopback. Remediations run on this machine, against clusters that it ' +
        'reaches, and end with this command. Each request needs an Authorization header, which is written to a file that only its owner ' +
        'can read. Other users of this machine, and pages in a browser, get no answer.\n\n' +
        LOCK_OF_THIS_PROCESS,
    );
  return takeFiles(command)
    .option('--port <port>', 'of 127.0.0.1; 0 for any that is free', parsePort, 8080)
    .option('--no-detector', 'serve the API only: watch no cluster, and start nothing unasked')
    .addOption(stagingAddressOption('from there each fetches the snapshot of a quorum recovery, over plain HTTP'))
    .addOption(backupsOption('backups are made into it, as often as it says there; without it none are'))
    .addHelpText(
      'after',
      examples(
        [
          'serve --config clusters.json --secrets secrets.json --hosts hosts.json',
          'serve --config clusters.json --secrets secrets.json --port 9090 --no-detector',
        ],
        '130 after Ctrl-C, 143 after SIGTERM, once every remediation has been stopped; 1 where it could not begin; 2 for a wrong use.',
      ),
    )
    .action(serve);
}

async function serve(flags: Flags): Promise<void> {
  const output = openOutput(false);
  const { file, secrets, hosts } = await readFiles(flags);
  requireSecrets(file.clusters, secrets);
  const { stagingAddress } = flags;
  const { clusters, backups } = await backupsFrom(flags, file.clusters);
  const log = new ServeLog(output.print, { clusters: file.clusters.map(({ name }) => name), here: { files: flags } });
  log.say('Synthesizing the workflows and bundling their steps');
  /** Those that are being written. */
  const reports = new Set<Promise<void>>();
  /** At the end it is first told what was changed: the line that names a report is the last. */
  let beforeReport = Promise.resolve();
  const report = async (execution: Execution) => {
    const recorded = recordedRemediation(execution, platform.executions);
    const made = () => makeReport({ ...recorded, commands: commandsHere(flags), now: new Date() });
    const { line } = await saveReport(made);
    await beforeReport.catch(() => undefined);
    log.say(line, String(Object(execution.input).cluster ?? ''));
  };
  const platform = await startPlatform({
    file: { ...file, clusters: rehearsedWhereReached(clusters, hosts) },
    secrets,
    hosts,
    backups,
    ...stagingAt(stagingAddress),
    onPage: log.page,
    onOwnStart: log.follow,
    reports: `${pathToFileURL(reportsFolder())}/`,
    onEnded: (execution) => {
      if (isWorthAReport(execution)) reports.add(report(execution));
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'etcd-remediation-serve-'));
  try {
    const server = await serveApi((event) => platform.invokeApi(event) as Promise<APIGatewayProxyResult>, flags.port);
    try {
      const header = join(folder, 'authorization');
      await writeFile(header, `Authorization: ${server.authorization}\n`, { mode: 0o600 });
      log.here = { files: flags, api: { url: server.url, header } };
      log.say(`Serving the API at ${server.url} until Ctrl-C. For example:`);
      log.say(`  curl -H @${header} ${server.url}/clusters`);
      const detector = flags.detector ? watch(platform, file, log) : undefined;
      log.say('An approval is answered there too: the page that asks for one says how (docs/api.md says more)');
      using _ = printAtSignal(() => describeStopOf(platform));
      await signalled(platform);
      await detector?.close();
    } finally {
      await server.close();
    }
    beforeReport = stopRemediations(platform, log);
    await beforeReport;
    await Promise.all(reports);
  } finally {
    await platform.close();
    await rm(folder, { recursive: true });
  }
}

/** Another remediation had the cluster: that one has a report of its own. */
function isWorthAReport({ stateMachineName, result }: Execution): boolean {
  if (stateMachineName !== ENTRY_STATE_MACHINE) return false;
  return result?.status !== 'SUCCEEDED' || Object(result.output).outcome !== 'AlreadyInProgress';
}

function watch(platform: Platform, { clusters }: ClustersFile, log: ServeLog): EmbeddedDetector {
  log.say(`Looking at ${clusters.map(({ name }) => name).join(', ')} every minute`);
  return platform.watch({ onAlarm: log.alarm, onFailure: log.lookFailed });
}

/** Each ends as one that a person has stopped, and what then has to be put in order is. The last word is what it has changed, and how to go on. */
async function stopRemediations(platform: Platform, log: ServeLog): Promise<void> {
  const running = runningOn(platform);
  for (const execution of running) execution.stop('Stopped', 'etcd-remediation serve was ended.');
  await Promise.all(running.map(({ ended }) => ended));
  await platform.settled();
  for (const execution of running) {
    const { cluster } = Object(execution.input) as { cluster?: unknown };
    log.say(describeAfterStop(execution, platform.executions, again), String(cluster ?? ''));
  }
}

function runningOn(platform: Platform) {
  return platform.executions.of(ENTRY_STATE_MACHINE).filter(({ result }) => result === undefined);
}

function describeStopOf(platform: Platform): string {
  const running = runningOn(platform);
  if (running.length === 0) return NOTHING_RUNS;
  return describeStop(running, platform.executions, again);
}

function again(cluster: string): string {
  return `let ${cluster} be remediated again`;
}

function signalled({ executions }: Platform): Promise<void> {
  return new Promise((resolve) => {
    onSignal(resolve, () => describeLeftOpen(executions));
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be from 0 to 65535.');
}
