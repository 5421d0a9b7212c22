import { describe, expect, it } from 'vitest';
import type { FoundBackups } from '../../../core/backups/contracts.ts';
import type { Rehearsals } from '../../../core/backups/rehearsal.ts';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { RehearsalRequest } from '../../../core/rehearsal/contracts.ts';
import { planRehearsal } from '../../../core/rehearsal/plan-rehearsal.ts';
import { foundAll } from '../backups/found.ts';
import { BACKUP, CLUSTER, FOUND, NOW, PLACE, passedBefore } from './rehearsals.ts';

function plan(
  request: Partial<RehearsalRequest> = {},
  { cluster = CLUSTER, ...found }: Partial<FoundBackups> & { cluster?: Cluster } = {},
) {
  return planRehearsal({
    ...{ cluster, place: PLACE, nowMs: NOW.getTime() },
    request: { cluster: cluster.name, ...request },
    found: { ...foundAll(FOUND), ...found },
  });
}

const scheduled = (rehearsed: Rehearsals | null, cluster = CLUSTER) =>
  plan({ scheduled: true }, { rehearsed, cluster }).action;
const failed = (rehearsals: Rehearsals): Rehearsals => ({
  ...rehearsals,
  last: { ...rehearsals.last, outcome: 'Failed', error: 'HostCommandFailed', problem: 'It did not start.' },
});

describe('a rehearsal', () => {
  it('is of the newest backup, whenever a person asks for it', () => {
    expect(plan()).toMatchObject({ action: 'Rehearse', backup: BACKUP });
    expect(plan({}, { rehearsed: passedBefore(0) }).action).toBe('Rehearse');
  });

  it('is due on a schedule once a week, and the day after one has failed', () => {
    expect(scheduled(null)).toBe('Rehearse');
    expect(scheduled(passedBefore(6))).toBe('NotDue');
    // It is asked for each day at about the same time, and the last one took its time.
    expect(scheduled(passedBefore(6.95))).toBe('Rehearse');
    expect(scheduled(failed(passedBefore(1)))).toBe('Rehearse');
  });

  it('is due as often as the configuration says, and never where it says so', () => {
    const every = (everyDays: number) => ({ ...CLUSTER, backups: { ...PLACE, rehearse: { everyDays } } });
    expect([1, 2].map((days) => scheduled(passedBefore(1.5), every(days)))).toEqual(['Rehearse', 'NotDue']);
    expect(scheduled(null, every(0))).toBe('NotDue');
    expect(plan({}, { cluster: every(0) }).action).toBe('Rehearse');
  });

  it('is put off until there is a backup, and refused where the one that is named is not there', () => {
    const none = { count: 0, backups: [] };
    expect(plan({}, none)).toMatchObject({ action: 'Postpone', backup: null });
    expect(() => plan({ backup: 'orders-x' }, none)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });

  it('is refused where what is known of the newest cannot be read', () => {
    const refusal = { name: 'PreconditionFailed', message: expect.stringContaining('AccessDenied') };
    const unread = [{ ...FOUND, record: null, problem: 'AccessDenied' }];
    expect(() => plan({}, { backups: unread })).toThrow(expect.objectContaining(refusal));
  });

  it('is refused without a host, and on a member that there is not', () => {
    const homeless = { ...CLUSTER, members: CLUSTER.members.map(({ host: _, ...member }) => member) };
    expect(() => plan({}, { cluster: homeless })).toThrow(/names no "host" for any member/);
    expect(() => plan({ member: 'node9' })).toThrow(/has no member "node9"; it has node1, node2, node3/);
  });
});
