import { describe, expect, it } from 'vitest';
import { ERROR_NAMES } from '../../core/errors.ts';
import {
  chooseRehearsalHostInput,
  planRehearsalInput,
  type RecordRehearsal,
  recordRehearsalInput,
} from '../../core/rehearsal/contracts.ts';
import { settleRehearsal } from '../../core/rehearsal/settle-rehearsal.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import { inspection } from '../core/observations.ts';
import { BACKUP, CLUSTER, NOW, passedBefore, RESTORED } from '../core/rehearsal/rehearsals.ts';
import { EPOCH } from '../local/asl/harness.ts';
import { execute, failure } from './execute.ts';
import { lockOf, OTHER, tableWith } from './remediation-scene.ts';
import { definitionOf, FLEET, REHEARSAL, synthesizeStacks } from './stacks.ts';

const DEFINITION = definitionOf(synthesizeStacks(FLEET), REHEARSAL);
const INSPECTIONS = [{ member: 'node2', host: 'i-2', parameters: { dataDir: '/var/lib/etcd' } }];
const COMMAND = { member: 'node2', host: 'i-2', parameters: { dataDir: '/var/lib/etcd' } };

/** What came of it is settled by the real decision. */
const settled = (input: unknown) =>
  settleRehearsal(recordRehearsalInput.parse(input) as RecordRehearsal, passedBefore(3), NOW).recorded;

const ANSWERS = {
  'Load cluster': { cluster: CLUSTER, request: { cluster: 'orders' }, alarm: '', summary: 'orders' },
  'Plan rehearsal': (input: unknown) => {
    planRehearsalInput.parse(input);
    return { action: 'Rehearse', backup: BACKUP, summary: 'The newest.' };
  },
  'Choose members': { members: [{ name: 'node2', leads: false }], inspections: INSPECTIONS, summary: 'node2' },
  'Inspect hosts': inspection('node2'),
  'Choose host': (input: unknown) => {
    chooseRehearsalHostInput.parse(input);
    return { command: COMMAND, etcdVersion: '3.5.30', summary: 'There.' };
  },
  'Restore the backup on a host': RESTORED,
  'Record rehearsal': settled,
};

function rehearse(
  answers: Readonly<Record<string, unknown>> = {},
  input: JsonValue = { cluster: 'orders' },
  table = tableWith(),
) {
  return execute(DEFINITION, { stateMachineName: REHEARSAL, input, answers: { ...ANSWERS, ...answers }, table });
}

const STEPS = ['Plan rehearsal', 'Choose members', 'Inspect hosts', 'Choose host', 'Restore the backup on a host'];

describe('a rehearsal', () => {
  it('restores the backup on the host that was chosen, and ends with what it promises', async () => {
    const { ended, calls } = await rehearse();
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'Passed', cluster: 'orders', rehearsal: { backup: BACKUP.name, member: 'node2' } },
    });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', ...STEPS, 'Record rehearsal']);
    const object = { access: 'read-backup', bucket: BACKUP.bucket, key: BACKUP.key };
    expect(calls.find(({ step }) => step === 'Restore the backup on a host')?.input).toMatchObject({
      ...COMMAND,
      object,
    });
  });

  it('hands what was asked for to the plan', async () => {
    const request = { cluster: 'orders', backup: 'orders-x', member: 'node2', scheduled: true };
    const { calls } = await rehearse({}, request);
    expect(calls.find(({ step }) => step === 'Plan rehearsal')?.input).toMatchObject({ request });
  });

  it('is put off while a remediation has the lock, and not by a lock that has expired', async () => {
    const held = await rehearse({}, undefined, tableWith(lockOf(OTHER)));
    expect(held.ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'Postponed', rehearsal: null, summary: expect.stringContaining('The remediation other has') },
    });
    expect(held.calls.map(({ step }) => step)).toEqual(['Load cluster', 'Record rehearsal']);
    const expired = lockOf(OTHER, { expiresAt: { N: String(EPOCH / 1000 - 1) } });
    expect((await rehearse({}, undefined, tableWith(expired))).ended).toMatchObject({ output: { outcome: 'Passed' } });
  });

  it('ends at once where none is due, and is put off where there is nothing to rehearse, or the cluster is not well', async () => {
    const notDue = await rehearse({ 'Plan rehearsal': { action: 'NotDue', backup: null, summary: 'In time.' } });
    expect(notDue.ended).toMatchObject({ output: { outcome: 'NotDue', summary: 'In time.' } });
    expect(notDue.visited.at(-1)).toBe('None is due');
    const none = await rehearse({ 'Plan rehearsal': { action: 'Postpone', backup: null, summary: 'None yet.' } });
    expect(none.ended).toMatchObject({
      output: { outcome: 'Postponed', summary: expect.stringContaining('None yet.') },
    });
    const unwell = await rehearse({ 'Choose members': failure(ERROR_NAMES.UnsafeToProceed, 'CORRUPT is raised.') });
    expect(unwell.ended).toMatchObject({
      output: { outcome: 'Postponed', summary: expect.stringContaining('CORRUPT') },
    });
  });

  it.each(STEPS.filter((step) => step !== 'Choose members'))(
    'that fails at "%s" is recorded, and ends with that error',
    async (step) => {
      const { ended, calls } = await rehearse({ [step]: failure(ERROR_NAMES.PreconditionFailed, 'It is refused.') });
      if (step === 'Inspect hosts') {
        // That of one host is for the choice of the host.
        expect(calls.map(({ step: name }) => name)).toContain('Choose host');
        return;
      }
      expect(ended).toMatchObject({
        status: 'FAILED',
        error: 'PreconditionFailed',
        cause: expect.stringContaining('It is refused.'),
      });
      expect(calls.at(-1)).toMatchObject({
        step: 'Record rehearsal',
        input: { result: null, failure: { error: 'PreconditionFailed' } },
      });
    },
  );

  it('that restores something else ends with VerificationFailed', async () => {
    const { ended } = await rehearse({ 'Restore the backup on a host': { ...RESTORED, keys: 1 } });
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: 'VerificationFailed',
      cause: expect.stringContaining('1 keys'),
    });
  });
});
