import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Platform } from '../../local/platform.ts';
import { type Api, problem, serveWithClient, untilEnded } from './generated-client.ts';

const MEMBER = { name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' };
/** More than a page of parameters holds, and nothing of it is there. One names a secret that is not there either. */
const NAMES = Array.from({ length: 12 }, (_, index) => `c${String(index).padStart(2, '0')}`);
const CLUSTERS = NAMES.map((name) => ({ name, members: [MEMBER], quotaBackendBytes: 1 }));
const SECRET = { name: 'secret', members: [MEMBER], quotaBackendBytes: 1, auth: { secret: 'none' } };
const START = `/clusters/${NAMES[0]}/remediations`;

let platform: Platform;
let api: Api;
beforeAll(async () => {
  platform = await Platform.start({ file: { clusters: [...CLUSTERS, SECRET] }, secrets: {} });
  api = await serveWithClient(platform);
});
afterAll(async () => {
  await api?.close();
  await platform?.close();
});

function start(body: unknown, parameters: object = {}) {
  return api.call('startRemediation', { name: NAMES[0] ?? '', ...parameters }, body);
}

describe('a request', () => {
  it.each([
    ['startRemediation', { name: 'nowhere' }, {}, 'unknown-cluster', 404],
    ['startRemediation', { name: '../deployment' }, {}, 'unknown-cluster', 404],
    ['diagnoseCluster', { name: 'nowhere' }, undefined, 'unknown-cluster', 404],
    ['describeRemediation', { id: 'never' }, undefined, 'unknown-remediation', 404],
    ['describeRemediation', { id: 'a b' }, undefined, 'unknown-remediation', 404],
    ['stopRemediation', { id: 'never', reason: 'x' }, undefined, 'unknown-remediation', 404],
    [
      'answerApproval',
      { id: 'never' },
      { approval: '1', decision: 'approve', reason: 'x' },
      'unknown-remediation',
      404,
    ],
    ['stopRemediation', { id: 'never', reason: 'x'.repeat(1025) }, undefined, 'invalid-request', 400],
    ['stopRemediation', { id: 'never', reason: '' }, undefined, 'invalid-request', 400],
    ['answerApproval', { id: 'never' }, { approval: '1', decision: 'reject' }, 'invalid-request', 400],
    ['answerApproval', { id: 'never' }, { approval: '1', decision: 'reject', reason: '' }, 'invalid-request', 400],
    ['answerApproval', { id: 'never' }, { approval: '1', decision: 'approve' }, 'unknown-remediation', 404],
    ['startRemediation', { name: NAMES[0], 'Idempotency-Key': '-a b' }, {}, 'invalid-request', 400],
    ['diagnoseCluster', { name: 'secret' }, undefined, 'diagnosis-failed', 502],
    ['startBackup', { name: 'nowhere' }, {}, 'unknown-cluster', 404],
    ['startBackup', { name: NAMES[0] }, {}, 'invalid-request', 400],
    ['startBackup', { name: NAMES[0] }, { cluster: NAMES[1] }, 'invalid-request', 400],
    ['startBackup', { name: NAMES[0] }, { member: 'm1' }, 'invalid-request', 400],
    ['describeBackup', { name: NAMES[0], id: 'never' }, undefined, 'unknown-job', 404],
    ['startRehearsal', { name: 'nowhere' }, {}, 'unknown-cluster', 404],
    ['startRehearsal', { name: NAMES[0] }, {}, 'invalid-request', 400],
    ['startRehearsal', { name: NAMES[0] }, { scheduled: true }, 'invalid-request', 400],
    ['describeRehearsal', { name: NAMES[0], id: 'never' }, undefined, 'unknown-job', 404],
    ['listBackups', { name: 'nowhere' }, undefined, 'unknown-cluster', 404],
    ['listBackups', { name: NAMES[0] }, undefined, 'invalid-request', 400],
  ] as const)('%s is refused as it is told: %#', async (operation, parameters, body, kind, status) => {
    expect(await api.call(operation, parameters as Record<string, string>, body)).toMatchObject({
      status,
      body: problem(kind, { status, detail: expect.stringMatching(/\w/) }),
    });
  });

  it('of wrong types is refused with every problem and its path, and starts nothing', async () => {
    const body = {
      incident: 'space-exceeded',
      dryRun: 'yes',
      parameters: { retainRevisions: -1, speed: 9 },
      cluster: 7,
    };
    const { status, body: refusal } = await start(body);
    expect(status).toBe(400);
    for (const line of [
      '- cluster: must be the name of a cluster in clusters.json',
      '- dryRun: must be true or false',
      '- parameters.retainRevisions: must be 0 or more',
      '- parameters.speed: is not a known field',
    ]) {
      expect(refusal.detail).toContain(line);
    }
    const other = await start({ incident: 'flood' });
    expect(other.body.detail).toContain('- incident: must be "data-corrupt" or "quorum-lost" or "space-exceeded" or');
    const answer = await api.call('answerApproval', { id: 'never' }, { decision: 'maybe', by: 'root' });
    expect(answer.status).toBe(400);
    for (const line of ['- approval: is missing', '- decision: must be "approve" or "reject"', '- by: is not']) {
      expect(answer.body.detail).toContain(line);
    }
    expect(platform.executions.of('etcd-remediation')).toEqual([]);
  });

  it('that ends something has to say why', async () => {
    const stopping = await api.send('DELETE', '/remediations/never');
    expect(stopping).toMatchObject({ status: 400, body: problem('invalid-request') });
    expect(stopping.body.detail).toContain('- reason: is missing');
    const rejection = await api.call('answerApproval', { id: 'never' }, { approval: '1', decision: 'reject' });
    expect(rejection.body.detail).toContain('- reason: must say why it is rejected');
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"cluster":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"orders"'],
    ['another cluster', '{"cluster":"c01"}'],
    ['one field twice', '{"dryRun":true,"dryRun":false}'],
  ])('with a body of %s is refused', async (_, body) => {
    expect(await api.send('POST', START, { body })).toMatchObject({ status: 400, body: problem('invalid-request') });
    expect(platform.executions.of('etcd-remediation')).toEqual([]);
  });

  it.each([
    ['1 MB', 1_000_000],
    ['11 MB', 11_000_000],
  ])('with a body of %s is refused', async (_, bytes) => {
    const body = JSON.stringify({ reason: 'x'.repeat(bytes) });
    expect(await api.send('POST', START, { body })).toMatchObject({ status: 413, body: problem('too-large') });
    const approval = await api.send('POST', '/remediations/never/approval', { body });
    expect(approval).toMatchObject({ status: 413, body: problem('too-large') });
  });

  it('for what is not there is told so, and which methods there are', async () => {
    for (const path of ['/', '/nope', '/clusters/', '/clusters/a/b', '/remediations', '/constructor', '/__proto__']) {
      expect(await api.send('GET', path)).toMatchObject({ status: 404, body: problem('unknown-route') });
    }
    expect(await api.send('DELETE', '/clusters')).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    expect(await api.send('PATCH', '/remediations/x')).toMatchObject({
      status: 405,
      headers: { allow: 'GET, DELETE' },
      body: problem('method-not-allowed'),
    });
  });

  it('without the token of the server is refused before anything is looked at', async () => {
    const clusters = `${api.server.url}/clusters`;
    const tries = [
      {},
      { Authorization: 'Bearer x' },
      { Authorization: api.server.authorization.replace('Bearer ', '') },
    ];
    for (const headers of tries) {
      const response = await fetch(clusters, { headers: headers as Record<string, string> });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject(problem('forbidden'));
    }
  });
});

describe('the API', () => {
  it('serves the document that is committed', async () => {
    const { body } = await api.call('getOpenApi');
    expect(body).toEqual(JSON.parse(await readFile(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8')));
  });

  it('lists every cluster, by name', async () => {
    const { body } = await api.call('listClusters');
    expect(body.clusters.map(({ name }: { name: string }) => name)).toEqual([...NAMES, 'secret']);
    expect(body.clusters[0]).toEqual({
      name: 'c00',
      members: 1,
      policy: null,
      problem: null,
      running: null,
      last: null,
    });
    expect(body.next).toBeNull();
  });

  it('lists them in pages, each of which names where the next one begins', async () => {
    const names: string[] = [];
    let after: string | null = '';
    for (let page = 0; after !== null && page < 20; page += 1) {
      const { body } = await api.call('listClusters', { limit: '5', ...(after && { after }) });
      expect(body.clusters.length).toBeLessThanOrEqual(5);
      names.push(...body.clusters.map(({ name }: { name: string }) => name));
      after = body.next;
    }
    expect(names).toEqual([...NAMES, 'secret']);
    // A cluster that is not there any more still says where to go on.
    const { body } = await api.call('listClusters', { after: 'c00a', limit: '1' });
    expect(body).toMatchObject({ clusters: [{ name: NAMES[1] }], next: NAMES[1] });
  });

  it.each([
    [{ limit: '0' }, 'limit: must be at least 1'],
    [{ limit: '101' }, 'limit: must be at most 100'],
    [{ limit: 'x' }, 'limit: must be a number'],
    [{ after: 'no name' }, 'after: '],
  ] as const)('refuses a page of %o', async (parameters, detail) => {
    const refused = await api.call('listClusters', parameters);
    expect(refused).toMatchObject({ status: 400, body: problem('invalid-request') });
    expect(refused.body.detail).toContain(detail);
  });

  it('takes an input with its cluster, names who has asked, and tells an error as the workflow does', async () => {
    const { status, body } = await start({ cluster: 'c00', incident: 'space-exceeded' });
    expect(status).toBe(202);
    expect(platform.executions.find(body.executionArn)?.input).toMatchObject({
      cluster: 'c00',
      incident: 'space-exceeded',
      requestedBy: expect.stringMatching(/^local:/),
    });
    const remediation = await untilEnded(api, body.id);
    expect(remediation).toMatchObject({
      status: 'FAILED',
      currentState: null,
      report: null,
      error: remediation.outcome,
      cause: expect.stringContaining('.'),
    });
  });

  it('leaves who has asked to the caller who says it, and counts it for what is the same request', async () => {
    const key = { 'Idempotency-Key': 'told' };
    const { body } = await start({ dryRun: true, requestedBy: 'PagerDuty' }, key);
    expect(platform.executions.find(body.executionArn)?.input).toMatchObject({ requestedBy: 'PagerDuty' });
    expect((await start({ dryRun: true }, key)).status).toBe(202);
    expect(await start({ dryRun: true, requestedBy: 'somebody else' }, key)).toMatchObject({
      status: 409,
      body: problem('key-reused'),
    });
    await untilEnded(api, 'told');
  });

  it('starts one remediation however often the same key is sent at once', async () => {
    const key = { 'Idempotency-Key': 'at-once' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => start({ dryRun: true }, key)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
    expect(platform.executions.of('etcd-remediation').filter(({ name }) => name === 'at-once')).toHaveLength(1);
    await untilEnded(api, 'at-once');
  });
});
