import { describe, expect, it } from 'vitest';
import type { AnsweringMember } from '../../../core/cluster/observation.ts';
import { EtcdUnavailable } from '../../../core/errors.ts';
import { transferLeadership } from '../../../lambdas/etcd/transfer-leadership.ts';

const following = (leaderId: string) => ({ leaderId }) as AnsweringMember;

describe('leadership that is moved', () => {
  it('is moved once both members say so, also where the call is not answered yet', async () => {
    const seen: string[] = [];
    const member = (name: string, sawIt: number) => {
      let looks = 0;
      return {
        status: async () => {
          looks += 1;
          seen.push(name);
          return following(looks >= sawIt ? 'b' : 'a');
        },
      };
    };
    const unanswered = { moveLeader: () => new Promise<void>(() => undefined) };
    await transferLeadership({ ...unanswered, ...member('a', 2) }, member('b', 3), 'b');
    expect(seen).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('is moved where the call is answered, whatever the members say meanwhile', async () => {
    const silent = { status: () => Promise.reject(new EtcdUnavailable('It is away.')) };
    await transferLeadership({ ...silent, moveLeader: async () => undefined }, silent, 'b');
  });

  it('is not moved where etcd refuses it', async () => {
    const member = { status: async () => following('a') };
    const refusing = { ...member, moveLeader: () => Promise.reject(new EtcdUnavailable('Leadership has moved.')) };
    await expect(transferLeadership(refusing, member, 'b')).rejects.toThrow('Leadership has moved.');
  });
});
