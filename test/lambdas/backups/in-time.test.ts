import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import { withBackups } from '../../../lambdas/backups/bucket.ts';
import { inTimeOrByHost } from '../../../lambdas/backups/in-time.ts';
import type { SnapshotPiece } from '../../../lambdas/etcd/connection.ts';
import type { EtcdMember } from '../../../lambdas/etcd/member.ts';
import { runCommand } from '../../../local/aws/run-command.ts';
import { BUCKET } from '../../local/aws/s3-bucket.ts';
import { documents, HERE, HOST, serve } from '../hosts/support.ts';
import { serveStaging } from '../staging/support.ts';

const PIECE_BYTES = 256 * 1024;
const TOTAL_BYTES = 64 * 1024 * 1024;

/** A member whose snapshot takes more than half a minute. */
const SLOW = {
  name: 'm1',
  status: async () => ({
    revision: '7',
    raftAppliedIndex: '9',
    dbSizeInUseBytes: 1e9,
    id: 'a1',
    clusterId: 'c1',
    version: '3.5.30',
  }),
  raftTerm: async () => '2',
  countKeys: async () => 3,
  async *snapshot(_: number, signal: AbortSignal): AsyncGenerator<SnapshotPiece> {
    for (let left = TOTAL_BYTES - PIECE_BYTES; left >= 0; left -= PIECE_BYTES) {
      yield { blob: randomBytes(PIECE_BYTES), remaining_bytes: String(left) };
      await sleep(200, undefined, { signal });
    }
  },
} as unknown as EtcdMember;

function clusterWith(host?: string): Cluster {
  const member = { name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' };
  return {
    name: 'orders',
    members: [{ ...member, ...(host && { host }) }],
    layout: {
      ...{ unit: 'etcd', dataDir: '/var/lib/etcd', walDir: null, configFile: '/etc/etcd/etcd.yaml' },
      ...{ binDir: '/usr/bin', user: 'etcd', group: 'etcd' },
    },
    quotaBackendBytes: 1,
    backups: { bucket: BUCKET, prefix: '', everyMinutes: 60 },
  };
}

/** What the host of the member says. */
interface Answers {
  ping?: string;
  /** The end of its script, which knows whose data it is asked for, and where it would send a part. */
  copyDatabase?: string;
}

const AGREES = `[ "$of" = 'c1 a1 run-1' ] && [ -n '{{ url }}' ] && echo '{"inode":"7","copy":null}'`;
const REFUSES = `echo '{"message":"It has no room.","refusal":"no-room"}'; exit 65`;

async function backUp(host: string | undefined, limitMs: number, { ping = 'Online', copyDatabase = AGREES }: Answers) {
  const copies = documents({
    'copy-database': `#!/bin/bash\nof='{{ clusterId }} {{ memberId }} {{ execution }}{{ metas }}'\n: '{{ dataDir }}' '{{ walDir }}' '{{ inode }}' '{{ url }}'\n${copyDatabase}`,
  });
  const local = runCommand({ documents: copies, hosts: HERE });
  onTestFinished(() => local.close());
  await serve({
    ...local.operations,
    'AmazonSSM.DescribeInstanceInformation': async () => ({
      InstanceInformationList: [{ InstanceId: HOST, PingStatus: ping }],
    }),
  });
  // For one process that talks to both, as a function does.
  const { AWS_REGION = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
  await serveStaging({
    credentials: { region: AWS_REGION, accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
  });
  const beganAt = Date.now();
  const cluster = clusterWith(host);
  const serving = new AbortController().signal;
  const taken = withBackups(cluster, 'backing-up', (client) =>
    inTimeOrByHost(cluster, { member: SLOW, client, execution: 'run-1', serving, endsAt: beganAt + limitMs }),
  );
  return { taken: await taken.catch((error: Error) => error), tookMs: Date.now() - beganAt };
}

describe('a backup that a function would not have the time for', () => {
  it.each([
    ['would go on', AGREES],
    ['makes another backup, for then this one is put off', `echo '{"gaveWay":"Another backup works there."}'`],
  ])('ends early where its host %s', async (_, copyDatabase) => {
    const { taken, tookMs } = await backUp(HOST, 20_000, { copyDatabase });
    expect(taken).toEqual({
      outgrown: expect.stringMatching(/of the 64\.0 MiB of m1 came in \d s.* 20 s .*its host goes on/),
    });
    expect(tookMs).toBeLessThan(10_000);
  });

  it.each<[string, string | undefined, Answers, RegExp]>([
    ['its host is not reached', HOST, { ping: 'ConnectionLost' }, /host .* is not reached.*ConnectionLost/],
    ['it has no host', undefined, {}, /names no "host" for m1/],
  ])('goes on until its time ends where %s, and says so', async (_, host, answers, words) => {
    const { taken, tookMs } = await backUp(host, 4_000, answers);
    expect(taken).toMatchObject({ name: 'PreconditionFailed', message: expect.stringMatching(words) });
    expect(tookMs).toBeGreaterThanOrEqual(4_000);
  });

  it.each([
    ['refuses', REFUSES],
    ['does not answer in time', 'sleep 60'],
  ])('is not given up for a host that %s: only at its end is that one let to try', async (_, copyDatabase) => {
    const { taken, tookMs } = await backUp(HOST, 4_000, { copyDatabase });
    expect(taken).toEqual({ outgrown: expect.stringMatching(/its host goes on/) });
    expect(tookMs).toBeGreaterThanOrEqual(4_000);
  });
});
