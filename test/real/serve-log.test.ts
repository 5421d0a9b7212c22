import { expect, it } from 'vitest';
import { ServeLog } from '../../cli/serve-log.ts';
import { CLUSTER_NAME, setStage } from '../../drills/stage.ts';
import { fill, until } from '../scenes/scene.ts';

it('a full store that nobody looks at is told from its alarm to its outcome, each line with its time and its cluster', async () => {
  const lines: string[] = [];
  const log = new ServeLog((line) => lines.push(line), { clusters: [CLUSTER_NAME], here: { files: { config: '' } } });
  const stage = await setStage(
    { etcd: '3.5.16', members: 3, tls: false, auth: false, sizeMiB: 16 },
    { say: () => undefined, onEvent: () => undefined, follow: (name) => log.follow(name, { cluster: CLUSTER_NAME }) },
  );
  try {
    await fill(stage.etcd, { keys: 20 });
    const detector = stage.platform.watch({ minuteMs: 1_000, onAlarm: log.alarm, onFailure: log.lookFailed });
    const told = (text: RegExp) => lines.findIndex((line) => text.test(line));
    await until(async () => told(/alarm space-exceeded is over/) >= 0).finally(() => detector.close());
    await stage.platform.settled();
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[drill\] /);
    const order = [
      told(/\] alarm space-exceeded raised\. /),
      told(/\] Running etcd-remediation$/),
      told(/\] {3}✓ +\d+\.\d s {2}Defragment member m1 /),
      told(/\] Remediated: /),
    ];
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order, lines.join('\n')).not.toContain(-1);
  } finally {
    await stage.close();
  }
});
