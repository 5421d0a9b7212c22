import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { expectWhole, hostedStage, untilLed } from '../scenes/hosted-scene.ts';
import { until } from '../scenes/scene.ts';
import { type Answer, type Api, problem, serveWithClient, untilEnded } from './generated-client.ts';

/** The shortest confirmation is enough here. */
const BODY = { incident: 'member-failed', parameters: { confirmSeconds: 1 } };
const ME = `local:${userInfo().username}`;

let stage: HostedStage;
let api: Api;
beforeAll(async () => {
  stage = await hostedStage();
  await stage.cluster.destroyMember('m3');
  await untilLed(stage);
  api = await serveWithClient(stage.platform);
});
afterAll(async () => {
  await api?.close();
  await stage?.close();
});

function start(key: string, body: object = BODY): Promise<Answer> {
  return api.call('startRemediation', { name: CLUSTER_NAME, 'Idempotency-Key': key }, body);
}

async function look(id: string): Promise<Answer['body']> {
  return (await api.call('describeRemediation', { id })).body;
}

function answer(id: string, approval: string, decision: string): Promise<Answer> {
  const reason = decision === 'reject' ? { reason: 'a test wants it' } : {};
  return api.call('answerApproval', { id }, { approval, decision, ...reason });
}

/** @returns the remediation when it asks */
async function untilItAsks(id: string): Promise<Answer['body']> {
  await until(async () => (await look(id)).approval !== null, 100);
  return look(id);
}

async function untilFree(): Promise<void> {
  await until(async () => (await api.call('listClusters')).body.clusters[0].running === null, 50);
}

describe('a remediation by the API', () => {
  it('finds a member that has failed by a diagnosis', async () => {
    const { status, body } = await api.call('diagnoseCluster', { name: CLUSTER_NAME });
    expect(status).toBe(200);
    expect(body).toMatchObject({ incident: 'member-failed' });
  });

  it('asks, is the one that others are told of, and ends rejected: one of two answers counts, and it names who and why', async () => {
    const accepted = await start('first');
    expect(accepted).toMatchObject({ status: 202, body: { id: 'first', links: { self: '/remediations/first' } } });
    expect((await fetch(`${api.server.url}${accepted.body.links.self}`)).status).toBe(403);
    const asking = await untilItAsks('first');
    expect(asking).toMatchObject({
      cluster: CLUSTER_NAME,
      status: 'RUNNING',
      currentState: 'Wait for an approval',
      endedAt: null,
      outcome: null,
      approval: { incident: 'member-failed', runbook: 'member-replacement', plan: { outcome: 'Planned' } },
    });
    expect(Object.keys(asking.approval).toSorted()).toEqual([
      'expiresAt',
      'id',
      'incident',
      'plan',
      'runbook',
      'summary',
    ]);
    expect(asking.progress).toContainEqual({
      state: 'Assess members',
      at: expect.any(String),
      runbook: 'member-replacement',
      summary: expect.stringMatching(/^m3 /),
    });

    expect(await start('other')).toMatchObject({
      status: 409,
      body: problem('already-in-progress', { remediation: 'first', detail: expect.stringContaining('first') }),
    });
    expect((await start('first')).body.executionArn).toBe(accepted.body.executionArn);
    expect(await start('first', { dryRun: true })).toMatchObject({ status: 409, body: problem('key-reused') });
    expect((await api.call('listClusters')).body.clusters).toEqual([
      expect.objectContaining({
        name: CLUSTER_NAME,
        members: 3,
        running: { id: 'first', startedAt: expect.any(String), waitsForApproval: true },
        last: null,
      }),
    ]);

    const { id } = asking.approval;
    expect(await answer('first', 'older', 'approve')).toMatchObject({ status: 409, body: problem('stale-approval') });
    const both = await Promise.all([answer('first', id, 'reject'), answer('first', id, 'reject')]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    const { body: refusal } = both.find(({ status }) => status === 409) as Answer;
    expect(refusal.type).toMatch(/:(already-answered|not-waiting)$/);
    const ended = await untilEnded(api, 'first');
    expect(ended).toMatchObject({ status: 'FAILED', outcome: 'ApprovalRejected', approval: null, currentState: null });
    expect(ended.cause).toContain(`${ME} has rejected`);
    expect(ended.cause).toContain('a test wants it');
  });

  it('answers the same key with the same remediation also after its end, and starts nothing', async () => {
    expect(await start('first')).toMatchObject({ status: 202, body: { id: 'first' } });
    expect(await look('first')).toMatchObject({ status: 'FAILED' });
    expect(await start('first', { ...BODY, reason: 'another' })).toMatchObject({
      status: 409,
      body: problem('key-reused', { remediation: 'first' }),
    });
    expect(await answer('first', '1', 'approve')).toMatchObject({ status: 409, body: problem('not-waiting') });
  });

  it('is stopped, says by whom, and frees the cluster for the next', async () => {
    await untilFree();
    await start('second');
    await untilItAsks('second');
    const stopped = await api.call('stopRemediation', { id: 'second', reason: 'the host is being repaired' });
    expect(stopped.status).toBe(202);
    expect(await untilEnded(api, 'second')).toMatchObject({
      status: 'ABORTED',
      outcome: 'ABORTED',
      error: 'Stopped',
      cause: `Stopped by ${ME}: the host is being repaired`,
    });
    expect(await api.call('stopRemediation', { id: 'second', reason: 'once more' })).toMatchObject({
      status: 409,
      body: problem('already-ended', { remediation: 'second' }),
    });
    await untilFree();
    expect((await api.call('listClusters')).body.clusters[0].last).toMatchObject({ id: 'second', outcome: 'ABORTED' });
  });

  it('is one, however many are started at once: the others are refused, or end and name it', async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `many-${index}`);
    const answers = await Promise.all(keys.map((key) => start(key)));
    const accepted = keys.filter((_, index) => answers[index]?.status === 202);
    for (const { status, body } of answers)
      if (status !== 202) expect(body).toMatchObject(problem('already-in-progress'));
    const look = async () => (await api.call('listClusters')).body.clusters[0].running;
    await until(async () => (await look()) !== null, 50);
    const running = await look();
    expect(accepted).toContain(running.id);
    for (const id of accepted.filter((each) => each !== running.id)) {
      expect(await untilEnded(api, id)).toMatchObject({
        outcome: 'AlreadyInProgress',
        report: { holder: { remediation: running.id } },
      });
    }
    expect((await start('late')).body).toMatchObject(problem('already-in-progress', { remediation: running.id }));
    await api.call('stopRemediation', { id: running.id, reason: 'the test goes on' });
    await untilFree();
  });

  it('goes on once it is approved, and tells what it did', async () => {
    await start('third');
    const { approval } = await untilItAsks('third');
    expect((await answer('third', approval.id, 'approve')).status).toBe(202);
    const ended = await untilEnded(api, 'third');
    expect(ended, ended.cause).toMatchObject({
      status: 'SUCCEEDED',
      outcome: 'Remediated',
      error: null,
      report: { outcome: 'Remediated', requestedBy: ME, approvals: [{ decision: 'approve', by: ME, reason: '' }] },
    });
    expect(ended.progress).toContainEqual(
      expect.objectContaining({ state: 'Add member', runbook: 'member-replacement', summary: 'm3 is added to etcd.' }),
    );
    await expectWhole(stage);
    expect((await api.call('listClusters')).body.clusters[0]).toMatchObject({
      running: null,
      last: { id: 'third', outcome: 'Remediated' },
    });
  });
});
