import { describe, expect, it } from 'vitest';
import { assessTokens } from '../../../core/auth-token-reset/token-assessment.ts';
import { diagnose } from '../../../core/diagnosis/diagnose.ts';
import { measure } from '../../../core/diagnosis/metrics.ts';
import { EtcdCluster } from '../../../lambdas/etcd/cluster.ts';
import { observeEvidence } from '../../../lambdas/etcd/evidence.ts';
import { observeTokens } from '../../../lambdas/etcd/tokens.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../../local/etcd/cluster.ts';
import { configurationOf, ROOT } from './support.ts';

const VERSION = '3.5.16';
const APP = { username: 'app', password: 'pass-4711-app' };

/** Adds the user app, which may read and write every key, and no more. */
async function addApp(cluster: LocalCluster, password = `:${APP.password}`): Promise<void> {
  await cluster.etcdctl(['role', 'add', 'everything']);
  await cluster.etcdctl(['role', 'grant-permission', 'everything', '--prefix=true', 'readwrite', '']);
  await cluster.etcdctl(['user', 'add', `app${password}`, ...(password === '' ? ['--no-password'] : [])]);
  await cluster.etcdctl(['user', 'grant-role', 'app', 'everything']);
}

/** What a diagnosis, the detector and a runbook's first look make of a login. */
async function lookAs(local: LocalCluster, login?: { username: string; password: string }) {
  const cluster = { ...configurationOf(local), ...(login && { auth: { secret: 'login' } }) };
  const etcd = new EtcdCluster(cluster, { login, tls: local.tls });
  try {
    const evidence = { ...(await observeEvidence(etcd, cluster, Date.now() + 18_000)), hosts: [] };
    const observed = await etcd.observe().then(
      ({ members }) => members.map(({ answering }) => answering),
      (error: Error) => `${error.name}: ${error.message}`,
    );
    const told = () => {
      const { incident, summary, warnings } = diagnose(cluster, evidence);
      const [measured] = measure(cluster, evidence).measurements;
      return {
        ...(incident === 'healthy' ? { incident } : { incident, summary }),
        login: warnings.find(({ kind }) => kind === 'login-unfit')?.message,
        unfit: measured?.values.LoginUnfit,
      };
    };
    return { told, observed, members: evidence.members };
  } finally {
    etcd.close();
  }
}

/** Nobody who is let in nowhere can tell whether there is a quorum. */
const keptOut = (why: string | RegExp) => ({
  incident: 'quorum-inaccessible',
  summary: expect.stringMatching(why),
  login: undefined,
  unfit: undefined,
});

/** What the runbook for rejected tokens makes of a login. */
async function tokensAs(local: LocalCluster, login: { username: string; password: string }) {
  const cluster = { ...configurationOf(local), auth: { secret: 'login' } };
  const etcd = new EtcdCluster(cluster, { login, tls: local.tls });
  try {
    const parameters = { strategy: 'restart-then-toggle' as const, confirmSeconds: 1 };
    return assessTokens(await observeTokens(etcd), {
      cluster,
      parameters,
      readings: { statuses: [], equal: 0, total: 0 },
    });
  } finally {
    etcd.close();
  }
}

describe('a login that cannot do what runbooks have to', () => {
  it('for want of the root role is told by the first look, on a quiet day', async () => {
    await using cluster = await startCluster({ binaries: await findEtcd(VERSION), members: 1 });
    const { told: open } = await lookAs(cluster);
    expect(open()).toEqual({ incident: 'healthy', login: undefined, unfit: 0 });
    await cluster.enableAuth(ROOT.password);
    await addApp(cluster);
    const message =
      /^The login may not do what runbooks have to, for which it takes the root role\. .* auth secret.*"etcdserver: permission denied"/;
    const { told, observed } = await lookAs(cluster, APP);
    expect(told()).toEqual({ incident: 'healthy', login: expect.stringMatching(message), unfit: 1 });
    expect(observed).toMatch(/^PreconditionFailed: The login may not do/);

    const root = await lookAs(cluster, ROOT);
    expect(root.told()).toEqual({ incident: 'healthy', login: undefined, unfit: 0 });
    expect(root.observed).toEqual([true]);
  });

  it('is told to be the user that the client certificate names', async () => {
    const binaries = await findEtcd(VERSION);
    await using cluster = await startCluster({ binaries, members: 1, tls: 'mutual', clientName: 'app' });
    await cluster.enableAuth(ROOT.password);
    await addApp(cluster, '');
    const { told, observed } = await lookAs(cluster);
    const advice = 'etcd takes the common name of the client certificate (of the tls secret) for the user';
    expect(told()).toEqual({ incident: 'healthy', login: expect.stringContaining(advice), unfit: 1 });
    expect(observed).toContain('etcdctl user grant-role COMMON-NAME root');
    expect(observed).not.toContain("cluster's auth secret");

    await cluster.etcdctl(['user', 'grant-role', 'app', 'root']);
    expect((await lookAs(cluster)).told()).toEqual({ incident: 'healthy', login: undefined, unfit: 0 });

    const withPassword = await lookAs(cluster, APP);
    expect(withPassword.told()).toEqual(keptOut('Take "auth" out of clusters.json'));
    expect(withPassword.observed).toContainEqual(false);
  });
});

describe('members that only verify JWTs', () => {
  it('are served with a token of one that signs', async () => {
    const verifyOnly = ['m2', 'm3'];
    const binaries = await findEtcd(VERSION);
    await using cluster = await startCluster({ binaries, members: 3, authToken: 'jwt', verifyOnly });
    await cluster.enableAuth(ROOT.password);
    const { told, observed } = await lookAs(cluster, ROOT);
    expect(told()).toEqual({ incident: 'healthy', login: undefined, unfit: 0 });
    expect(observed).toEqual([true, true, true]);
    expect(await tokensAs(cluster, ROOT)).toMatchObject({ verdict: 'NothingToDo' });

    await cluster.stopMember('m1');
    const unsigned = await lookAs(cluster, ROOT);
    expect(unsigned.members).toMatchObject([{ silence: 'away' }, { silence: 'refused' }, { silence: 'refused' }]);
    const advice = /runs and refuses us: .*only verifies JWTs.* No other member gives a token either, .*ECONNREFUSED/;
    expect(unsigned.told()).toEqual(keptOut(advice));
  });

  it('are told as that where nobody signs', async () => {
    const binaries = await findEtcd(VERSION);
    await using cluster = await startCluster({ binaries, members: 1, authToken: 'jwt', verifyOnly: ['m1'] });
    await cluster.enableAuth(ROOT.password);
    const { told } = await lookAs(cluster, ROOT);
    const advice =
      /its --auth-token names no priv-key, so it signs none.*At least one member that signs JWTs has to answer/s;
    expect(told()).toEqual(keptOut(advice));
  });
});
