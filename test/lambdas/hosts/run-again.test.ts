import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runOnHosts } from '../../../lambdas/hosts/run.ts';
import { AwsError } from '../../../local/aws/aws-error.ts';
import { again, BOTH, heldScript, on, PATIENT, phaseOf, serveCounting } from './phases.ts';
import { HOST, linesIn, OTHER_HOST, SUCCEED } from './support.ts';

describe('a call that repeats another', () => {
  it('finds what that one has sent, also where it has ended', async () => {
    const sent = await serveCounting(SUCCEED);
    const phase = phaseOf();
    const first = await runOnHosts(phase, PATIENT);
    // Its answer was lost, or its function was killed.
    expect(await runOnHosts(again(phase), PATIENT)).toEqual(first);
    expect(sent).toMatchObject({ SendCommand: 1 });
  });

  it('finds what was sent although the answer to it was lost', async () => {
    const { starts, open, body } = await heldScript();
    const sent = await serveCounting(body, (operations) => ({
      'AmazonSSM.SendCommand': async (request) => {
        await operations['AmazonSSM.SendCommand']?.(request);
        throw new AwsError('InternalFailure', 'the answer is lost');
      },
    }));
    const phase = phaseOf();
    await expect(runOnHosts(phase, PATIENT)).rejects.toMatchObject({ name: 'AwsUnavailable' });
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(sent).toMatchObject({ SendCommand: 1 });
    expect(linesIn(starts)).toEqual(['etcd']);
  });

  it('finds it although Run Command lists it only a moment later', async () => {
    let lists = 0;
    const sent = await serveCounting(SUCCEED, (operations) => ({
      'AmazonSSM.ListCommands': (request) =>
        ++lists === 2 ? { Commands: [] } : operations['AmazonSSM.ListCommands']?.(request),
    }));
    const phase = phaseOf();
    await runOnHosts(phase, PATIENT);
    await runOnHosts(again(phase), PATIENT);
    expect(sent).toMatchObject({ SendCommand: 1, ListCommands: 3 });
  });

  it('sends only to those hosts to which that one has sent nothing', async () => {
    const { starts, open, body } = await heldScript();
    let refused = false;
    const refuse = () => {
      refused = true;
      throw new AwsError('ThrottlingException', 'too many');
    };
    await serveCounting(
      body,
      ({ 'AmazonSSM.SendCommand': send }) => ({
        'AmazonSSM.SendCommand': (request) =>
          Object(request).InstanceIds[0] === OTHER_HOST && !refused ? refuse() : send?.(request),
      }),
      BOTH,
    );
    const phase = phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]);
    // One is known to run, so that it is asked again for that reason.
    await expect(runOnHosts(phase, { ...PATIENT, endMs: 400 })).rejects.toThrow('has not ended on m1.');
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(linesIn(starts).toSorted()).toEqual(['a', 'b']);
  });

  it('takes nothing for its own that belongs to another phase', async () => {
    const sent = await serveCounting(SUCCEED);
    const phase = phaseOf();
    await runOnHosts(phase, PATIENT);
    await runOnHosts({ ...phase, visit: new Date(Date.parse(phase.visit) + 1).toISOString() }, PATIENT);
    expect(sent).toMatchObject({ SendCommand: 2 });
  });
});
