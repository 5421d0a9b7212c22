import { describe, expect, it } from 'vitest';
import type { ExplainChanges } from '../../core/member-replacement/contracts.ts';
import { explainChanges } from '../../core/member-replacement/explain-changes.ts';
import { ExecutionError } from '../../local/asl/errors.ts';
import { failure, RUNNING } from './execute.ts';
import { changesOf, hostOf, INSPECTION, inspectionOf, replaceMember, replaceOf } from './replacement-scene.ts';

const node3 = changesOf('node3');
const BROKEN = failure('UnsafeToProceed', 'CORRUPT is raised.');
const TOLD = { status: 'FAILED', error: 'UnsafeToProceed', cause: 'CORRUPT is raised.' };
/** The cause of an error that a command on node3's host has ended with. */
const onNode3 = (state: string) => (ON_HOSTS.includes(state) ? `node3: ${TOLD.cause}` : TOLD.cause);
const ON_HOSTS = ['Inspect hosts', 'Stop service', 'Move data aside', 'Write membership and start'];

describe('an error before the first change', () => {
  it.each([
    ['Load cluster', {}],
    ['Assess members', {}],
    ['Inspect hosts', {}],
    ['Inspect hosts', { 'Inspect hosts': [RUNNING, BROKEN] }],
    ['Plan replacement', {}],
    ['Choose next change', {}],
  ])('in "%s" ends the execution under its own name, and no service is started', async (state, answers) => {
    const { ended, calls, visited } = await replaceMember({ [state]: BROKEN, ...answers });
    expect(ended).toMatchObject({ ...TOLD, cause: onNode3(state) });
    expect(calls.at(-1)?.step).toBe(state);
    expect(visited.at(-1)).toBe('Stop with the error');
    expect(visited).not.toContain('Start services again');
  });

  it.each(['', 'The task timed out.', '{"StatusCode":500}', '{"errorType":"Error","errorMessage":"cut o'])(
    'keeps a cause that is not the whole error of a Lambda function: %s',
    async (cause) => {
      const { ended } = await replaceMember({ 'Inspect hosts': new ExecutionError('Lambda.Unheard', cause) });
      expect(ended).toMatchObject({ status: 'FAILED', error: 'Lambda.Unheard', cause });
    },
  );
});

describe('an error once the member is removed', () => {
  const changes = replaceOf('node3');
  const upTo = (count: number) => ({ 'Choose next change': [...changes.slice(0, count), BROKEN] });

  it.each([
    ['Choose next change', upTo(2)],
    ['Move data aside', { 'Move data aside': BROKEN }],
    ['Move data aside', { 'Move data aside': [RUNNING, BROKEN] }],
    ['Choose next change', upTo(3)],
    ['Add member', { 'Add member': BROKEN }],
    ['Write membership and start', { 'Write membership and start': BROKEN }],
    ['Write membership and start', { 'Write membership and start': [RUNNING, BROKEN] }],
    ['Wait for member', { 'Wait for member': BROKEN }],
    ['Promote member', { 'Promote member': BROKEN }],
    ['Choose next change', upTo(7)],
    ['Compare hashes', { 'Compare hashes': BROKEN }],
    ['Prove writes on every member', { 'Prove writes on every member': BROKEN }],
  ])(
    'in "%s" ends the execution under its own name, and the service that ran stays stopped',
    async (state, answers) => {
      const { ended, calls, visited } = await replaceMember(answers);
      expect(ended).toMatchObject({ ...TOLD, cause: onNode3(state) });
      expect(calls.filter(({ step }) => step !== 'Explain what was changed').at(-1)?.step).toBe(state);
      expect(visited).toContain('Remove member');
      expect(visited.slice(-2)).toEqual(['Is there a service to start again?', 'Stop with the error']);
    },
  );
});

describe('a member that does not join', () => {
  const giveUp = {
    'Choose next change': [...replaceOf('node3').slice(0, 6), node3.giveUp],
    'Inspect why it does not join': inspectionOf('node3', {
      activeState: 'activating',
      subState: 'auto-restart',
      result: 'exit-code',
    }),
  };

  it("is given up: the execution fails with the problem, the service's state and the end of its log", async () => {
    const { ended, calls, visited } = await replaceMember(giveUp);
    expect(calls.at(-2)).toMatchObject({
      step: 'Inspect why it does not join',
      input: { command: 'inspect-host', member: 'node3', host: hostOf('node3'), parameters: INSPECTION },
    });
    expect(visited.slice(-6)).toEqual([
      ...['Did this inspection fail?', 'The member does not join', 'Was anything changed?', 'Explain what was changed'],
      ...['Is there a service to start again?', 'Stop with the error'],
    ]);
    expect(ended).toMatchObject({
      status: 'FAILED',
      error: 'VerificationFailed',
      cause:
        `node3 was started and does not answer. Its service on ${hostOf('node3')} is activating (auto-restart, exit-code). ` +
        'Find out why: "journalctl -u etcd" there has the whole. The end of its log:\nnode3 starts\nnode3 panics',
    });
    const told = calls.at(-1)?.input as ExplainChanges;
    expect(told.changes.map(({ action }) => action)).toEqual([
      ...['StopService', 'RemoveMember', 'ArchiveDataDir', 'AddMember', 'JoinCluster'],
    ]);
    expect(explainChanges(told).cause).toMatch(
      /\nnode3 panics\.\nBefore this: .*; the service etcd there was started\.\nNow node3 is a learner, and no voter yet: two voters are left /,
    );
  });

  it.each([
    ['one line', ['node3 panics'], 'node3 panics'],
    ['nothing', [], ''],
    ['a lot', Array.from({ length: 40 }, (_, line) => `line ${line}`), '(line 3\\d\\n?){10}'],
  ])('may have logged %s', async (_, log, end) => {
    const inspection = { ...inspectionOf('node3'), log };
    const { ended } = await replaceMember({ ...giveUp, 'Inspect why it does not join': inspection });
    expect(ended).toMatchObject({ error: 'VerificationFailed' });
    expect(Object(ended).cause).toMatch(new RegExp(`The end of its log:\\n${end}$`));
  });

  it('is also given up when the look at it takes long', async () => {
    const { ended, waitsMs } = await replaceMember({
      ...giveUp,
      'Inspect why it does not join': [RUNNING, RUNNING, inspectionOf('node3')],
    });
    expect(waitsMs).toEqual([5_000, 6_000]);
    expect(ended).toMatchObject({ error: 'VerificationFailed', cause: expect.stringContaining('node3 panics') });
  });

  it('is given up under the same name where its host cannot be looked at', async () => {
    const look = failure('HostUnreachable', 'The agent is gone.');
    const { ended } = await replaceMember({ ...giveUp, 'Inspect why it does not join': look });
    expect(ended).toMatchObject({
      error: 'VerificationFailed',
      cause: expect.stringMatching(/^node3 was started and does not answer\. Its host .* The agent is gone\.$/),
    });
  });
});
