import { describe, expect, it } from 'vitest';
import { CONDITIONS, type Condition } from '../../../core/diagnosis/diagnosis.ts';
import type { ChooseRunbook } from '../../../core/remediation/remediation-steps.ts';
import { INCIDENTS } from '../../../core/runbooks.ts';
import { choiceOf, choose, refusal, type Scene, SUMMARY } from './runbook-choices.ts';

describe('of a cluster without a named incident, the next', () => {
  it.each<[string, Scene, string]>([
    ['is nothing where it is healthy', { found: 'healthy' }, 'Finish NothingToDo'],
    ['is the runbook for a full store', { found: 'space-exceeded' }, 'Run space-reclaim'],
    ['is the runbook for rejected tokens', { found: 'auth-token-invalid' }, 'Run auth-token-reset'],
    ['is the runbook for a failed member, dry', { found: 'member-failed' }, 'Run member-replacement dry'],
    ['is the runbook for a lost quorum, dry', { found: 'quorum-lost' }, 'Run quorum-recovery dry'],
    ['is the runbook for members that differ, dry', { found: 'data-corrupt' }, 'Run member-repair dry'],
    [
      'is the first of two, whatever the second is',
      { found: 'space-exceeded', others: ['member-failed'] },
      'Run space-reclaim',
    ],
    [
      'is the second once the first is done',
      { found: 'member-failed', rounds: ['space-exceeded Remediated'] },
      'Run member-replacement dry',
    ],
    [
      'is the end once nothing is left',
      { found: 'healthy', rounds: ['space-exceeded Remediated', 'member-failed Remediated'] },
      'Finish Remediated',
    ],
    [
      'is the end, as nothing done, where the only runbook has found nothing',
      { found: 'healthy', rounds: ['member-failed NothingToDo'] },
      'Finish NothingToDo',
    ],
    [
      'is the end, as done, where one of two runbooks has done something',
      { found: 'healthy', rounds: ['member-failed NothingToDo', 'space-exceeded Remediated'] },
      'Finish Remediated',
    ],
    [
      'is the same again where it has come back',
      { found: 'space-exceeded', rounds: ['space-exceeded Remediated'] },
      'Run space-reclaim',
    ],
    [
      'is refused where it has come back twice',
      { found: 'space-exceeded', rounds: ['space-exceeded Remediated', 'space-exceeded Remediated'] },
      'VerificationFailed',
    ],
    [
      'is refused where the runbook has found nothing of it',
      { found: 'member-failed', rounds: ['member-failed NothingToDo'] },
      'PreconditionFailed',
    ],
    [
      'is the fourth round, dry',
      {
        found: 'quorum-lost',
        rounds: ['space-exceeded Remediated', 'member-failed Remediated', 'auth-token-invalid Remediated'],
      },
      'Run quorum-recovery dry',
    ],
    [
      'is no fifth round, whatever it is',
      {
        found: 'quorum-lost',
        rounds: ['space-exceeded', 'member-failed', 'auth-token-invalid', 'space-exceeded'].map(
          (incident) => `${incident} Remediated`,
        ),
      },
      'VerificationFailed',
    ],
  ])('%s', (_, scene, expected) => {
    expect(choiceOf(scene)).toBe(expected);
  });
});

describe('members that may hold different data', () => {
  it.each(CONDITIONS.filter((condition) => condition !== 'data-corrupt' && condition !== 'quorum-inaccessible'))(
    'come before %s',
    (other) => {
      expect(choiceOf({ found: 'data-corrupt', others: [other] })).toBe('Run member-repair dry');
    },
  );

  it.each(INCIDENTS.filter((incident) => incident !== 'data-corrupt'))(
    'stop %s where it was asked for, before a round and after one',
    (incident) => {
      const request = { incident };
      expect(choiceOf({ found: 'data-corrupt', request })).toBe('UnsafeToProceed');
      expect(choiceOf({ found: 'data-corrupt', request, rounds: [`${incident} Remediated`] })).toBe('UnsafeToProceed');
    },
  );

  it('are told with what was seen, and what to start', () => {
    expect(refusal({ found: 'data-corrupt', request: { incident: 'member-failed' } })).toBe(
      `UnsafeToProceed: ${SUMMARY} No other runbook goes on meanwhile: start a remediation of data-corrupt, or one that names no incident.`,
    );
  });
});

