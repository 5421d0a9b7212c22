import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { type ClustersFile, hostsOf, parseClustersFile } from '../core/contracts/clusters.ts';
import { executionInputSchemas, INCIDENTS, type Incident } from '../core/contracts/execution-input.ts';
import { parse } from '../core/contracts/parse.ts';
import { InvalidInput } from '../core/errors.ts';
import { RUNBOOKS } from '../lib/workflows/registry.ts';
import { countStateTransitions } from '../local/asl/history.ts';
import type { JsonValue } from '../local/asl/json.ts';
import { type HostsFile, parseHostsFile } from '../local/hosts/access.ts';
import { Platform } from '../local/platform.ts';
import { formatMs } from './format.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { describeReport, type RunReport, shortSummary } from './report.ts';
import { onSignal } from './signals.ts';

interface Flags {
  config: string;
  secrets?: string;
  cluster: string;
  hosts?: string;
  stagingAddress?: StagingAddress;
  incident: Incident;
  member?: string;
  dryRun: boolean;
  approve: boolean;
  parameters?: JsonValue;
  json: boolean;
}

interface StagingAddress {
  address: string;
  /** Any that is free, if not said. */
  port?: number;
}

/** `etcd-remediation run`: runs a runbook from this machine, without AWS, against any cluster that it reaches. */
export function runCommand(): Command {
  return new Command('run')
    .summary('remediate a cluster from this machine, without AWS')
    .description(
      'Runs the same workflow that is deployed to AWS on this machine, against a cluster that this machine reaches. Start with --dry-run: ' +
        'it reads, and changes nothing.',
    )
    .option('--config <file>', 'the clusters', 'clusters.json')
    .option(
      '--secrets <file>',
      'JSON object: for each secret that the configuration names, what Secrets Manager would hold',
    )
    .option(
      '--hosts <file>',
      'JSON object: how each host of the configuration is reached, such as {"node-a": {"exec": ["ssh", "-o", "BatchMode=yes", "10.0.1.11", "sudo", "bash"]}}',
    )
    .option(
      '--staging-address <address[:port]>',
      'an address of this machine that the hosts reach, such as 10.0.1.5:9000 or [fd00::5]:9000: from there each fetches the snapshot of a ' +
        'quorum recovery, over plain HTTP (default: 127.0.0.1, which serves hosts that are this machine, and any free port)',
      parseStagingAddress,
    )
    .requiredOption('--cluster <name>', 'which of the clusters')
    .addOption(new Option('--incident <incident>', 'what is wrong').choices(INCIDENTS).default('space-exceeded'))
    .option('--member <name>', 'which member has failed (default: all that have)')
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .option('--approve', "approve what the cluster's policy wants approved", false)
    .option('--parameters <json>', 'parameters of the runbook, such as {"retainRevisions":1000}', parseJson)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { config, secrets, cluster, incident, member, dryRun, parameters, json } = flags;
  const output = openOutput(json);
  const file = parseClustersFile(await read(config), config);
  const chosen = file.clusters.find((each) => each.name === cluster);
  if (!chosen) {
    throw new InvalidInput(
      `${config} has no cluster "${cluster}"; it has ${file.clusters.map((each) => each.name).join(', ')}.`,
    );
  }
  const input = {
    cluster,
    incident,
    dryRun,
    ...(member !== undefined && { member }),
    ...(parameters !== undefined && { parameters }),
  };
  parse(executionInputSchemas[incident], input, 'The execution input');
  const held = secrets ? parseSecrets(await read(secrets), secrets) : {};
  requireSecrets(chosen, held);
  const hosts = flags.hosts ? parseHostsFile(parseJsonFile(await read(flags.hosts), flags.hosts), flags.hosts) : {};
  if (RUNBOOKS[incident].needsHosts) requireHosts(chosen, hosts);
  if (!dryRun && !flags.approve) requireNoApproval(chosen, incident);

  output.print(`Remediating ${incident} of cluster ${cluster}${dryRun ? ' (dry run: nothing is changed)' : ''}`);
  const progress = new Progress(output.print);
  if (incident === 'quorum-lost' && !dryRun && !flags.stagingAddress) {
    progress.say('Hosts fetch the snapshot from 127.0.0.1: give --staging-address where they are other machines.');
  }
  progress.say('Synthesizing the workflow and bundling its steps');
  const platform = await Platform.start({
    file: { clusters: [chosen] },
    secrets: held,
    hosts,
    ...(flags.stagingAddress && {
      stagingAddress: flags.stagingAddress.address,
      stagingPort: flags.stagingAddress.port,
    }),
    onPage: ({ subject, message }) => output.print(`PAGE: ${subject}\n${message}`),
    onRuleStart: (stateMachineName) => {
      progress.say(`Its end starts ${stateMachineName}`);
      return new Progress(output.print).onEvent;
    },
  });
  const stopping = new AbortController();
  using _ = onSignal(() => stopping.abort(new Error('Stopped by a signal.')));
  try {
    const startedAt = Date.now();
    const { signal } = stopping;
    const execution = await platform.execute({ incident, input, onEvent: progress.onEvent, signal });
    await platform.settled();
    const result = {
      outcome:
        execution.status === 'SUCCEEDED'
          ? String((execution.output as { outcome: string }).outcome)
          : execution.error || execution.status,
      cluster,
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
    }
    if (execution.status !== 'SUCCEEDED') process.exitCode ??= 1;
  } finally {
    await platform.close();
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(`${path} cannot be read: ${(error as Error).message}`);
  }
}

