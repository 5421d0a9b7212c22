import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER_NAME, type Stage } from '../../drills/stage.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { issueCertificates } from '../../local/etcd/certificates.ts';
import { Platform } from '../../local/platform.ts';
import {
  alarmsOf,
  defragmentedIn,
  fill,
  leaderOf,
  MIB,
  remediate,
  setAlarm,
  stage,
  statesOf,
  statuses,
} from '../scenes/scene.ts';

/** What a runbook that refused must have left alone. */
async function snapshot(full: Stage) {
  return { alarms: await alarmsOf(full), leader: (await leaderOf(full)).name };
}

function failure(execution: ExecutionResult): { error: string; cause: string } {
  if (execution.status !== 'FAILED') throw new Error(`ended ${execution.status}: ${JSON.stringify(execution)}`);
  return execution;
}

describe('the space runbook refuses a full cluster', () => {
  let full: Stage;
  beforeAll(async () => {
    full = await stage();
    await fill(full.etcd, { keys: 40 });
  });
  afterAll(() => full?.close());
  beforeEach(async () => {
    await leaderOf(full);
  });

  it('with a CORRUPT alarm beside NOSPACE: nothing is done, no alarm is disarmed', async () => {
    const { id, name } = await leaderOf(full);
    await setAlarm(full, 'Corrupt', id);
    const before = await snapshot(full);
    const execution = await remediate(full.platform);
    const after = await snapshot(full);
    await setAlarm(full, 'Corrupt', id, false);
    expect(failure(execution)).toMatchObject({ error: 'UnsafeToProceed' });
    expect(failure(execution).cause).toContain(`CORRUPT on member ${id} (${name})`);
    expect(statesOf(execution)).toEqual([
      'Load cluster',
      'Assess space',
      'Explain what was changed',
      'Stop with the error',
    ]);
    expect(before.alarms).toContain(`CORRUPT on ${id}`);
    expect(after).toEqual(before);
  });

  it('without a quorum: says which members are down and why', async () => {
    const before = await snapshot(full);
    await Promise.all(['m2', 'm3'].map((name) => full.cluster.killMember(name)));
    const execution = await remediate(full.platform);
    await Promise.all(['m2', 'm3'].map((name) => full.cluster.startMember(name)));
    const { error, cause } = failure(execution);
    expect(error).toBe('PreconditionFailed');
    expect(cause).toMatch(/2 of 3 members cannot be used:\n- m2: http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    expect(cause).toContain('see the incident quorum-lost');
    expect(statesOf(execution)).not.toContain('Compact history');
    expect(await alarmsOf(full)).toEqual(before.alarms);
  });

  it('with an input that is wrong: lists every problem', async () => {
    const execution = await remediate(full.platform, { dryRun: 'yes', parameters: { retainRevisions: -1, speed: 9 } });
    expect(failure(execution).error).toBe('InvalidInput');
    for (const path of ['dryRun', 'parameters.retainRevisions', 'parameters.speed']) {
      expect(failure(execution).cause).toContain(`- ${path}: `);
    }
    expect(statesOf(execution)).toEqual(['Load cluster', 'Stop with the error']);
  });

  it('with a name that is no cluster', async () => {
    const execution = await remediate(full.platform, { cluster: 'nowhere' });
    expect(failure(execution)).toMatchObject({ error: 'InvalidInput' });
    expect(failure(execution).cause).toContain('No cluster "nowhere"');
  });

  it('changes nothing in a dry run, and tells its plan', async () => {
    const before = await snapshot(full);
    const execution = await remediate(full.platform, { dryRun: true });
    if (execution.status !== 'SUCCEEDED') throw new Error(execution.cause);
    const output = execution.output as { outcome: string; plan: string[] };
    expect(output.outcome).toBe('Planned');
    const defragmented = output.plan.filter((step) => step.startsWith('defragment '));
    expect(defragmented.toSorted()).toEqual(['m1', 'm2', 'm3'].map((name) => `defragment ${name}, if it gains by it`));
    expect(defragmented.at(-1)).toContain(before.leader);
    expect(await snapshot(full)).toEqual(before);
    expect(statesOf(execution)).not.toContain('Compact history');
  });
});

describe('the space runbook, on a cluster that is full but not fragmented,', () => {
  it('defragments one follower to be sure, keeps the alarm, and answers with the sizes of every member', async () => {
    const full = await stage();
    try {
      await fill(full.etcd, { keys: 100_000 });
      const alarms = await alarmsOf(full);
      const { name: leader } = await leaderOf(full);
      // Pages that are too small for another value are free as well, so what is in use ends somewhat below the quota.
      const execution = await remediate(full.platform, { parameters: { disarmBelowRatio: 0.7 } });
      expect(failure(execution).error).toBe('VerificationFailed');
      expect(failure(execution).cause).toContain('full, not fragmented');
      for (const name of ['m1', 'm2', 'm3']) {
        expect(failure(execution).cause).toMatch(
          new RegExp(`- ${name} \\(\\w+\\): database [\\d.]+ MiB, in use [\\d.]+ MiB, quota 16.0 MiB`),
        );
      }
      expect(defragmentedIn(execution)).toHaveLength(1);
      expect(defragmentedIn(execution)).not.toContain(leader);
      expect(await alarmsOf(full)).toEqual(alarms);
    } finally {
      await full.close();
    }
  });
});

describe('the space runbook cannot use', () => {
  let secured: Stage;
  beforeAll(async () => {
    secured = await stage({ tls: true, auth: true, members: 1 });
  });
  afterAll(() => secured?.close());

  async function withConnection(change: {
    clientUrl?: string;
    password?: string;
    ca?: string;
    auth?: false;
  }): Promise<ExecutionResult> {
    const [member] = await statuses(secured);
    const { login, tls } = secured.secrets;
    const platform = await Platform.start({
      file: {
        clusters: [
          {
            name: CLUSTER_NAME,
            members: [
              { name: 'm1', clientUrl: change.clientUrl ?? member?.endpoint ?? '', peerUrl: 'https://127.0.0.1:1' },
            ],
            quotaBackendBytes: 16 * MIB,
            tls: { secret: 'tls' },
            ...(change.auth !== false && { auth: { secret: 'root' } }),
          },
        ],
      },
      secrets: {
        tls: { ...tls, ...(change.ca && { ca: change.ca }) },
        root: { ...login, ...(change.password && { password: change.password }) },
      },
    });
    try {
      return await remediate(platform);
    } finally {
      await platform.close();
    }
  }

  it('a wrong password, and does not repeat it', async () => {
    const execution = await withConnection({ password: 'not-the-password' });
    expect(failure(execution).error).toBe('PreconditionFailed');
    expect(failure(execution).cause).toContain("correct the cluster's auth secret");
    expect(JSON.stringify(execution)).not.toContain('not-the-password');
  });

  it('no login where one is needed', async () => {
    const { error, cause } = failure(await withConnection({ auth: false }));
    expect(error).toBe('PreconditionFailed');
    expect(cause).toContain('etcdserver: permission denied');
  });

  it('a CA that did not sign the members', async () => {
    const { error, cause } = failure(await withConnection({ ca: (await issueCertificates()).ca }));
    expect(error).toBe('PreconditionFailed');
    expect(cause).toContain('TLS was not agreed on');
  });

  it('an endpoint where nothing answers', async () => {
    const { error, cause } = failure(await withConnection({ clientUrl: 'https://127.0.0.1:9' }));
    expect(error).toBe('PreconditionFailed');
    expect(cause).toContain('m1: https://127.0.0.1:9: ');
  });
});
