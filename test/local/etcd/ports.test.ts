import { expect, it } from 'vitest';
import { freePorts } from '../../../local/etcd/ports.ts';

it('hands out no port twice, and none that a peer may get for an outgoing connection', async () => {
  const pairs = await Promise.all(Array.from({ length: 100 }, () => freePorts()));
  const ports = pairs.flatMap(({ client, peer }) => [client, peer]);
  expect(new Set(ports).size).toBe(200);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});
