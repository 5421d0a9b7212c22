import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import type { Execution } from '../../local/executions.ts';
import { Platform } from '../../local/platform.ts';
import type { Ended } from '../cli/command.ts';
import { resultOf, type Terminal, terminalOf } from '../cli/deployed-scene.ts';
import { LAYOUT } from '../lib/stacks.ts';
import { until } from '../scenes/scene.ts';
import { type Answer, type Api, serveWithClient } from './generated-client.ts';

/** Nobody is there: it has lost its quorum, which takes a minute to confirm, and a host that answers nothing. */
const CLUSTER = {
  name: 'orders',
  members: [{ name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2', host: 'h1' }],
  quotaBackendBytes: 2_147_483_648,
  layout: LAYOUT,
};
const [BY_ALARM, BY_API, BY_COMMAND_LINE] = [20, 22, 8] as const;

let platform: Platform;
let api: Api;
let terminal: Terminal;
beforeAll(async () => {
  platform = await Platform.start({ file: { clusters: [CLUSTER] }, secrets: {}, hosts: { h1: { exec: ['cat'] } } });
  api = await serveWithClient(platform);
  terminal = await terminalOf(platform);
});
afterAll(async () => {
  await terminal?.close();
  await api?.close();
  await platform?.close();
});

/** As CloudWatch tells of one of an operator's own alarms. */
function alarm(number: number): JsonObject {
  const alarmName = `etcd-remediation/orders/slow-writes-${number}`;
  return {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    resources: [`arn:aws:cloudwatch:local:000000000000:alarm:${alarmName}`],
    detail: { alarmName, state: { value: 'ALARM' } },
  };
}

function remediations(): Execution[] {
  return platform.executions.of(ENTRY_STATE_MACHINE);
}

describe('fifty starts at once, by alarms, the API and the command line together,', () => {
  let answers: Answer[];
  let commands: Ended[];
  let holder: Execution;
  beforeAll(async () => {
    const typed = Array.from({ length: BY_COMMAND_LINE }, () => terminal.type('start', 'orders', '--json'));
    const called = Array.from({ length: BY_API }, (_, key) =>
      api.call('startRemediation', { name: 'orders', 'Idempotency-Key': `api-${key}` }, {}),
    );
    for (let number = 0; number < BY_ALARM; number++) platform.putEvent(alarm(number));
    [answers, commands] = await Promise.all([Promise.all(called), Promise.all(typed)]);
    await until(async () => remediations().filter(({ result }) => !result).length === 1);
    holder = remediations().find(({ result }) => !result) as Execution;
  });

  it('are one remediation', () => {
    expect(holder.events.map(({ stateEnteredEventDetails: entered }) => entered?.name)).toContain('Diagnose cluster');
    const others = remediations().filter((each) => each !== holder);
    expect(others.length).toBeGreaterThanOrEqual(BY_ALARM - 1);
    for (const { result } of others) {
      expect(result).toMatchObject({
        status: 'SUCCEEDED',
        output: { outcome: 'AlreadyInProgress', cluster: 'orders', holder: { remediation: holder.name } },
      });
    }
  });

  it('are each accepted, or refused with the name of the one that is at work', () => {
    const started = remediations().map(({ name }) => name);
    const refusals = [
      ...answers
        .filter(({ status }) => status !== 202)
        .map(({ status, body }) => ({ refused: status === 409 || status, says: body.detail })),
      ...commands
        .filter(({ status }) => status !== 0)
        .map((ended) => ({ refused: ended.status === 1 || ended.status, says: resultOf(ended).report.cause })),
    ];
    for (const refusal of refusals)
      expect(refusal).toEqual({ refused: true, says: expect.stringContaining(holder.name) });
    expect(started.length + refusals.length).toBe(BY_ALARM + BY_API + BY_COMMAND_LINE);
  });

  it('leave the lock free as soon as the one is stopped', async () => {
    holder.stop('Mine', 'A test has seen enough.');
    await expect.poll(async () => (await api.call('listClusters')).body.clusters[0].running).toBeNull();
    const next = await api.call('startRemediation', { name: 'orders', 'Idempotency-Key': 'next' }, { dryRun: true });
    expect(next.status).toBe(202);
    const [newest] = remediations();
    await expect
      .poll(() => newest?.events.map(({ stateEnteredEventDetails: entered }) => entered?.name))
      .toContain('Diagnose cluster');
    newest?.stop('Mine', 'That one too.');
    await newest?.ended;
  });
});
