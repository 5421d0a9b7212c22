import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Cluster, registryParameterName } from '../../../core/cluster/clusters.ts';
import { handler as detectIncidents } from '../../../lambdas/steps/detect-incidents.ts';
import { handler as diagnoseCluster } from '../../../lambdas/steps/diagnose-cluster.ts';
import { systemsManager } from '../../../local/aws/services.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type ClusterCertificates, issueCertificates } from '../../../local/etcd/certificates.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { serveSecrets } from './secrets.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const LATE = { notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: new Date(Date.now() - 1.5 * DAY_MS) };
const TLS = 'expired/tls';

describe('a cluster with TLS', () => {
  let folder: string;
  let pki: string;
  let local: LocalCluster;
  let late: ClusterCertificates;
  let cluster: Cluster;
  /** What the secret holds, which a test may change. */
  const secret: Record<string, unknown> = {};
  let close: () => Promise<void>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'expired-'));
    // Its log has a line for each handshake that a client breaks off; newer releases say it only to who debugs.
    const binaries = await findEtcd('3.5.16');
    [local, late] = await Promise.all([
      startCluster({ binaries, members: 3, tls: 'mutual', directory: folder }),
      issueCertificates([], { lifetime: LATE }),
    ]);
    pki = join(folder, (await readdir(folder))[0] ?? '', 'secrets');
    cluster = {
      name: 'expired',
      members: local.members.map(({ name, clientUrl, peerUrl }) => ({ name, clientUrl, peerUrl })),
      quotaBackendBytes: 2 ** 31,
      tls: { secret: TLS },
    };
    Object.assign(secret, local.tls);
    const parameters = { [registryParameterName(cluster.name)]: JSON.stringify(cluster) };
    close = await serveSecrets({ [TLS]: secret }, systemsManager(parameters));
  });
  afterAll(async () => {
    await local?.close();
    await close?.();
    await rm(folder, { recursive: true, force: true });
  });

  /** What members have logged of handshakes that came to nothing. */
  async function complaints(): Promise<string[]> {
    const logs = await Promise.all(local.members.map(({ logFile }) => readFile(logFile, 'utf8')));
    return logs.flatMap((log) => log.split('\n')).filter((line) => line.includes('rejected connection'));
  }

  /** The numbers of the cluster. */
  async function detect(): Promise<Record<string, number>> {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const { lines } = await detectIncidents({ cluster: cluster.name }).finally(() => log.mockRestore());
    return JSON.parse(lines[0] ?? '{}');
  }
  const diagnose = () => diagnoseCluster({ cluster: cluster.name });

  it('is looked at each minute without a word in the log of a member', async () => {
    const before = await complaints();
    for (let look = 0; look < 5; look++) {
      expect(await detect()).toMatchObject({ IncidentPresent: 0, CertificateDaysLeft: 29, CertificatesEnding: 0 });
    }
    expect((await diagnose()).warnings).not.toContainEqual(
      expect.objectContaining({ kind: expect.stringContaining('certificate') }),
    );
    expect(await complaints()).toEqual(before);
  });

  it('is named the client certificate that has ended, and no member is failed or healthy', async () => {
    // Members trust its CA, so the time alone is wrong with it.
    await appendFile(join(pki, 'ca.crt'), `\n${late.ca}\n`);
    for (const { name } of local.members) {
      await local.stopMember(name);
      await local.startMember(name);
    }
    Object.assign(secret, late.client);
    const { incident, summary, members, warnings } = await diagnose();
    expect(incident).toBe('quorum-inaccessible');
    expect(summary).toMatch(/The client certificate of the tls secret has ended a day ago, on \S+: renew it\. /);
    for (const { state } of members) expect(['refusing', 'unreached']).toContain(state);
    expect(warnings.map(({ kind }) => kind)).toContain('certificate-expired');
    expect(await detect()).toMatchObject({ CertificateDaysLeft: -2, CertificatesEnding: 1, InaccessibleMembers: 3 });
  });

  it('is named the certificates of members that have ended, each with its day', async () => {
    // etcd reads the files anew for each connection.
    await Promise.all([
      writeFile(join(pki, 'server.crt'), late.server.cert),
      writeFile(join(pki, 'server.key'), late.server.key),
    ]);
    Object.assign(secret, local.tls, { ca: `${local.tls?.ca}\n${late.ca}\n` });
    const { incident, summary, members, warnings } = await diagnose();
    expect(incident).toBe('quorum-inaccessible');
    for (const name of ['m1', 'm2', 'm3']) {
      expect(summary).toMatch(new RegExp(`The certificate of ${name} has ended a day ago, on \\S+: renew it\\. `));
    }
    expect(members.map(({ state }) => state)).toEqual(['refusing', 'refusing', 'refusing']);
    expect(warnings.filter(({ kind }) => kind === 'certificate-expired')).toHaveLength(3);
    expect(await detect()).toMatchObject({ CertificateDaysLeft: -2, CertificatesEnding: 3 });
  });
});
