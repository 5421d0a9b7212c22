import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import { type Assembly, synthesize } from '../../local/assembly.ts';
import { deliveriesOf } from '../../local/aws/events.ts';
import type { Page } from '../../local/aws/sns.ts';
import { EmbeddedDetector } from '../../local/detector.ts';
import { Platform } from '../../local/platform.ts';

/** All that is synthesized for the watch, together: the schedule, the bundle, its metrics, the alarms over them, and the rules. */

/** Nothing listens at port 1: to the functions its quorum is lost. */
const FILE = {
  clusters: [
    {
      name: 'orders',
      members: [{ name: 'node1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }],
      quotaBackendBytes: 2_147_483_648,
    },
  ],
};

let assembly: Assembly;
let platform: Platform;
beforeAll(async () => {
  assembly = await synthesize(FILE);
  platform = await Platform.start({ file: FILE, secrets: {} });
});
afterAll(async () => {
  await platform?.close();
  assembly?.close();
});

it('a cluster without a quorum raises its alarm after three looks, which pages and starts the entry workflow for it', async () => {
  const pages: Page[] = [];
  const changes: string[] = [];
  const failures: unknown[] = [];
  let detector: EmbeddedDetector | undefined;
  const started = await new Promise<{ arn: string; input: JsonValue }[]>((resolve) => {
    detector = EmbeddedDetector.start({
      schedules: assembly.schedules,
      alarms: assembly.alarms,
      minuteMs: 1,
      invoke: (functionArn, input, signal) => platform.lambdas.invoke(functionArn, input, signal),
      onAlarm: (event) => {
        const { alarmName, state } = Object(event.detail);
        changes.push(`${alarmName} ${state.value}`);
        const deliveries = deliveriesOf(assembly.rules, event).filter(
          ({ arn }) => !assembly.functions.some((each) => each.arn === arn),
        );
        if (deliveries.length > 0) resolve(deliveries);
      },
      onPage: (page) => pages.push(page),
      onFailure: (error) => failures.push(error),
    });
  });
  await detector?.close();
  expect(started).toEqual([
    {
      arn: `arn:aws:states:local:000000000000:stateMachine:${ENTRY_STATE_MACHINE}`,
      input: { alarm: 'etcd-remediation/orders/quorum-lost' },
    },
  ]);
  expect(changes.toSorted()).toEqual([
    'etcd-remediation-detector/orders OK',
    'etcd-remediation-pages/failed OK',
    'etcd-remediation-pages/late OK',
    'etcd-remediation-pages/unsent OK',
    'etcd-remediation-reports OK',
    'etcd-remediation-undelivered OK',
    'etcd-remediation/orders/member-inaccessible OK',
    'etcd-remediation/orders/quorum-lost ALARM',
  ]);
  expect(pages.map(({ subject }) => subject)).toEqual(['ALARM: "etcd-remediation/orders/quorum-lost" in local']);
  expect(failures).toEqual([]);
});
