import { describe, expect, it } from 'vitest';
import { completeBackupInput, copyDatabaseInput } from '../../core/backups/by-host.ts';
import { backUpClusterInput } from '../../core/backups/contracts.ts';
import { ERROR_NAMES } from '../../core/errors.ts';
import { found } from '../core/backups/found.ts';
import { CLUSTER } from '../core/rehearsal/rehearsals.ts';
import { execute, failure } from './execute.ts';
import { BACKUP, definitionOf, FLEET, synthesizeStacks } from './stacks.ts';

const DEFINITION = definitionOf(synthesizeStacks(FLEET), BACKUP);
const { record, name } = found('2026-11-29T08:15:00.000Z', 3000);
const { tookMs: _, ...draft } = { ...record, way: 'host' };
const WHOLE = { name, place: 's3://b/k', record };
const REMOVE = { member: 'node2', host: 'i-2', parameters: { dataDir: '/var/lib/etcd', outcome: 'undo' } };
const PARTS = [1, 2].map((partNumber) => ({
  ...{ member: 'node2', host: 'i-2', parameters: { offsetBytes: String(partNumber) } },
  object: { bucket: 'b', key: 'k', uploadId: 'u', partNumber },
}));

/** What it is given is what the step takes, and what it says is what the step would. */
const completed = (input: unknown) => {
  const { failure: why } = completeBackupInput.parse(input);
  return { backup: why ? null : WHOLE, error: why?.error ?? '', cause: why?.cause ?? '', summary: 'Done.' };
};
const ANSWERS = {
  'Load cluster': { cluster: CLUSTER, request: { cluster: 'orders' }, alarm: '', summary: 'orders' },
  'Back up cluster': (input: unknown) => {
    backUpClusterInput.parse(input);
    return { action: 'GoOnByHost', backup: null, member: 'node2', remove: [REMOVE], summary: 'Too slow.' };
  },
  'Copy database on host': (input: unknown) => {
    copyDatabaseInput.parse(input);
    return { action: 'Copied', copied: { draft, uploadId: 'u', parts: PARTS }, summary: 'Copied.' };
  },
  'Send copy from host': { sizeBytes: 7, etag: '"e"' },
  'Discard copy on host': { discarded: true },
  'Complete backup': completed,
  'Remove expired backups': { removed: ['old'], kept: 3, summary: 'One removed.' },
};

function backUp(answers: Readonly<Record<string, unknown>> = {}) {
  const all = { ...ANSWERS, ...answers };
  return execute(DEFINITION, { stateMachineName: BACKUP, input: { cluster: 'orders' }, answers: all });
}

const BY_HOST = ['Copy database on host', 'Send copy from host', 'Send copy from host', 'Discard copy on host'];

describe('a backup', () => {
  it('that a function does in time asks no host', async () => {
    const done = { action: 'BackedUp', backup: WHOLE, member: 'node2', remove: [], summary: 'Done.' };
    const { ended, calls } = await backUp({ 'Back up cluster': done });
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'BackedUp', cluster: CLUSTER.name, backup: WHOLE, removed: ['old'], kept: 3 },
    });
    expect(calls.map(({ step }) => step)).toEqual(['Load cluster', 'Back up cluster', 'Remove expired backups']);
  });

  it('that would take too long is copied and sent by its host, part by part, and made whole when the copy is gone', async () => {
    const { ended, calls } = await backUp();
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { backup: WHOLE, removed: ['old'] } });
    expect(calls.map(({ step }) => step).slice(2)).toEqual([...BY_HOST, 'Complete backup', 'Remove expired backups']);
    const inputOf = (step: string) => calls.filter((call) => call.step === step).map(({ input }) => input);
    expect(inputOf('Send copy from host')).toMatchObject(PARTS);
    expect(inputOf('Discard copy on host')).toMatchObject([REMOVE]);
    expect(inputOf('Complete backup')).toMatchObject([
      { copied: { uploadId: 'u' }, etags: ['"e"', '"e"'], failure: null, copyLeft: '' },
    ]);
  });

  it.each([
    ['Copy database on host', { copied: null }],
    ['Send copy from host', { copied: { uploadId: 'u' } }],
  ])('whose "%s" fails is removed on the host and in the bucket, and ends with that error', async (step, left) => {
    const { ended, calls } = await backUp({ [step]: failure(ERROR_NAMES.PreconditionFailed, 'It has no room.') });
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('It has no room.'),
    });
    expect(calls.slice(-2)).toMatchObject([
      { step: 'Discard copy on host', input: REMOVE },
      { step: 'Complete backup', input: { ...left, failure: { error: 'PreconditionFailed' } } },
    ]);
  });

  it('is put off where another works on the same host: it ends well, and is no backup', async () => {
    const { ended, calls } = await backUp({
      'Copy database on host': { action: 'Postpone', copied: null, summary: 'Another backup works there.' },
    });
    expect(ended).toEqual(
      expect.objectContaining({
        status: 'SUCCEEDED',
        output: { outcome: 'Postponed', cluster: CLUSTER.name, summary: 'Another backup works there.' },
      }),
    );
    expect(calls.map(({ step }) => step).slice(2)).toEqual([
      'Copy database on host',
      'Discard copy on host',
      'Complete backup',
    ]);
  });

  it('is whole also where its copy stays on the host, which is told', async () => {
    for (const error of [
      failure(ERROR_NAMES.HostCommandFailed, 'rm said no.'),
      failure(ERROR_NAMES.AwsUnavailable, 'rm said no.'),
    ]) {
      const { ended, calls } = await backUp({ 'Discard copy on host': error });
      expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { backup: WHOLE } });
      expect(calls.find(({ step }) => step === 'Complete backup')?.input).toMatchObject({
        failure: null,
        copyLeft: expect.stringContaining('rm said no.'),
      });
    }
  });

  it('that fails, and whose parts cannot be removed from the bucket, ends with its own error and tells both', async () => {
    const { ended } = await backUp({
      'Send copy from host': failure(ERROR_NAMES.HostCommandFailed, 'curl said no.'),
      'Complete backup': failure(ERROR_NAMES.PreconditionFailed, 'The bucket is gone.'),
    });
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: 'HostCommandFailed',
      cause: expect.stringMatching(/curl said no\..*could not be removed from the bucket: The bucket is gone\.$/s),
    });
  });

  it('that fails while its copy stays on the host and its parts in the bucket tells all of it', async () => {
    const { ended } = await backUp({
      'Send copy from host': failure(ERROR_NAMES.HostCommandFailed, 'curl said no.'),
      'Discard copy on host': failure(ERROR_NAMES.HostCommandFailed, 'rm said no.'),
      'Complete backup': failure(ERROR_NAMES.PreconditionFailed, 'The bucket is gone.'),
    });
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: 'HostCommandFailed',
      cause: expect.stringMatching(/curl said no\..*The bucket is gone\. The copy on the host .*rm said no\.$/s),
    });
  });

  it('that fails after its copy was sent says so, and removes no backup', async () => {
    const { ended, calls } = await backUp({
      'Complete backup': failure(ERROR_NAMES.PreconditionFailed, 'No such key.'),
    });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'PreconditionFailed', cause: 'No such key.' });
    expect(calls.map(({ step }) => step)).not.toContain('Remove expired backups');
  });
});
