import { describe, expect, it } from 'vitest';
import { explainChanges } from '../../core/member-replacement/explain-changes.ts';
import { failure, RUNNING } from './execute.ts';
import {
  assessmentOf,
  callsOf,
  changesOf,
  HOSTS,
  hostOf,
  plannedOf,
  planOf,
  replaceMember,
  SERVICE,
  together,
} from './replacement-scene.ts';

const node2 = changesOf('node2');
const node3 = changesOf('node3');
const BROKEN = failure('UnsafeToProceed', 'CORRUPT is raised.');
const TOLD = { status: 'FAILED', error: 'UnsafeToProceed', cause: 'CORRUPT is raised.' };
const RUN_AGAIN = {
  ...TOLD,
  cause: expect.stringMatching(/^(node\d: )?CORRUPT is raised\. The services that were stopped run again\.$/),
};
const UNDO = 'Is there a service to start again?';
const STOP = 'Stop with the error';
const NO_DISK = failure('HostCommandFailed', 'The disk is gone.');
const TIMED_OUT = failure('Sandbox.Timedout', 'Task timed out');
describe('an error after a service was to be stopped, and before the member was removed,', () => {
  const cases: [string, Record<string, unknown>][] = [
    ['Stop service', { 'Stop service': BROKEN }],
    ['Stop service', { 'Stop service': [RUNNING, BROKEN] }],
    ['Choose next change', { 'Choose next change': [node3.stop, BROKEN] }],
    ['Remove member', { 'Remove member': BROKEN }],
  ];

  it.each(cases)('in "%s" starts the service again that ran', async (_, answers) => {
    const executed = await replaceMember(answers);
    expect(callsOf(executed, 'Start services again')).toMatchObject([
      { command: 'control-service', host: hostOf('node3'), parameters: plannedOf('node3').start },
    ]);
    expect(executed.visited.slice(-3)).toEqual([UNDO, 'Start services again', STOP]);
    expect(executed.ended).toMatchObject(RUN_AGAIN);
  });

  it.each(cases)('in "%s" starts none that did not run', async (_, answers) => {
    const executed = await replaceMember({
      'Plan replacement': planOf([plannedOf('node3', { wasActive: false })]),
      ...answers,
    });
    expect(executed.visited.slice(-2)).toEqual([UNDO, STOP]);
    expect(executed.ended).toMatchObject({ ...TOLD, cause: expect.stringMatching(/^(node3: )?CORRUPT is raised\.$/) });
  });

  it('starts the unit that was planned', async () => {
    const executed = await replaceMember({
      'Plan replacement': planOf([plannedOf('node3', { start: { ...plannedOf('node3').start, unit: 'etcd@orders' } })]),
      'Remove member': BROKEN,
    });
    expect(callsOf(executed, 'Start services again')).toMatchObject([
      { parameters: { unit: 'etcd@orders', action: 'start' } },
    ]);
  });

  it('waits for a long start', async () => {
    const executed = await replaceMember({
      'Remove member': BROKEN,
      'Start services again': [RUNNING, RUNNING, SERVICE],
    });
    expect(executed.waitsMs).toEqual([5_000, 6_000]);
    expect(executed.ended).toMatchObject(RUN_AGAIN);
  });

  it('keeps its name and its message when the start fails as well, or nobody knows, and says so', async () => {
    const failed = await replaceMember({ 'Remove member': BROKEN, 'Start services again': NO_DISK });
    expect(failed.ended).toMatchObject({
      ...TOLD,
      cause: 'CORRUPT is raised. Not every service that was stopped runs again: node3: The disk is gone.',
    });
    const noAnswer = failure('AwsUnavailable', 'SSM does not answer.');
    const unknown = await replaceMember({ 'Remove member': BROKEN, 'Start services again': noAnswer });
    expect(unknown.ended).toMatchObject({
      ...TOLD,
      cause: 'CORRUPT is raised. It is not known whether the services that were stopped run again.',
    });
  });
});

describe('an error after the member has left', () => {
  it('starts nothing, though the answer to the removal was lost', async () => {
    const executed = await replaceMember({
      'Remove member': [TIMED_OUT, { changed: false, member: '', id: '' }],
      'Move data aside': BROKEN,
    });
    expect(callsOf(executed, 'Remove member')).toHaveLength(2);
    expect(executed.visited.slice(-2)).toEqual([UNDO, STOP]);
    expect(executed.ended).toMatchObject({ ...TOLD, cause: 'node3: CORRUPT is raised.' });
  });

  it.each([
    ['in the addition itself', { 'Choose next change': [node3.stop, node3.archive, node3.add], 'Add member': BROKEN }],
    ['after the addition', { 'Choose next change': [node3.stop, node3.archive, node3.add, BROKEN] }],
  ])('starts nothing, though it was somebody else who removed it: %s', async (_, answers) => {
    const executed = await replaceMember(answers);
    expect(callsOf(executed, 'Add member')).toHaveLength(1);
    expect(executed.visited.slice(-2)).toEqual([UNDO, STOP]);
    expect(executed.ended).toMatchObject(TOLD);
  });
});

it('an error says what was changed before it, and how the cluster stands', async () => {
  const { ended, calls } = await replaceMember({
    'Move data aside': failure('PreconditionFailed', "The data dir holds what is not etcd's."),
    'Explain what was changed': explainChanges,
  });
  expect(calls.at(-1)?.step).toBe('Explain what was changed');
  expect(ended).toMatchObject({
    error: 'PreconditionFailed',
    cause:
      "node3: The data dir holds what is not etcd's.\n" +
      `Before this: the service etcd on ${hostOf('node3')} was stopped; node3 (a3) was removed from etcd.\n` +
      'Now node3 was removed from etcd and is not back: two voters are left (node1, node2), and each is needed: one more failure stops the ' +
      'cluster. Correct what is said above, and start again soon: the next execution goes on from here.',
  });
});

