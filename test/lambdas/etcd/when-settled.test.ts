import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../core/cluster/observation.ts';
import { EtcdUnavailable, PreconditionFailed } from '../../../core/errors.ts';
import { whenSettled } from '../../../lambdas/etcd/when-settled.ts';

/** A cluster that is read: each reading is another object. */
function readings() {
  const read: Observation[] = [];
  const observe = async () => {
    const reading = { members: [], memberList: [], alarms: [] };
    read.push(reading);
    return reading;
  };
  return { read, etcd: { observe } };
}

describe('a decision that waits for a cluster to settle', () => {
  it('is made from the first reading where that is settled', async () => {
    const { read, etcd } = readings();
    expect(await whenSettled(etcd, (reading) => reading)).toBe(read[0]);
    expect(read).toHaveLength(1);
  });

  it('is made from a new reading as long as it finds the cluster unsettled', async () => {
    const { read, etcd } = readings();
    const decide = (reading: Observation) => {
      if (read.length < 3) throw new EtcdUnavailable('An election is under way.');
      return reading;
    };
    expect(await whenSettled(etcd, decide)).toBe(read[2]);
  });

  it('is not made again where it is refused for another reason', async () => {
    const { read, etcd } = readings();
    const refuse = () => {
      throw new PreconditionFailed('The disk is full.');
    };
    await expect(whenSettled(etcd, refuse)).rejects.toThrow(PreconditionFailed);
    expect(read).toHaveLength(1);
  });

  it('is given up with what the last reading was refused for', async () => {
    const { read, etcd } = readings();
    const wait = () => {
      throw new EtcdUnavailable(`Reading ${read.length}: nobody leads.`);
    };
    const error: unknown = await whenSettled(etcd, wait).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'EtcdUnavailable', message: `Reading ${read.length}: nobody leads.` });
    expect(read.length).toBeGreaterThan(1);
  });
});