describe('a member that something keeps us from', () => {
  const found = 'member-inaccessible';

  it.each<[string, Scene, string]>([
    ['is for a person, where nothing else is wrong', { found }, 'PreconditionFailed'],
    ['is for a person in a dry run as well', { found, request: { dryRun: true } }, 'PreconditionFailed'],
    ['is in the way of no other incident', { found: 'space-exceeded', others: [found] }, 'Run space-reclaim'],
    [
      'is left where a runbook has done its work',
      { found, rounds: ['space-exceeded Remediated'] },
      'Finish Remediated',
    ],
    [
      'makes no success of a runbook that failed',
      { found, rounds: ['space-exceeded EtcdUnavailable'] },
      'Stop space-reclaim',
    ],
    [
      'does not keep a runbook from refusing by itself, where its incident was named',
      { found, request: { incident: 'space-exceeded' } },
      'Run space-reclaim',
    ],
  ])('%s', (_, scene, expected) => {
    expect(choiceOf(scene)).toBe(expected);
  });

  it.each<[string, Omit<Scene, 'found'>, string]>([
    ['before a runbook', {}, 'PreconditionFailed'],
    ['in a dry run', { request: { dryRun: true } }, 'PreconditionFailed'],
    ['where an incident was named', { request: { incident: 'quorum-lost' } }, 'PreconditionFailed'],
    ['after a runbook, which is no success then', { rounds: ['space-exceeded Remediated'] }, 'PreconditionFailed'],
    [
      'after one that failed, whose error is told',
      { rounds: ['space-exceeded EtcdUnavailable'] },
      'Stop space-reclaim',
    ],
  ])('is for a person %s, where it may be a quorum', (_, scene, expected) => {
    expect(choiceOf({ found: 'quorum-inaccessible', ...scene })).toBe(expected);
  });

  it('is told with what was seen, and is left over in the end', () => {
    expect(refusal({ found })).toMatch(
      new RegExp(`^PreconditionFailed: ${SUMMARY} No runbook cures this, and nothing was changed`),
    );
    expect(choose({ found, rounds: ['space-exceeded Remediated'] })).toMatchObject({ remaining: [found] });
  });
});

describe('a named incident', () => {
  const request = { incident: 'auth-token-invalid' };

  it.each<[string, Scene, string]>([
    ['runs its runbook, where it is there', { found: 'auth-token-invalid' }, 'Run auth-token-reset'],
    ['runs its runbook, where nothing is seen', { found: 'healthy' }, 'Run auth-token-reset'],
    [
      'runs its runbook, and not that of what is seen first',
      { found: 'space-exceeded', others: ['auth-token-invalid'] },
      'Run auth-token-reset',
    ],
    [
      'is the only one: after its runbook it ends, and leaves the others',
      { found: 'space-exceeded', rounds: ['auth-token-invalid Remediated'] },
      'Finish Remediated',
    ],
    [
      'ends as nothing done where its runbook has found nothing and neither is it seen',
      { found: 'space-exceeded', rounds: ['auth-token-invalid NothingToDo'] },
      'Finish NothingToDo',
    ],
    [
      'that is still there is tried once more',
      { found: 'space-exceeded', others: ['auth-token-invalid'], rounds: ['auth-token-invalid Remediated'] },
      'Run auth-token-reset',
    ],
    [
      'that is still there after two tries is no success',
      { found: 'auth-token-invalid', rounds: ['auth-token-invalid Remediated', 'auth-token-invalid Remediated'] },
      'VerificationFailed',
    ],
    [
      'that is seen, and not by its runbook, is no success',
      { found: 'auth-token-invalid', rounds: ['auth-token-invalid NothingToDo'] },
      'PreconditionFailed',
    ],
  ])('%s', (_, scene, expected) => {
    expect(choiceOf({ request, ...scene })).toBe(expected);
  });

  it('says what is seen instead, for whoever has to approve', () => {
    expect(choose({ found: 'healthy', request })).toMatchObject({
      problem: `auth-token-invalid was asked for; the diagnosis says healthy: ${SUMMARY}`,
    });
    expect(choose({ found: 'auth-token-invalid', request })).toMatchObject({ problem: SUMMARY });
  });

  it('tells at the end what is left', () => {
    const others: Condition[] = ['member-failed'];
    expect(choose({ found: 'space-exceeded', others, request, rounds: ['auth-token-invalid Remediated'] })).toEqual({
      action: 'Finish',
      outcome: 'Remediated',
      summary: `${SUMMARY} Only auth-token-invalid was asked for: space-exceeded, member-failed is left.`,
      remaining: ['space-exceeded', 'member-failed'],
    });
  });

  it('of one member ends though another one has failed, and says so', () => {
    const ofNode3 = { incident: 'member-failed', member: 'node3' };
    expect(choose({ found: 'member-failed', request: ofNode3, rounds: ['member-failed Remediated'] })).toEqual({
      action: 'Finish',
      outcome: 'Remediated',
      summary: `${SUMMARY} Only member-failed of node3 was asked for: member-failed is left.`,
      remaining: ['member-failed'],
    });
  });
});

