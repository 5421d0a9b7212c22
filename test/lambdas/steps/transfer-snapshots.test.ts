import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HOST_COMMANDS, type HostCommandName } from '../../../core/hosts/host-commands.ts';
import type { HostReport } from '../../../core/hosts/run-host-commands.ts';
import { TRANSFERS } from '../../../core/quorum-recovery/staging-contracts.ts';
import { handler as stage } from '../../../lambdas/steps/stage-snapshot.ts';
import { handler } from '../../../lambdas/steps/transfer-snapshots.ts';
import { AwsError } from '../../../local/aws/aws-error.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { runCommand } from '../../../local/aws/run-command.ts';
import { documents, HERE, HOST, serve, temporaryFolder, until } from '../hosts/support.ts';
import { serveRefusal, serveStaging } from '../staging/support.ts';

const KEY = 'orders/run-1.db.gz';
const RESTORE = {
  host: HOST,
  execution: 'run-1',
  command: 'restore-snapshot',
  parameters: {
    dataDir: '/var/lib/etcd',
    walDir: '',
    binDir: '/usr/bin',
    user: 'etcd',
    group: 'etcd',
    execution: 'run-1',
    name: 'node1',
    peerUrls: 'http://127.0.0.1:2380',
    initialCluster: 'node1=http://127.0.0.1:2380',
    initialClusterToken: 'token',
    sha256: 'a'.repeat(64),
    hashCheck: 'yes',
    revision: '7',
    bumpRevision: '0',
    sizeBytes: '1',
  },
} as const;
const SEND = {
  ...RESTORE,
  command: 'send-snapshot',
  parameters: { dataDir: '/var/lib/etcd', execution: 'run-1', source: 'data', offsetBytes: '0', lengthBytes: '12' },
} as const;
const READ = { access: 'read', key: KEY } as const;
const RESTORED = 'echo "{\\"revision\\":\\"7\\",\\"sizeBytes\\":12}"';

