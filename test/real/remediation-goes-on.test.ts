import { expect, it } from 'vitest';
import { CLUSTER_NAME } from '../../drills/stage.ts';
import { expectWhole, outputOf, stageForEachTest, untilLed } from '../scenes/hosted-scene.ts';
import { around, fill } from '../scenes/scene.ts';

const stageOf = stageForEachTest();

it("a store that fills up at the end of a member's replacement is seen to, and the replacement then proved", async () => {
  const stage = await stageOf({ sizeMiB: 16, policy: { 'member-failed': 'automatic' } });
  const { cluster, platform, etcd } = stage;
  await cluster.destroyMember('m3');
  await untilLed(stage);
  // It is a voter again, and only the proof is left.
  using _ = around(platform, 'prove-writes', {
    before: (invocation) => (invocation === 1 ? fill(etcd, { keys: 40 }) : Promise.resolve()),
  });

  const report = outputOf(await platform.remediate({ input: { cluster: CLUSTER_NAME } }).ended);

  expect(report).toMatchObject({
    outcome: 'Remediated',
    rounds: [
      {
        incident: 'member-failed',
        outcome: 'VerificationFailed',
        report: { summary: expect.stringContaining('database space exceeded') },
      },
      { incident: 'space-exceeded', outcome: 'Remediated' },
      { incident: 'member-failed', outcome: 'NothingToDo' },
    ],
    remaining: [],
  });
  await expectWhole(stage);
});
