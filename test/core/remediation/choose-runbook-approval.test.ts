import { describe, expect, it } from 'vitest';
import { choiceOf, choose, type Scene, SUMMARY } from './runbook-choices.ts';

const ladder = (toggleServes: boolean) => [
  { rung: 'restart', serves: true, why: '' },
  { rung: 'toggle', serves: toggleServes, why: '' },
];

describe('a runbook that wants an approval', () => {
  const question = { incident: 'member-failed', plan: { targets: ['node3'], removeIds: ['a3'] } } as const;

  it.each<[string, Scene, string]>([
    ['is planned where nobody was asked', { found: 'member-failed' }, 'Run member-replacement dry'],
    [
      'is not planned again while somebody is asked',
      { found: 'member-failed', question },
      'Ask member-replacement dry',
    ],
    ['is planned where another one was asked about', { found: 'quorum-lost', question }, 'Run quorum-recovery dry'],
    ['runs once it is approved', { found: 'member-failed', approved: question }, 'Run member-replacement'],
    [
      'is planned where another one is approved',
      { found: 'quorum-lost', approved: question },
      'Run quorum-recovery dry',
    ],
    ['is no hindrance for one that wants none', { found: 'space-exceeded', question }, 'Run space-reclaim'],
    [
      'stays a dry run where that is all that is wanted',
      { found: 'member-failed', request: { dryRun: true } },
      'Run member-replacement dry',
    ],
    [
      'is still the question where it seems to be over: the member may come and go',
      { found: 'healthy', question },
      'Ask member-replacement dry',
    ],
    ['is no question any more once it is over', { found: 'healthy', question, healthyLooks: 1 }, 'Finish NothingToDo'],
    ['is none any more where the incident is over', { found: 'healthy', approved: question }, 'Finish NothingToDo'],
  ])('%s', (_, scene, expected) => {
    expect(choiceOf(scene)).toBe(expected);
  });

  it('is held to what was approved', () => {
    const parameters = { confirmSeconds: 7 };
    const request = { incident: 'member-failed', parameters };
    expect(choose({ found: 'member-failed', request, approved: question })).toMatchObject({
      input: { dryRun: false, parameters: { confirmSeconds: 7, onlyMembers: ['node3'], removeOnly: ['a3'] } },
    });
    const recovery = {
      incident: 'quorum-lost',
      plan: { winner: { revision: '4029' }, leftOut: [{ member: 'node3', problem: 'Gone.' }] },
    } as const;
    expect(choose({ found: 'quorum-lost', approved: recovery })).toMatchObject({
      input: { dryRun: false, parameters: { atLeastRevision: '4029', leaveOutOnly: ['node3'] } },
    });
  });

  it('restores nothing where the plan was to bring an interrupted recovery to its end', () => {
    const approved = { incident: 'quorum-lost', plan: { winner: null, leftOut: [] } } as const;
    expect(choose({ found: 'quorum-lost', approved })).toMatchObject({
      input: { dryRun: false, parameters: { restoreNothing: true, leaveOutOnly: [] } },
    });
  });

  it.each<[string, Scene]>([
    ['whom to replace', { found: 'member-failed', approved: { incident: 'member-failed', plan: {} } }],
    [
      'that anybody is replaced',
      { found: 'member-failed', approved: { incident: 'member-failed', plan: { targets: [], removeIds: [] } } },
    ],
    [
      'which member is removed, by its ID',
      { found: 'member-failed', approved: { incident: 'member-failed', plan: { targets: ['node3'] } } },
    ],
    [
      'what to restore',
      { found: 'quorum-lost', approved: { incident: 'quorum-lost', plan: { winner: {}, leftOut: [] } } },
    ],
    [
      'whom to leave out',
      { found: 'quorum-lost', approved: { incident: 'quorum-lost', plan: { winner: { revision: '1' } } } },
    ],
  ])('is not run where the plan does not say %s', (_, scene) => {
    expect(choiceOf(scene)).toBe('InvalidInput');
  });

  it.each<[string, Record<string, unknown>, object]>([
    [
      'does not disable authentication where that was not in the plan',
      { ladder: ladder(false) },
      { strategy: 'restart' },
    ],
    ['may disable authentication where that was in the plan', { ladder: ladder(true) }, {}],
    ['may enable authentication, which is a plan without choices', {}, {}],
  ])('%s', (_, plan, parameters) => {
    const approved = { incident: 'auth-token-invalid', plan } as const;
    const scene = { found: 'auth-token-invalid', policy: { 'auth-token-invalid': 'approval' }, approved } as const;
    expect(choose(scene)).toMatchObject({ input: { dryRun: false, parameters } });
    expect(Object.keys(Object(choose(scene)).input.parameters)).toEqual(Object.keys(parameters));
  });
});

