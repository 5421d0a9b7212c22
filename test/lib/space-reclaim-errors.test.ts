import { describe, expect, it } from 'vitest';
import { ExecutionError } from '../../local/asl/errors.ts';
import { tasksOf } from './definitions.ts';
import { failure } from './execute.ts';
import { definition, execute } from './space-scene.ts';

const tasks = tasksOf(definition);

describe('an execution', () => {
  it.each(tasks.map(({ name }) => name).filter((name) => !/hosts|disk|keys/.test(name)))(
    'fails under the name and with the message of what "%s" threw',
    async (name) => {
      const next = [{ action: 'Choose' }, { action: 'Finish' }];
      const { ended, calls } = await execute({
        'Defragment member': next.map((each) => ({ defragmentations: [], next: each })),
        'Choose next defragmentation': { action: 'MoveLeadership', member: 'a', transferee: 'b' },
        'Move leadership': {},
        [name]: failure('UnsafeToProceed', 'CORRUPT is raised.'),
      });
      const isFirst = ['Load cluster', 'Assess space', 'Compact history'].includes(name);
      expect(ended).toMatchObject({
        status: 'FAILED',
        error: 'UnsafeToProceed',
        cause: isFirst
          ? 'CORRUPT is raised.'
          : expect.stringMatching(/^CORRUPT is raised\.\nBefore this: history was compacted up to revision 7/),
      });
      expect(calls.at(-1)?.step).toBe(name);
    },
  );

  it('says of an error what was changed before it', async () => {
    const { ended } = await execute({
      'Move leadership': {},
      'Defragment member': [
        {
          defragmentations: [{ member: 'b', dbSizeBytesBefore: 2, dbSizeBytesAfter: 1 }],
          next: { action: 'MoveLeadership', member: 'a', transferee: 'b' },
        },
        { defragmentations: [], next: { action: 'Finish' } },
      ],
      'Disarm alarms': { disarmed: [{ memberId: 'a1', alarm: 'NOSPACE' }] },
      'Prove writes on every member': failure('VerificationFailed', 'The database is full again.'),
    });
    expect(ended).toMatchObject({
      error: 'VerificationFailed',
      cause:
        'The database is full again.\nBefore this: history was compacted up to revision 7; b was defragmented; leadership was moved from a to b; ' +
        'NOSPACE was disarmed. Nothing of this has to be undone: the next execution goes on from here.',
    });
  });

  it.each(['', 'The task timed out.', '{"StatusCode":500}', '{"errorType":"Error","errorMessage":"cut o'])(
    'keeps a cause that is not the whole error of a Lambda function: %s',
    async (cause) => {
      const { ended } = await execute({ 'Assess space': new ExecutionError('Lambda.Unheard', cause) });
      expect(ended).toMatchObject({ status: 'FAILED', error: 'Lambda.Unheard', cause });
    },
  );

  it.each([
    ['a cluster in an election again until it has a leader', 'EtcdUnavailable'],
    ['again while an AWS API does not answer', 'AwsUnavailable'],
    ["again while Lambda makes an idle function's network interface anew", 'Lambda.ResourceNotReadyException'],
  ])('asks %s', async (_, error) => {
    const settling = Array.from({ length: 12 }, () => failure(error, 'Not yet.'));
    const { ended, calls } = await execute({
      'Defragment member': { defragmentations: [], next: { action: 'Choose' } },
      'Choose next defragmentation': [...settling, { action: 'Finish' }],
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Remediated' } });
    expect(calls.filter(({ step }) => step === 'Choose next defragmentation')).toHaveLength(13);
  });

  it.each([
    ['a cluster', 'EtcdUnavailable'],
    ['an AWS API', 'AwsUnavailable'],
    ['a network interface', 'Lambda.ENINotReadyException'],
  ])('gives %s up that does not settle', async (_, error) => {
    const { ended, calls } = await execute({ 'Assess space': failure(error, 'Not yet.') });
    expect(ended).toMatchObject({ status: 'FAILED', error, cause: 'Not yet.' });
    expect(calls.filter(({ step }) => step === 'Assess space')).toHaveLength(13);
  });
});