function parseJsonFile(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInput(`${path} is not JSON: ${(error as Error).message}`);
  }
}

function parseSecrets(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and the text is secret.
    throw new InvalidInput(`${path} is not JSON.`);
  }
  return parse(z.record(z.string(), z.record(z.string(), z.unknown())), value, path);
}

/** A host that is not in the file is one that cannot be reached: the runbook says so when it needs it. */
function requireHosts(cluster: ClustersFile['clusters'][number], hosts: HostsFile): void {
  const named = hostsOf(cluster);
  if (named.some((host) => Object.hasOwn(hosts, host))) return;
  throw new InvalidInput(
    (named.length === 0
      ? 'The configuration names no "host" for any member, and this runbook works on hosts: add them. '
      : `There is no way to any of the hosts ${named.map((host) => `"${host}"`).join(', ')}. `) +
      'Give each with --hosts FILE, as {"HOST": {"exec": ["ssh", "-o", "BatchMode=yes", "ADDRESS", "sudo", "bash"]}}: a command that runs what ' +
      'it reads on standard input in a shell.',
  );
}

function requireNoApproval({ name, policy }: ClustersFile['clusters'][number], incident: Incident): void {
  if ((policy?.[incident] ?? RUNBOOKS[incident].policy) === 'automatic') return;
  throw new InvalidInput(
    `The policy of cluster ${name} wants an approval for ${incident}. Look at the plan with --dry-run; then give --approve.`,
  );
}

function requireSecrets({ auth, tls }: ClustersFile['clusters'][number], held: Record<string, unknown>): void {
  const missing = [auth?.secret, tls?.secret].filter((name) => name !== undefined && !Object.hasOwn(held, name));
  if (missing.length === 0) return;
  throw new InvalidInput(
    `The configuration names the secrets ${missing.map((name) => `"${name}"`).join(' and ')}: give them with --secrets FILE, as ` +
      '{"NAME": {"username": "...", "password": "..."}} for a login or {"NAME": {"ca": "...", "cert": "...", "key": "..."}} for TLS.',
  );
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as Error).message}`);
  }
}

function parseStagingAddress(text: string): StagingAddress {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
  // An IPv6 address without brackets has colons of its own.
  const [, bracketed, plain, port] = isIP(text)
    ? ['', text]
    : (/^(?:\[([^[\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []);
  const address = bracketed ?? plain ?? '';
  if (!own.includes(address)) {
    throw new InvalidArgumentError(
      `It must be an IP address of this machine: ${own.join(', ')}; a port may follow, as in 127.0.0.1:9000 or [::1]:9000.`,
    );
  }
  if (port === undefined) return { address };
  if (Number(port) < 1 || Number(port) > 65_535) throw new InvalidArgumentError('Its port must be from 1 to 65535.');
  return { address, port: Number(port) };
}
