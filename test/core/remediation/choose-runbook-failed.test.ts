import { describe, expect, it } from 'vitest';
import { choiceOf, choose, refusal, type Scene, SUMMARY } from './runbook-choices.ts';

const AUTOMATIC = { 'member-failed': 'automatic' } as const;

describe('after a runbook that failed', () => {
  it.each<[string, Scene, string]>([
    [
      'another incident is seen to: it may be what has stopped it',
      { found: 'space-exceeded', others: ['member-failed'], rounds: ['member-failed PreconditionFailed'] },
      'Run space-reclaim',
    ],
    [
      'another incident waits for its approval as ever',
      { found: 'quorum-lost', rounds: ['member-failed EtcdUnavailable'] },
      'Run quorum-recovery dry',
    ],
    [
      'the same incident, alone, leaves it failed',
      { found: 'member-failed', rounds: ['member-failed HostUnreachable'] },
      'Stop member-replacement',
    ],
    [
      'the same incident before others leaves it failed: what comes later is not what has stopped it',
      { found: 'space-exceeded', others: ['member-failed'], rounds: ['space-exceeded EtcdUnavailable'] },
      'Stop space-reclaim',
    ],
    [
      'a healthy cluster leaves it failed: it knows best why it did not end well',
      { found: 'healthy', rounds: ['auth-token-invalid VerificationFailed'] },
      'Stop auth-token-reset',
    ],
    [
      'members that differ are repaired first',
      { found: 'data-corrupt', others: ['member-failed'], rounds: ['member-failed UnsafeToProceed'] },
      'Run member-repair dry',
    ],
  ])('%s', (_, scene, expected) => {
    expect(choiceOf(scene)).toBe(expected);
  });
});

describe('a runbook that failed, once what stopped it is remediated,', () => {
  const rounds = ['member-failed PreconditionFailed', 'space-exceeded Remediated'];

  it.each<[string, Scene, string]>([
    ['is run again where its incident is still there', { found: 'member-failed', rounds }, 'Run member-replacement'],
    [
      'is run again where nothing is seen any more: it may have left something half done',
      { found: 'healthy', rounds },
      'Run member-replacement',
    ],
    [
      'waits for a third incident that comes first',
      { found: 'auth-token-invalid', rounds: [...rounds] },
      'Run auth-token-reset',
    ],
    [
      'has then done its work',
      { found: 'healthy', rounds: [...rounds, 'member-failed Remediated'] },
      'Finish Remediated',
    ],
    [
      'or finds nothing left to do',
      { found: 'healthy', rounds: [...rounds, 'member-failed NothingToDo'] },
      'Finish Remediated',
    ],
    [
      'stays failed where it fails again',
      { found: 'member-failed', rounds: [...rounds, 'member-failed HostCommandFailed'] },
      'Stop member-replacement',
    ],
    [
      'stays failed too where it fails again and nothing is seen',
      { found: 'healthy', rounds: [...rounds, 'member-failed VerificationFailed'] },
      'Stop member-replacement',
    ],
    [
      'is not run a third time where yet another incident has come between',
      {
        found: 'healthy',
        rounds: ['member-failed PreconditionFailed', 'member-failed EtcdUnavailable', 'auth-token-invalid Remediated'],
      },
      'VerificationFailed',
    ],
  ])('%s', (_, scene, expected) => {
    expect(choiceOf({ policy: AUTOMATIC, ...scene })).toBe(expected);
  });

  it('says so to whoever has to approve of it', () => {
    expect(choose({ found: 'healthy', rounds })).toMatchObject({
      action: 'Run',
      runbook: 'member-replacement',
      problem: `Its runbook failed before (PreconditionFailed). ${SUMMARY}`,
      input: { dryRun: true },
    });
  });

  it('is still approved of, and held to that', () => {
    const approved = { incident: 'member-failed', plan: { targets: ['node3'], removeIds: ['a3'] } } as const;
    expect(choose({ found: 'healthy', rounds, approved })).toMatchObject({
      input: { dryRun: false, parameters: { onlyMembers: ['node3'], removeOnly: ['a3'] } },
    });
  });

  it('is told with every runbook before it where it goes on and on', () => {
    const all = [...rounds, 'member-failed EtcdUnavailable', 'space-exceeded Remediated'];
    expect(refusal({ found: 'healthy', rounds: all })).toContain(
      'After member-failed (PreconditionFailed), space-exceeded (Remediated), member-failed (EtcdUnavailable), space-exceeded (Remediated)',
    );
  });
});
