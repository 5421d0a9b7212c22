import { expect, it } from 'vitest';
import { needs, optionsOf, passDrill } from './drill.ts';

it('the drill full brings back a store and a member when nobody is told but the detector, and loses nothing', async (test) => {
  const etcd = '3.4.23';
  await needs({ hosts: 'process', etcd }, test);
  const result = await passDrill(
    'full',
    ...optionsOf({ hosts: 'process', etcd, members: 3, options: ['--tls', '--auth'] }),
  );
  expect(result).toMatchObject({
    scenario: 'full',
    etcd,
    outcome: 'Remediated',
    incident: 'space-exceeded and member-failed',
    runbook: 'space-reclaim and member-replacement',
    lostWrites: 0,
  });
  expect(result.detectMs).toBeGreaterThan(0);
  expect(result.remediateMs).toBeGreaterThan(0);
});