describe('what a start asks for beyond what its runbook does by itself', () => {
  const ACTS = [
    ['force-backup', 'quorum-lost', { snapshot: { key: 'orders/old.db', force: true } }],
    ['fewer-members', 'quorum-lost', { acceptFewerMembers: true }],
    ['replace-host', 'member-failed', { replacement: { host: 'i-9' } }],
    ['toggle-authentication', 'auth-token-invalid', { strategy: 'toggle' }],
  ] as const;
  const NOT_DRY = {
    'quorum-lost': 'Run quorum-recovery',
    'member-failed': 'Run member-replacement',
    'auth-token-invalid': 'Run auth-token-reset',
  };

  it.each(ACTS)('waits for an approval, though the policy lets the incident go: %s', (act, incident, parameters) => {
    const request = { incident, parameters };
    const run = NOT_DRY[incident];
    const scene: Scene = { found: incident, request };
    expect(choiceOf({ ...scene, policy: { [incident]: 'automatic' } })).toBe(`${run} dry`);
    expect(choiceOf({ ...scene, policy: { [incident]: 'automatic', [act]: 'approval' } })).toBe(`${run} dry`);
    for (const [other] of ACTS.filter(([each]) => each !== act)) {
      expect(choiceOf({ ...scene, policy: { [incident]: 'automatic', [other]: 'automatic' } })).toBe(`${run} dry`);
    }
    expect(choiceOf({ ...scene, policy: { [incident]: 'automatic', [act]: 'automatic' } })).toBe(run);
    // The act alone is not the incident.
    expect(choiceOf({ ...scene, policy: { [incident]: 'approval', [act]: 'automatic' } })).toBe(`${run} dry`);
  });

  it.each(ACTS)('is told to whoever is asked: %s', (act, incident, parameters) => {
    expect(Object(choose({ found: incident, request: { incident, parameters } })).problem).toMatch(
      new RegExp(`^${SUMMARY} Asked for: to .* \\(${act}\\)\\.$`),
    );
  });

  it('waits for both where two are asked for, and one is named', () => {
    const parameters = { acceptFewerMembers: true, snapshot: { key: 'orders/old.db', force: true } };
    const scene: Scene = { found: 'quorum-lost', request: { incident: 'quorum-lost', parameters } };
    expect(choiceOf({ ...scene, policy: { 'quorum-lost': 'automatic', 'force-backup': 'automatic' } })).toBe(
      'Run quorum-recovery dry',
    );
  });

  it.each([
    ['quorum-lost', { snapshot: { key: 'orders/new.db' }, acceptFewerMembers: false, leaveOutOnly: ['node1'] }],
    ['member-failed', { onlyMembers: ['node1'] }],
    ['auth-token-invalid', { strategy: 'restart-then-toggle' }],
    ['auth-token-invalid', { strategy: 'restart' }],
  ] as const)('is none of what bounds a runbook, or what it does by itself: %s %o', (incident, parameters) => {
    const request = { incident, parameters };
    expect(choiceOf({ found: incident, request, policy: { [incident]: 'automatic' } })).toBe(NOT_DRY[incident]);
  });
});