describe('the runbook', () => {
  it('is started with what the remediation was, and the incident', () => {
    const request = {
      incident: 'member-failed',
      member: 'node3',
      parameters: { confirmSeconds: 5 },
      reason: 'INC-2',
    };
    expect(choose({ found: 'member-failed', request })).toEqual({
      action: 'Run',
      incident: 'member-failed',
      runbook: 'member-replacement',
      problem: SUMMARY,
      summary: 'Next: member-replacement.',
      input: { cluster: 'orders', requestedBy: 'ann', ...request, dryRun: true },
    });
  });

  it('is started with the incident that was found, where none was named', () => {
    expect(choose({ found: 'space-exceeded' })).toMatchObject({
      input: { cluster: 'orders', incident: 'space-exceeded', dryRun: false, reason: 'INC-1', requestedBy: 'ann' },
    });
  });

  it.each<[string, Scene, string]>([
    ['its own policy wants an approval', { found: 'member-failed' }, 'Run member-replacement dry'],
    [
      "the cluster's policy wants an approval",
      { found: 'auth-token-invalid', policy: { 'auth-token-invalid': 'approval' } },
      'Run auth-token-reset dry',
    ],
    ['somebody wants a dry run', { found: 'space-exceeded', request: { dryRun: true } }, 'Run space-reclaim dry'],
  ])('runs dry first where %s', (_, scene, expected) => {
    expect(choiceOf(scene)).toBe(expected);
  });

  it.each<[string, Scene, string]>([
    [
      "the cluster's policy wants none, though its own does",
      { found: 'member-failed', policy: { 'member-failed': 'automatic' } },
      'Run member-replacement',
    ],
    [
      "the cluster's policy is about another incident",
      { found: 'space-exceeded', policy: { 'member-failed': 'approval' } },
      'Run space-reclaim',
    ],
  ])('runs without an approval where %s', (_, scene, expected) => {
    expect(choiceOf(scene)).toBe(expected);
  });
});

describe('a deployment with some of the runbooks', () => {
  const runbooks: ChooseRunbook['runbooks'] = { 'space-exceeded': { runbook: 'space-reclaim', policy: 'automatic' } };

  it('runs those', () => {
    expect(choiceOf({ found: 'space-exceeded', runbooks })).toBe('Run space-reclaim');
  });

  it.each<[string, Scene]>([
    ['was found', { found: 'quorum-lost', runbooks }],
    ['was asked for', { found: 'healthy', request: { incident: 'quorum-lost' }, runbooks }],
  ])('refuses by name an incident without one that %s, and says which there are', (_, scene) => {
    expect(refusal(scene)).toMatch(
      /^PreconditionFailed: orders has the incident quorum-lost, and this deployment has no runbook for it\. It has those for space-exceeded\. .*This is what was seen\.$/,
    );
  });
});

describe('incidents that do not end', () => {
  it('are told with what has run, and what to look for', () => {
    expect(
      refusal({ found: 'space-exceeded', rounds: ['space-exceeded Remediated', 'space-exceeded Remediated'] }),
    ).toBe(
      `VerificationFailed: After space-exceeded (Remediated), space-exceeded (Remediated) the cluster still has space-exceeded. ${SUMMARY}\n` +
        'Something causes it again and again. Find that first, then start again.',
    );
  });

  it('are told as two views of the cluster where the runbook does not find them', () => {
    expect(refusal({ found: 'member-failed', rounds: ['member-failed NothingToDo'] })).toMatch(
      /^PreconditionFailed: The diagnosis finds member-failed, and its runbook finds nothing to do\. .*\n.*look at the network/,
    );
  });
});
