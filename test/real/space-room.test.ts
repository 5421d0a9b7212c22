import { expect, it } from 'vitest';
import { hostedStage } from '../scenes/hosted-scene.ts';
import { alarmsOf, fill, remediate, statesOf } from '../scenes/scene.ts';

it('a full store whose hosts are known is reclaimed after a look at their disks', async () => {
  const stage = await hostedStage({ members: 1 });
  try {
    await fill(stage.etcd, { keys: 40 });
    const planned = await remediate(stage.platform, { dryRun: true });
    expect(statesOf(planned)).toContain('Inspect hosts');
    const execution = await remediate(stage.platform);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
    expect(JSON.stringify(execution)).not.toContain('is not known');
    expect(await alarmsOf(stage)).toEqual([]);
  } finally {
    await stage.close();
  }
});
