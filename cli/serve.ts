import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { Command, InvalidArgumentError } from 'commander';
import { ENTRY_STATE_MACHINE } from '../core/contracts/remediation.ts';
import { serveApi } from '../local/api-server.ts';
import { Platform } from '../local/platform.ts';
import { type FileFlags, readFiles, requireSecrets, takeFiles } from './files.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { onSignal } from './signals.ts';
import { parseStagingAddress, type StagingAddress } from './staging-address.ts';

/** The name under which the function of the API is deployed. */
const API = 'api';

interface Flags extends FileFlags {
  port: number;
  stagingAddress?: StagingAddress;
}

/** `etcd-remediation serve`: the API that is deployed to AWS, on loopback, for the clusters that this machine reaches. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .summary('serve the API from this machine, without AWS')
    .description(
      'Serves the API that is deployed to AWS, by the same function, on loopback; what it starts runs on this machine, against clusters that this ' +
        'machine reaches, and ends when this ends. Each request needs the header Authorization that is written to a file which nobody else ' +
        'can read: other users of this machine, and pages in a browser, get nothing.',
    );
  return takeFiles(command)
    .option('--port <port>', 'of 127.0.0.1; 0 for any that is free', parsePort, 8080)
    .option(
      '--staging-address <address[:port]>',
      'an address of this machine that the hosts reach, for a quorum recovery (default: 127.0.0.1, which serves hosts that are this machine)',
      parseStagingAddress,
    )
    .action(serve);
}

async function serve(flags: Flags): Promise<void> {
  const output = openOutput(false);
  const { file, secrets, hosts } = await readFiles(flags);
  requireSecrets(file.clusters, secrets);
  const { stagingAddress } = flags;
  const progress = new Progress(output.print);
  progress.say('Synthesizing the workflows and bundling their steps');
  const platform = await Platform.start({
    file,
    secrets,
    hosts,
    ...(stagingAddress && { stagingAddress: stagingAddress.address, stagingPort: stagingAddress.port }),
    onPage: ({ subject, message }) => output.print(`PAGE: ${subject}\n${message}`),
  });
  const folder = await mkdtemp(join(tmpdir(), 'etcd-remediation-serve-'));
  try {
    const server = await serveApi(
      (event) => platform.invokeStep(API, event) as Promise<APIGatewayProxyResult>,
      flags.port,
    );
    try {
      const header = join(folder, 'authorization');
      await writeFile(header, `Authorization: ${server.authorization}\n`, { mode: 0o600 });
      output.print(`Serving the API at ${server.url} until Ctrl-C. For example:`);
      output.print(`  curl -H @${header} ${server.url}/clusters`);
      await signalled();
    } finally {
      await server.close();
    }
    await stopRemediations(platform);
  } finally {
    await platform.close();
    await rm(folder, { recursive: true });
  }
}

/** Each ends as one that a person has stopped, and what then has to be put in order is. */
async function stopRemediations(platform: Platform): Promise<void> {
  const running = platform.executions.of(ENTRY_STATE_MACHINE).filter(({ result }) => result === undefined);
  for (const execution of running) execution.stop('Stopped', 'etcd-remediation serve was ended.');
  await Promise.all(running.map(({ ended }) => ended));
  await platform.settled();
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    onSignal(resolve);
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be from 0 to 65535.');
}