it('an error says that the membership was written where the service then did not start, and what it was before', async () => {
  const written = { file: '/etc/etcd/etcd.yaml', copy: '/etc/etcd/etcd.yaml.run-1', changed: true };
  const { ended } = await replaceMember({
    'Write membership and start': failure('HostCommandFailed', 'The unit etcd is failed.', written),
    'Explain what was changed': explainChanges,
  });
  expect(ended).toMatchObject({
    error: 'HostCommandFailed',
    cause: expect.stringMatching(
      /^node3: The unit etcd is failed\.\nBefore this: .* was added to etcd as a learner; the membership was written into \/etc\/etcd\/etcd\.yaml on \S+ \(as it was before: \/etc\/etcd\/etcd\.yaml\.run-1\)\.\nNow node3 is a learner, and no voter yet: /,
    ),
  });
});

it('an error that cannot be told so is raised all the same', async () => {
  const { ended } = await replaceMember({ 'Move data aside': BROKEN, 'Explain what was changed': NO_DISK });
  expect(ended).toMatchObject({ ...TOLD, cause: 'node3: CORRUPT is raised.' });
});

describe('an error of two members', () => {
  const bothOf = (node2WasActive: boolean) => ({
    'Assess members': assessmentOf(['node2', 'node3']),
    'Plan replacement': planOf([plannedOf('node2', { wasActive: node2WasActive }), plannedOf('node3')]),
  });
  const both = bothOf(true);
  const stopped = { ...both, 'Choose next change': [together(node2.stop, node3.stop), BROKEN] };
  const REMOVED = [
    { changed: true, member: 'node2', id: 'a2' },
    { changed: true, member: 'node3', id: 'a3' },
  ];

  it.each([
    ['both did', true, [HOSTS.node2, HOSTS.node3]],
    ['one did', false, [HOSTS.node3]],
  ])('starts each again that ran: %s', async (_, node2WasActive, hosts) => {
    const executed = await replaceMember({ ...stopped, ...bothOf(node2WasActive) });
    const started = callsOf(executed, 'Start services again').map((input) => Object(input).host);
    expect(started.toSorted()).toEqual(hosts);
    expect(executed.ended).toMatchObject(RUN_AGAIN);
  });

  it('starts one again, although the other one cannot be', async () => {
    const executed = await replaceMember({
      ...stopped,
      'Start services again': ({ host }: { host: string }) => (host === HOSTS.node2 ? NO_DISK : SERVICE),
    });
    expect(callsOf(executed, 'Start services again')).toHaveLength(2);
    expect(executed.ended).toMatchObject({
      ...TOLD,
      cause: 'CORRUPT is raised. Not every service that was stopped runs again: node2: The disk is gone.',
    });
  });

  it('names both where neither can be started again', async () => {
    const { ended } = await replaceMember({ ...stopped, 'Start services again': NO_DISK });
    expect(ended).toMatchObject({
      ...TOLD,
      cause:
        'CORRUPT is raised. Not every service that was stopped runs again: ' +
        'node2: The disk is gone.\nnode3: The disk is gone.',
    });
  });

  it('starts each again that was to be stopped, although one stop has failed', async () => {
    const executed = await replaceMember({
      ...both,
      'Choose next change': [together(node2.stop, node3.stop)],
      'Stop service': ({ host }: { host: string }) => (host === HOSTS.node2 ? BROKEN : SERVICE),
    });
    expect(callsOf(executed, 'Start services again')).toMatchObject([{ host: HOSTS.node2 }, { host: HOSTS.node3 }]);
    expect(executed.ended).toMatchObject(RUN_AGAIN);
    expect(callsOf(executed, 'Explain what was changed')).toMatchObject([
      { changes: [{ action: 'StopService', member: 'node3', host: HOSTS.node3 }] },
    ]);
  });

  it('starts the one that is still a member, and not the one that is removed already', async () => {
    const executed = await replaceMember({
      ...both,
      'Choose next change': [together(node2.stop, node3.stop), node2.remove, node3.remove],
      'Remove member': [REMOVED[0], BROKEN],
    });
    expect(callsOf(executed, 'Start services again')).toMatchObject([{ host: HOSTS.node3 }]);
    expect(executed.ended).toMatchObject(RUN_AGAIN);
  });

  it('starts neither once both are removed', async () => {
    const executed = await replaceMember({
      ...both,
      'Choose next change': [together(node2.stop, node3.stop), node2.remove, node3.remove, BROKEN],
      'Remove member': REMOVED,
    });
    expect(executed.visited.slice(-2)).toEqual([UNDO, STOP]);
    expect(executed.ended).toMatchObject(TOLD);
  });

  it('starts neither where the answer to the first removal was lost, and the next try removed the other one', async () => {
    const executed = await replaceMember({
      ...both,
      'Choose next change': [together(node2.stop, node3.stop), node2.remove, BROKEN],
      'Remove member': [TIMED_OUT, REMOVED[1]],
    });
    expect(callsOf(executed, 'Remove member')).toHaveLength(2);
    expect(executed.visited.slice(-2)).toEqual([UNDO, STOP]);
    expect(executed.ended).toMatchObject(TOLD);
  });
});