/** What was sent to SSM, and what this process has printed. */
let sent: { Comment: string; url: string }[];
let printed: string;
beforeEach(() => {
  sent = [];
  printed = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Run Command with these scripts, each with its parameters as variables. */
async function serveScripts(bodies: Partial<Record<HostCommandName, string>>, more: Record<string, Operation> = {}) {
  const scripts = Object.entries(bodies).map(([command, body]) => {
    const names = Object.keys(HOST_COMMANDS[command as HostCommandName].parameters);
    return [command, `#!/bin/bash\n${names.map((name) => `${name}='{{ ${name} }}'\n`).join('')}${body}`];
  });
  const local = runCommand({ documents: documents(Object.fromEntries(scripts)), hosts: HERE });
  onTestFinished(() => local.close());
  await serve({
    ...local.operations,
    'AmazonSSM.SendCommand': (request) => {
      const { Comment, Parameters } = request as { Comment: string; Parameters: { url: [string] } };
      sent.push({ Comment, url: Parameters.url[0] });
      return local.operations['AmazonSSM.SendCommand']?.(request);
    },
    ...more,
  });
}

/** For one process that talks to both, as a function does. */
function credentialsOfSsm() {
  const { AWS_REGION = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
  return { region: AWS_REGION, accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
}

interface Transfer {
  host: string;
  command: string;
  parameters: object;
  execution: string;
  object: object | null;
}

/** A phase of one transfer. */
function phaseOf({ host, parameters, object, ...phase }: Transfer, visit = Date.now()) {
  const commands = [{ member: 'm1', host, parameters, object }];
  return { cluster: 'orders', ...phase, commands, visit: new Date(visit).toISOString(), attempt: 0 };
}

/** What has become of it, where it ends soon. */
async function ended(transfer: Transfer): Promise<HostReport> {
  const { reports } = await handler(phaseOf(transfer));
  return reports[0] as HostReport;
}

function signatureOf(url: string | undefined): string {
  const signature = new URL(url ?? '').searchParams.get('X-Amz-Signature');
  if (!signature) throw new Error('It has no signature.');
  return signature;
}

describe('a transfer', () => {
  it('gives its host a URL by which it sends a part, or the whole, and others by which hosts read the whole', async () => {
    const folder = await temporaryFolder();
    await serveScripts({
      'send-snapshot': `printf 'the snapshot' > ${folder}/part
        etag=$(curl --silent --fail --dump-header - --upload-file ${folder}/part "$url" | tr -d '"\\r' | sed -n 's/^ETag: //p')
        echo "{\\"sizeBytes\\":12,\\"etag\\":\\"$etag\\"}"`,
      'restore-snapshot': `curl --silent --fail --output ${folder}/restored "$url" && ${RESTORED}`,
    });
    await serveStaging({ credentials: credentialsOfSsm() });
    const { uploadId } = await stage({ action: 'Begin', key: KEY });
    const object = { access: 'write-part', key: KEY, uploadId, partNumber: 1 };
    const { etag } = Object((await ended({ ...SEND, object })).result);
    await stage({ action: 'Complete', key: KEY, uploadId, parts: [{ partNumber: 1, etag }] });
    const restored = await ended({ ...RESTORE, object: READ });
    expect(restored).toMatchObject({ error: '', result: { revision: '7', sizeBytes: 12 } });
    expect(readFileSync(join(folder, 'restored'), 'utf8')).toBe('the snapshot');

    await stage({ action: 'Discard', key: KEY, uploadId });
    expect(await ended({ ...SEND, object: { access: 'write', key: KEY } })).toMatchObject({
      error: '',
      result: { etag },
    });
    expect(await ended({ ...RESTORE, object: READ })).toMatchObject({ error: '' });
  });

  it('has an empty URL where the snapshot lies on the host already', async () => {
    await serveStaging();
    await serveScripts({ 'restore-snapshot': `[ -z "$url" ] && ${RESTORED}` });
    expect(await ended({ ...RESTORE, object: null })).toMatchObject({ error: '' });
    expect(sent).toEqual([{ Comment: expect.any(String), url: '' }]);
  });

  it('that runs already is taken up, and no other URL is made', async () => {
    await serveStaging();
    const open = join(await temporaryFolder(), 'open');
    let lost = 0;
    const script = { 'restore-snapshot': `${until(open)}; ${RESTORED}` };
    await serveScripts(script, {
      'AmazonSSM.GetCommandInvocation': () => {
        lost++;
        throw new AwsError('InternalFailure', 'the answer is lost');
      },
    });
    const phase = phaseOf({ ...RESTORE, object: READ });
    await expect(handler(phase)).rejects.toMatchObject({ name: 'AwsUnavailable' });
    // Without its name no URL could be made.
    vi.stubEnv('STAGING_BUCKET', '');
    await expect(handler({ ...phase, attempt: 1 })).rejects.toMatchObject({ name: 'AwsUnavailable' });
    writeFileSync(open, '');
    expect([sent.length, lost > 1]).toEqual([1, true]);
  });

  it('is told from others by what it does, and not by its URL', async () => {
    await serveStaging();
    await serveScripts({ 'restore-snapshot': RESTORED }, { 'AmazonSSM.ListCommands': () => ({ Commands: [] }) });
    const now = Date.now();
    for (const seconds of [0, 1]) {
      vi.useFakeTimers({ toFake: ['Date'], now: now + seconds * 1_000 });
      // The first one was not listed, so that it is sent again.
      await handler(phaseOf({ ...RESTORE, object: READ }, now));
    }
    const parameters = { ...RESTORE.parameters, revision: '8' };
    await handler(phaseOf({ ...RESTORE, parameters, object: READ }, now));
    const [first, second, other] = sent;
    expect(first?.Comment).toBe(second?.Comment);
    expect(signatureOf(first?.url)).not.toBe(signatureOf(second?.url));
    expect(other?.Comment).not.toBe(first?.Comment);
  });

  it('is not sent where the backup cannot be read', async () => {
    await serveRefusal(404, 'NoSuchKey');
    await serveScripts({ 'fetch-backup': 'exit 1' });
    const { dataDir, execution, binDir } = RESTORE.parameters;
    const object = { access: 'read-backup', bucket: 'backups', key: 'orders/monday.db' };
    const parameters = { dataDir, binDir, execution, keep: 'yes', compressor: 'gzip', sha256: '' };
    expect(await ended({ ...RESTORE, command: 'fetch-backup', parameters, object })).toMatchObject({
      error: 'PreconditionFailed',
      problem: expect.stringContaining('There is no such object'),
    });
    expect(sent).toEqual([]);
  });

  it('is not sent where a parameter is wrong, and none of it where its URL would be', async () => {
    await serveStaging();
    await serveScripts({ 'restore-snapshot': RESTORED });
    const wrong = { ...RESTORE, parameters: { ...RESTORE.parameters, sha256: 'x; id' }, object: READ };
    await expect(handler(phaseOf(wrong))).rejects.toMatchObject({ name: 'InvalidInput' });
    vi.stubEnv('AWS_SESSION_TOKEN', 'a'.repeat(9_000));
    expect(await ended({ ...RESTORE, object: READ })).toMatchObject({
      error: 'InvalidInput',
      problem: expect.stringMatching(/- url: must be at most 8192 characters$/),
    });
    expect(sent).toEqual([]);
  });

  it.each(
    (Object.keys(HOST_COMMANDS) as HostCommandName[]).filter(
      (name) => !(TRANSFERS as readonly string[]).includes(name),
    ),
  )('is none of %s, which takes no URL', async (command) => {
    await serveStaging();
    await serveScripts({});
    await expect(handler(phaseOf({ ...RESTORE, command, object: READ }))).rejects.toMatchObject({
      name: 'InvalidInput',
    });
  });
});

describe('the URL of a transfer', () => {
  /** What the step gives back or throws, whatever it is. */
  async function said(input: Transfer): Promise<string> {
    const answer = await ended(input).catch(({ name, message, stack }: Error) => ({ name, message, stack }));
    return JSON.stringify(answer);
  }

  it.each([
    ['that succeeds', `echo "$url" >&2; ${RESTORED}`, '"error":""'],
    ['that says it in its message', `echo "{\\"message\\":\\"cannot fetch $url\\"}"; exit 65`, 'PreconditionFailed'],
    ['that says it as its last words', 'echo "curl: cannot fetch $url" >&2; exit 1', 'HostCommandFailed'],
    ['that says the most of it', 'echo "$url" >&2; printf "%0400d" 0 >&2; exit 1', 'HostCommandFailed'],
    ['that says it instead of a result', 'echo "$url"', 'HostCommandFailed'],
    ['that says it twice, in other letters', 'echo "$url $url" | tr X x >&2; exit 1', 'HostCommandFailed'],
  ])('is in no output, no error and no log of one %s', async (_, script, outcome) => {
    await serveStaging();
    vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    await serveScripts({ 'restore-snapshot': script });
    const all = (await said({ ...RESTORE, object: READ })) + printed;
    expect(all).toContain(outcome);
    const url = sent[0]?.url;
    expect(all).not.toContain(signatureOf(url));
    // Nor the end of it, where what was said is cut.
    expect(all).not.toContain(signatureOf(url).slice(-16));
    expect(all).not.toContain(new URL(url ?? '').searchParams.get('X-Amz-Credential'));
  });

  it('is in no error where SSM itself repeats it', async () => {
    await serveStaging();
    await serveScripts(
      { 'restore-snapshot': RESTORED },
      {
        'AmazonSSM.SendCommand': (request) => {
          const { Parameters } = request as { Parameters: { url: [string] } };
          sent.push({ Comment: '', url: Parameters.url[0] });
          throw new AwsError('InvalidParameters', `url: ${Parameters.url[0]} is not allowed`);
        },
      },
    );
    const all = (await said({ ...RESTORE, object: READ })) + printed;
    expect(all).toContain('is not allowed');
    expect(all).not.toContain(signatureOf(sent[0]?.url));
  });
});
