import { expect, it } from 'vitest';
import { around, defragmentedIn, fill, HURRIED, leaderOf, remediate, stage, statesOf, until } from '../scenes/scene.ts';

it('the space runbook ends with the names of those that are gone where the quorum goes too, and nothing is lost', async () => {
  // Members are waited for that do not come back.
  const full = await stage({ clock: HURRIED });
  try {
    await fill(full.etcd, { keys: 40 });
    const [first, second] = ['m1', 'm2', 'm3'];
    const { revision } = await leaderOf(full);
    await full.cluster.killMember(first as string);
    using _ = around(full.platform, 'defragment-member', {
      before: async (invocation) => {
        if (invocation === 2) await full.cluster.killMember(second as string);
      },
    });
    const execution = await remediate(full.platform);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'EtcdUnavailable' });
    expect(execution).toHaveProperty('cause', expect.stringMatching(/cannot be used:\n(.*\n)*- m2: .*ECONNREFUSED/));
    expect(defragmentedIn(execution)).toHaveLength(1);
    expect(statesOf(execution)).not.toContain('Disarm alarms');

    await Promise.all([first, second].map((name) => full.cluster.startMember(name as string)));
    await until(async () => (await leaderOf(full)).revision === revision);
    for (let key = 0; key < 40; key++) {
      await expect(full.cluster.etcdctl(['get', `fill/${key}`, '--print-value-only'])).resolves.toMatch(/^\d+ x+/);
    }
    expect(await remediate(full.platform)).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
  } finally {
    await full.close();
  }
});
