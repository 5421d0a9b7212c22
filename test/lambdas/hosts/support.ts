import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { documentName, type HostCommandName } from '../../../core/hosts/host-commands.ts';
import { openSsm, type Ssm } from '../../../lambdas/hosts/ssm.ts';
import { documentContent } from '../../../lib/command-documents.ts';
import { type AwsEndpoint, serveAwsEndpoint } from '../../../local/aws/endpoint.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { type RunCommand, runCommand } from '../../../local/aws/run-command.ts';
import type { HostsFile } from '../../../local/hosts/access.ts';

export const HOST = 'i-0a1b2c3d4e5f60718';
export const OTHER_HOST = 'i-1a1b2c3d4e5f60718';
/** This machine, as a host that a shell leads to. */
export const HERE: HostsFile = { [HOST]: { exec: ['sh'] } };

/** A script of control-service: bash, with each of its parameters. */
export function controlScript(body: string): string {
  return `#!/bin/bash\nunit='{{ unit }}'\naction='{{action}}'\n: '{{ sentAt }}' '{{ dataDir }}' '{{ walDir }}' '{{ clusterId }}' '{{ commitIndex }}'\n${body}`;
}

/** What control-service is sent to stop etcd. */
export const STOP_ETCD = {
  ...{ unit: 'etcd', action: 'stop', dataDir: '/var/lib/etcd', walDir: '', clusterId: '', commitIndex: '' },
};
/** As a caller of Run Command gives it. */
export const STOP_PARAMETERS = Object.fromEntries(
  Object.entries({ ...STOP_ETCD, sentAt: '1' }).map(([name, value]) => [name, [value]]),
);

/** Prints a result of control-service. */
export const SUCCEED = 'echo "{\\"activeState\\":\\"active\\",\\"subState\\":\\"$action\\",\\"mainPid\\":7}"';

/** Waits until these files are there, for half a minute at most. */
export function until(...files: string[]): string {
  const all = files.map((file) => `[ -e ${file} ]`).join(' && ');
  return `for _ in {1..600}; do ${all} && break; sleep 0.05; done`;
}

/** The deployed documents, with these scripts. */
export function documents(scripts: Partial<Record<HostCommandName, string>>): Record<string, unknown> {
  return Object.fromEntries(
    (Object.entries(scripts) as [HostCommandName, string][]).map(([command, script]) => [
      documentName(command),
      documentContent(command, script),
    ]),
  );
}

/** Points the SDK at these operations for the rest of the test. */
export async function serve(operations: Record<string, Operation>): Promise<AwsEndpoint> {
  const accessKeyId = `LOCAL${randomUUID()}`;
  const endpoint = await serveAwsEndpoint(operations, accessKeyId);
  onTestFinished(() => endpoint.close());
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_REGION', 'local');
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'any');
  vi.stubEnv('AWS_ENDPOINT_URL_SSM', endpoint.url);
  return endpoint;
}

/** Run Command for the rest of the test, with this script as control-service. */
export async function serveControlService(body: string, hosts = HERE): Promise<RunCommand> {
  const local = runCommand({ documents: documents({ 'control-service': controlScript(body) }), hosts });
  onTestFinished(() => local.close());
  await serve(local.operations);
  return local;
}

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hosts-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Connections for the rest of the test. */
export async function connectSsm(): Promise<Ssm> {
  const ssm = await openSsm({ cluster: 'orders', access: 'commands' });
  onTestFinished(() => ssm.close());
  return ssm;
}

/** The lines that scripts have written so far. */
export function linesIn(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}
