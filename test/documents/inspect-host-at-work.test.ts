import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { startCluster } from '../../local/etcd/cluster.ts';
import { owner } from './data-dir-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { succeed } from './script.ts';

/** What a host says of a member that runs elsewhere on this machine, as the member's own host would. */
async function ask({ clientUrl, peerUrl }: { clientUrl: string; peerUrl: string }, more = '', ActiveState = 'active') {
  using host = new PreparedHost({ ActiveState: 'active', SubState: 'running', MainPID: '812' });
  host.write('etcd.yaml', `listen-client-urls: ${clientUrl}\nlisten-peer-urls: ${peerUrl}\n${more}`);
  // A file would stay where the script is killed.
  host.program('mktemp', 'exit 1');
  host.setProperties({
    ...{ ActiveState, SubState: 'running', MainPID: '812' },
    ExecStart: `{ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd --config-file ${host.path('etcd.yaml')} ; ignore_errors=no ; pid=0 }`,
  });
  const layout = { unit: 'etcd', dataDir: host.path('data'), walDir: '', configFile: host.path('etcd.yaml') };
  const parameters = { ...layout, binDir: host.path('bin'), ...owner, url: '' };
  return (await succeed(host.access, 'inspect-host', parameters)).atWork;
}

describe.each(['3.4.23', '3.5.30'])('inspect-host asks etcd %s on its own host', (version) => {
  it('whether it listens, and has a leader', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 3 });
    const [member] = cluster.members;
    if (!member) throw new Error('no member');
    const listens = { clientPortListens: true, peerPortListens: true };
    const first = await ask(member);
    expect(first).toMatchObject({ ...listens, answer: 'leader' });
    expect(first.memberId).toMatch(/^[0-9a-f]{8,16}$/);
    const nowhere = { clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' };
    expect(await ask(nowhere)).toMatchObject({ clientPortListens: false, peerPortListens: false, answer: 'unknown' });
    expect(await ask({ ...member, clientUrl: member.clientUrl.replace('127.0.0.1', '0.0.0.0') })).toMatchObject({
      answer: 'leader',
    });
    await Promise.all(['m2', 'm3'].map((name) => cluster.killMember(name)));
    await expect.poll(async () => (await ask(member)).answer).toBe('no-leader');
    cluster.pauseMember('m1');
    const silent = (seconds: number) => ({
      ...{ ...listens, answer: 'silent' },
      problem: expect.stringMatching(new RegExp(`timed out after ${seconds}\\d{3} milliseconds`)),
    });
    expect(await ask(member)).toMatchObject(silent(5));
    // It has not told systemd yet that it is ready, which etcd does before it serves anybody.
    expect(await ask(member, '', 'activating')).toMatchObject(silent(2));
    cluster.resumeMember('m1');
  });

  it('with its own certificate where clients need one, and knows that somebody speaks TLS where there is none', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(version), members: 1, tls: 'mutual' });
    const [member] = cluster.members;
    const { cert = '', key = '' } = cluster.tls ?? {};
    if (!member) throw new Error('no member');
    const folder = mkdtempSync(join(tmpdir(), 'etcd-remediation-pki-'));
    try {
      writeFileSync(join(folder, 'cert'), cert);
      writeFileSync(join(folder, 'key'), key);
      const security = `client-transport-security:\n  cert-file: ${folder}/cert\n  key-file: "${folder}/key"\n`;
      expect(await ask(member, security)).toMatchObject({ answer: 'leader' });
      expect(await ask(member)).toMatchObject({ answer: 'speaks' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
