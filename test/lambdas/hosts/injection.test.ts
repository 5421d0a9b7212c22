import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import {
  documentName,
  documentParameters,
  HOST_COMMANDS,
  type HostCommandName,
  SENT_AT,
} from '../../../core/hosts/host-commands.ts';
import { sendCommand } from '../../../lambdas/hosts/commands.ts';
import { runCommand } from '../../../local/aws/run-command.ts';
import { connectSsm, documents, HERE, HOST, serve, temporaryFolder } from './support.ts';

/** What every parameter of every command takes, and none of these tests is about. */
const HARMLESS: Readonly<Record<string, string>> = {
  unit: 'etcd@orders.service',
  action: 'stop',
  dataDir: '/var/lib/etcd',
  walDir: '',
  clusterId: 'c1',
  memberId: 'a1',
  metas: 'edda0ced'.repeat(32),
  inode: '7',
  commitIndex: '7',
  configFile: '/etc/etcd/etcd.conf',
  binDir: '/usr/local/bin',
  user: 'etcd',
  group: 'etcd',
  execution: 'run-1',
  commandId: 'run-1',
  initialCluster: 'node1=https://10.0.1.11:2380,node2=https://[fd00::2]:2380',
  data: 'swap',
  source: 'data',
  initialClusterToken: '',
  keep: 'yes',
  compressor: 'gzip',
  outcome: 'undo',
  url: 'https://b.s3.eu-central-1.amazonaws.com/orders/run-1.db.gz?X-Amz-Expires=3600&X-Amz-Signature=0a',
  offsetBytes: '0',
  lengthBytes: '12',
  name: 'node1',
  peerUrls: 'https://10.0.1.11:2380',
  sha256: '0a',
  hashCheck: 'yes',
  revision: '7',
  bumpRevision: '0',
  compressedBytes: '12',
  sizeBytes: '12',
  roomBytes: '12',
  memoryBytes: '12',
  replaceNewer: 'no',
};

const PAYLOADS: readonly [string, (value: string, owned: string) => string][] = [
  ['a second command', (value, owned) => `${value}; touch ${owned}`],
  ['a substitution', (value, owned) => `${value}$(touch ${owned})`],
  ['backticks', (value, owned) => `${value}\`touch ${owned}\``],
  ['a single quote', (value, owned) => `${value}'; touch ${owned}; '`],
  ['a double quote', (value, owned) => `${value}"; touch ${owned}; "`],
  ['a variable', (value) => `${value}$HOME`],
  ['a folder above', () => '../../etc'],
  ['a path with a folder above', (value) => `${value}/../../etc`],
  ['an option and its value', () => '--force /'],
  ['a second line', (value, owned) => `${value}\ntouch ${owned}`],
  ['a line end', (value) => `${value}\n`],
  ['a carriage return', (value) => `${value}\r`],
  ['a zero', (value) => `${value}\0`],
  ['another parameter', (value) => `${value}{{ unit }}`],
  ['a letter that only looks right', (value) => `${value}\u0435`],
  ['100 kB', () => 'a'.repeat(100_000)],
  ['100 kB of a path', () => '/a'.repeat(50_000)],
];

const CASES = (Object.keys(HOST_COMMANDS) as HostCommandName[]).flatMap((command) =>
  Object.keys(HOST_COMMANDS[command].parameters).map((name) => ({ command, name })),
);

function harmless(command: HostCommandName): Record<string, string> {
  return Object.fromEntries(Object.keys(HOST_COMMANDS[command].parameters).map((name) => [name, HARMLESS[name] ?? '']));
}

/** Run Command with scripts that leave a trace, and every parameter in the places where a value could do harm. */
async function serveTraces() {
  const folder = await temporaryFolder();
  const scripts = Object.fromEntries(
    (Object.keys(HOST_COMMANDS) as HostCommandName[]).map((command) => [
      command,
      [
        '#!/bin/bash',
        `touch ${folder}/ran`,
        ...Object.keys(documentParameters(command)).map((name) => `${name}="{{ ${name} }}"`),
      ].join('\n'),
    ]),
  );
  const local = runCommand({ documents: documents(scripts), hosts: HERE });
  const requests: string[] = [];
  const endpoint = await serve(
    Object.fromEntries(
      Object.entries(local.operations).map(([name, operation]) => [
        name,
        (request) => {
          requests.push(name);
          return operation(request);
        },
      ]),
    ),
  );
  return { folder, requests, endpoint, close: local.close };
}

describe.each(CASES)('$command, given as $name', ({ command, name }) => {
  it.each(PAYLOADS)('%s, sends nothing and runs nothing', async (_, payload) => {
    const { folder, requests, close } = await serveTraces();
    const value = payload(HARMLESS[name] ?? '', join(folder, 'owned'));
    const parameters = { ...harmless(command), [name]: value };

    const ssm = await connectSsm();
    await expect(
      sendCommand(ssm, { host: HOST, command, parameters, clientToken: 'token' } as never),
    ).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining(`- ${name}: `),
    });
    expect(requests).toEqual([]);

    // Past the adapter.
    const request = new SendCommandCommand({
      DocumentName: documentName(command),
      InstanceIds: [HOST],
      TimeoutSeconds: 60,
      Parameters: {
        ...Object.fromEntries(Object.entries(parameters).map(([key, text]) => [key, [text]])),
        ...(SENT_AT.commands.includes(command) && { [SENT_AT.name]: ['1'] }),
      },
    });
    await expect(new SSMClient({}).send(request)).rejects.toMatchObject({
      name: 'InvalidParameters',
      message: expect.stringContaining(name),
    });
    await close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.each(Object.keys(HOST_COMMANDS) as HostCommandName[])('%s, with harmless values', (command) => {
  it('is sent and runs', async () => {
    const { folder } = await serveTraces();
    const parameters = harmless(command);
    await sendCommand(await connectSsm(), { host: HOST, command, parameters, clientToken: 'token' } as never);
    await expect.poll(() => existsSync(join(folder, 'ran'))).toBe(true);
  });
});
