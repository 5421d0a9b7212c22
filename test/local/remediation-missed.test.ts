import { afterEach, expect, it } from 'vitest';
import { type Remediations, remediations } from './remediations.ts';

let scene: Remediations;
afterEach(() => scene.close());

it('alarms that find a remediation at work start one more when it ends, and not one each', async () => {
  scene = await remediations({ orders: { finds: 'space-exceeded' } });
  const alarm = (name: string) => scene.start('orders', { input: { alarm: name } });
  const alarms: Promise<unknown>[] = [];
  const first = scene.start('orders', {
    onEnter: (state) => {
      if (state === 'Record the outcome') alarms.push(...['a', 'b', 'c'].map((name) => alarm(name).ended));
    },
  });
  expect(await first.ended).toMatchObject({ output: { outcome: 'Remediated' } });
  await Promise.all(alarms);
  await scene.settled();

  const outcomes = scene.all().map(({ result }) => Object(Object(result).output).outcome);
  // An alarm that came too late for the first one's lock took it itself.
  expect(outcomes.filter((outcome) => outcome === 'Remediated')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'NothingToDo').length).toBeGreaterThanOrEqual(1);
  expect(await scene.lockOf('orders')).toBeUndefined();
});

it('an alarm that finds a remediation at work leaves word of what it said, and nothing is started where a person stops that one', async () => {
  scene = await remediations({ orders: { finds: 'space-exceeded' } }, 'endless');
  const first = scene.start('orders');
  await expect.poll(() => scene.lockOf('orders')).toBeDefined();
  const input = { alarm: 'member-failed' };
  expect(await scene.start('orders', { input }).ended).toMatchObject({ output: { outcome: 'AlreadyInProgress' } });
  expect(JSON.parse(Object(await scene.lockOf('orders')).missed.S)).toMatchObject(input);

  // A person who stops it wants nothing to go on.
  first.stop('Stopped', 'by hand');
  await first.ended;
  await scene.settled();
  expect(await scene.lockOf('orders')).toBeUndefined();
  expect(scene.all()).toHaveLength(2);
});
