import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { findOnPath } from '../../local/etcd/executables.ts';
import { cutOff, ObjectServer, partTaken, refused, SIGNATURE } from './object-server.ts';
import { PreparedHost } from './prepared-host.ts';
import { contentsOf, SCRATCH, setFreeKilobytes } from './recovery-host.ts';
import { refuse, runCommand, succeed } from './script.ts';

const CONTENT = gzipSync(randomBytes(100_000));
const SIZE = CONTENT.length;
/** A recovery runs it, and a backup. */
const FOR_BOTH = /Start the recovery or the backup again\.$/;

function hostWithSnapshot(): PreparedHost {
  const host = new PreparedHost();
  // The pauses between tries are not what is tested.
  host.program('sleep', 'exit 0');
  mkdirSync(host.path(SCRATCH));
  writeFileSync(host.path(`${SCRATCH}/snapshot`), CONTENT);
  return host;
}

function parametersFor(host: PreparedHost, server: ObjectServer, offset = 0, length = SIZE) {
  return {
    ...{ dataDir: host.path('data'), execution: 'run-1', source: 'data' },
    offsetBytes: String(offset),
    lengthBytes: String(length),
    url: server.url(),
  };
}

describe('send-snapshot', () => {
  it('sends the whole file, and returns the ETag as S3 gave it', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    expect(await succeed(host.access, 'send-snapshot', parametersFor(host, server))).toEqual({
      sizeBytes: SIZE,
      etag: '"9b2cf535f27731c974343645a3985328"',
    });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers['content-length']).toBe(String(SIZE));
    expect(server.requests[0]?.body.equals(CONTENT)).toBe(true);
    expect(contentsOf(host.path(SCRATCH))).toEqual(['snapshot']);
  });

  it('sends the backup that was fetched here, and not the snapshot of the data beside it', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    mkdirSync(host.path(`${SCRATCH}.backup`));
    writeFileSync(host.path(`${SCRATCH}.backup/snapshot`), 'a backup');
    const parameters = { ...parametersFor(host, server, 2, 6), source: 'backup' };
    expect(await succeed(host.access, 'send-snapshot', parameters)).toMatchObject({ sizeBytes: 6 });
    expect(server.requests[0]?.body.toString()).toBe('backup');
    expect(contentsOf(host.path(`${SCRATCH}.backup`))).toEqual(['snapshot']);
  });

  it('sends parts, which make up the whole', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    const parts = [
      [0, 33_333],
      [33_333, 33_333],
      [66_666, SIZE - 66_666],
    ] as const;
    for (const [offset, length] of parts) {
      const url = server.url(String(offset));
      const parameters = { ...parametersFor(host, server, offset, length), url };
      expect(await succeed(host.access, 'send-snapshot', parameters)).toMatchObject({ sizeBytes: length });
    }
    const bodies = parts.map(([offset]) => server.requests.find(({ path }) => path === `/staging/${offset}`)?.body);
    expect(Buffer.concat(bodies.map((body) => body ?? Buffer.alloc(0))).equals(CONTENT)).toBe(true);
    expect(contentsOf(host.path(SCRATCH))).toEqual(['snapshot']);
  });

  it.each([
    ['goes beyond the end', SIZE - 1, 2],
    ['is empty', 0, 0],
    ['begins far beyond the end', 9_000_000_000_000_000, 1],
  ])('refuses a part that %s', async (_what, offset, length) => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    const { exitCode, message } = await refuse(
      host.access,
      'send-snapshot',
      parametersFor(host, server, offset, length),
    );
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(`${SIZE} bytes`) });
    expect(server.requests).toEqual([]);
  });

  it('refuses a number that bash cannot count with', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    const parameters = { ...parametersFor(host, server), offsetBytes: '18446744073709551616' };
    expect(await refuse(host.access, 'send-snapshot', parameters)).toMatchObject({ exitCode: 64 });
  });

  it('refuses where no snapshot was made', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    rmSync(host.path(SCRATCH), { recursive: true });
    expect(await refuse(host.access, 'send-snapshot', parametersFor(host, server))).toMatchObject({
      ...{ exitCode: 65, refusal: 'nothing-to-send', message: expect.stringMatching(FOR_BOTH) },
    });
    expect(server.requests).toEqual([]);
  });

  it('refuses where the snapshot is shorter than planned', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    expect(await refuse(host.access, 'send-snapshot', parametersFor(host, server, 1))).toMatchObject({
      ...{ exitCode: 65, refusal: 'no-part', message: expect.stringMatching(FOR_BOTH) },
    });
    expect(server.requests).toEqual([]);
  });

  it('tells what S3 answered, and not the address, and does not ask again', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(refused(403, 'AccessDenied', 'Request has expired'));
    const { exitCode, line, stderr } = await runCommand(host.access, 'send-snapshot', parametersFor(host, server));
    expect(exitCode).toBe(1);
    expect(line).toContain('HTTP status 403, AccessDenied: Request has expired');
    expect(line + stderr).not.toContain(SIGNATURE);
    expect(server.requests).toHaveLength(1);
    expect(contentsOf(host.path(SCRATCH))).toEqual(['snapshot']);
  });

  it('tries again where S3 is too busy', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(refused(503, 'SlowDown'), cutOff, partTaken);
    await succeed(host.access, 'send-snapshot', parametersFor(host, server, 0, 10));
    expect(server.requests.map(({ body }) => body.length)).toEqual([10, 10, 10]);
  });

  it('gives up after five tries', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(refused(503, 'SlowDown', 'Please reduce your request rate.'));
    const { exitCode, message } = await refuse(host.access, 'send-snapshot', parametersFor(host, server));
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('503, SlowDown') });
    expect(server.requests).toHaveLength(5);
  });

  it('says that it cannot reach what nobody listens on', async () => {
    using host = hostWithSnapshot();
    const server = await ObjectServer.start(partTaken);
    const parameters = parametersFor(host, server);
    await server[Symbol.asyncDispose]();
    const { exitCode, line, stderr } = await runCommand(host.access, 'send-snapshot', parameters);
    expect(exitCode).toBe(1);
    expect(line).toContain('could not be reached');
    expect(line + stderr).not.toContain(SIGNATURE);
  });

  it('ends a connection over which nothing comes any more', async () => {
    using host = hostWithSnapshot();
    const curl = (await findOnPath('curl')) ?? '';
    host.program(
      'curl',
      `for word; do shift; [ "$word" = 60 ] && word=1; set -- "$@" "$word"; done; exec ${curl} "$@"`,
    );
    await using server = await ObjectServer.start(() => undefined, partTaken);
    await succeed(host.access, 'send-snapshot', parametersFor(host, server));
    expect(server.requests).toHaveLength(2);
  });

  it('does not take an answer without a receipt for one', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start((response) => void response.writeHead(200).end());
    const { exitCode, message } = await refuse(host.access, 'send-snapshot', parametersFor(host, server));
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('no ETag') });
  });

  it('says that curl is missing', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    mkdirSync(host.path('few'));
    for (const program of [
      ...['awk', 'bash', 'df', 'env', 'head', 'id', 'ls', 'mkdir', 'mv', 'od', 'readlink', 'rm', 'sed', 'sleep'],
      ...['sync', 'tail', 'tr', 'wc'],
    ]) {
      symlinkSync((await findOnPath(program)) ?? '', host.path(`few/${program}`));
    }
    const bare = { exec: ['env', `PATH=${host.path('few')}`, 'bash'] };
    const { exitCode, message } = await refuse(bare, 'send-snapshot', parametersFor(host, server, 5, 10));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('no curl') });
  });

  it('needs room for a part', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    setFreeKilobytes(host, 10);
    const { exitCode, message } = await refuse(host.access, 'send-snapshot', parametersFor(host, server, 5, 20_000));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining('10240 bytes free') });
    expect(contentsOf(host.path(SCRATCH))).toEqual(['snapshot']);
  });

  it('leaves the room that etcd needs beside a backup', async () => {
    using host = hostWithSnapshot();
    writeFileSync(host.path(`${SCRATCH}/backup`), '');
    await using server = await ObjectServer.start(partTaken);
    setFreeKilobytes(host, 512 * 1024 + 10);
    expect(await refuse(host.access, 'send-snapshot', parametersFor(host, server, 5, 20_000))).toMatchObject({
      ...{ exitCode: 65, refusal: 'no-room' },
      message: expect.stringContaining('with room left for etcd'),
    });
    expect(server.requests).toEqual([]);
    expect(contentsOf(host.path(SCRATCH))).toEqual(['backup', 'snapshot']);
    setFreeKilobytes(host, 512 * 1024 + 20);
    await succeed(host.access, 'send-snapshot', parametersFor(host, server, 5, 20_000));
  });

  it.skipIf(process.platform !== 'linux')('shows the address in no command line', async () => {
    using host = hostWithSnapshot();
    await using server = await ObjectServer.start(partTaken);
    const seen: string[] = [];
    server.onRequest = () => {
      for (const process of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
          seen.push(readFileSync(`/proc/${process}/cmdline`, 'utf8'));
        } catch {
          // It has ended.
        }
      }
    };
    await succeed(host.access, 'send-snapshot', parametersFor(host, server));
    expect(seen.some((line) => line.startsWith('curl\0'))).toBe(true);
    expect(seen.filter((line) => line.includes(SIGNATURE))).toEqual([]);
  });
});
