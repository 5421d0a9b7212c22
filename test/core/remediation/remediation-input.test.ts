import { describe, expect, it } from 'vitest';
import { parseRemediationInput, RIGHT_INPUTS, remediationIdSchema } from '../../../core/remediation/remediation.ts';
import { INCIDENTS } from '../../../core/runbooks.ts';
import { failureOf } from '../observations.ts';

function refusalOf(input: unknown): string {
  const { name, message } = failureOf(() => parseRemediationInput(input));
  expect(name, message).toBe('InvalidInput');
  return message;
}

describe('what starts a remediation', () => {
  it('needs only the name of the cluster', () => {
    expect(parseRemediationInput({ cluster: 'orders' })).toEqual({
      cluster: 'orders',
      dryRun: false,
      reason: '',
      requestedBy: '',
    });
  });

  it('keeps who wants it and why', () => {
    const input = { cluster: 'orders', dryRun: true, reason: 'INC-1234', requestedBy: 'ann' };
    expect(parseRemediationInput(input)).toEqual(input);
  });

  it.each(INCIDENTS)('is what starts the runbook, where it names the incident %s', (incident) => {
    expect(parseRemediationInput({ cluster: 'orders', incident })).toMatchObject({
      cluster: 'orders',
      incident,
      dryRun: false,
      parameters: expect.any(Object),
    });
  });

  it('takes a member and parameters with an incident', () => {
    const input = {
      cluster: 'orders',
      incident: 'member-failed',
      member: 'node3',
      parameters: { confirmSeconds: 5 },
    };
    expect(parseRemediationInput(input)).toMatchObject(input);
  });
});

describe('a wrong input', () => {
  it.each<[string, unknown, RegExp]>([
    ['is empty', {}, /\n- cluster: must be the name of a cluster in clusters\.json/],
    ['is nothing', undefined, /is missing/],
    ['is null', null, /must be an object/],
    ['is text', 'orders', /must be an object/],
    ['is a list', [{ cluster: 'orders' }], /must be an object/],
    ['names no cluster', { cluster: '' }, /\n- cluster: /],
    ['names a number', { cluster: 7 }, /\n- cluster: must be the name of a cluster in clusters\.json/],
    ['has a field that there is not', { cluster: 'orders', members: 'node3' }, /members/],
    ['is no yes or no', { cluster: 'orders', dryRun: 'yes' }, /\n- dryRun: must be true or false/],
    ['gives too long a reason', { cluster: 'orders', reason: 'x'.repeat(1025) }, /\n- reason: must be at most 1024/],
    [
      'names an incident that there is not',
      { cluster: 'orders', incident: 'disk-full' },
      /\n- incident: must be .*quorum-lost.*space-exceeded.*member-failed.*auth-token-invalid/,
    ],
    [
      'names what no runbook cures',
      { cluster: 'orders', incident: 'member-inaccessible' },
      /\n- incident: must be .*space-exceeded/,
    ],
    ['names an incident that is none', { cluster: 'orders', incident: null }, /\n- incident: must be .*space-exceeded/],
    [
      'names a member without an incident',
      { cluster: 'orders', member: 'node3' },
      /\n- member: is for one runbook: say with "incident" which/,
    ],
    [
      'has parameters without an incident',
      { cluster: 'orders', parameters: {} },
      /\n- parameters: is for one runbook: say with "incident" which/,
    ],
    [
      'has parameters of another incident',
      { cluster: 'orders', incident: 'quorum-lost', parameters: { retainRevisions: 1 } },
      /retainRevisions/,
    ],
  ])('that %s is refused with what is wrong', (_, input, problem) => {
    expect(refusalOf(input)).toMatch(problem);
  });

  it('is told every problem at once', () => {
    const message = refusalOf({ cluster: 7, dryRun: 1, reason: 2, parameters: {} });
    for (const field of ['cluster', 'dryRun', 'reason', 'parameters']) expect(message).toContain(`\n- ${field}: `);
  });
});

describe('the right inputs that whoever has typed a wrong one is shown', () => {
  const shown = RIGHT_INPUTS.match(/\{"[^{}]*\}/g) ?? [];

  it('begin with the one that is enough', () => {
    expect(RIGHT_INPUTS).toMatch(/^A right input: \{"cluster":"orders"\}, which diagnoses the cluster first\./);
    expect(shown).toHaveLength(2);
  });

  it.each(shown)('are right: %s', (text) => {
    expect(parseRemediationInput(JSON.parse(text))).toMatchObject(JSON.parse(text));
  });
});

describe("a remediation's ID", () => {
  it.each(['a', '0', 'run-1', 'x'.repeat(80), '5f1e_2A-9', '2a5a7d6e-0000-4000-8000-000000000000'])(
    'may be %s',
    (id) => {
      expect(remediationIdSchema.safeParse(id).success).toBe(true);
    },
  );

  it.each(['', '-a', '_a', 'a.b', 'a b', 'a/b', '../a', 'ä', 'x'.repeat(81), 'a\n'])('is never %j', (id) => {
    expect(remediationIdSchema.safeParse(id).error?.issues).toMatchObject([
      { message: 'must be 1 to 80 letters, digits, "-" or "_", and start with a letter or digit' },
    ]);
  });
});
