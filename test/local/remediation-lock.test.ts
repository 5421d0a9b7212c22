import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statesOf } from '../lib/definitions.ts';
import { definitionOf, ENTRY, FLEET, synthesizeStacks } from '../lib/stacks.ts';
import { waitFor } from '../run/wait-for.ts';
import { type Course, type Remediations, remediations } from './remediations.ts';

/** Who has the lock, with a real database: when many start at once, and when one is stopped wherever it is. */

const APPROVAL = { 'quorum-lost': 'approval' } as const;

/** By state: a course on which an execution comes to it. */
const COURSES: Record<string, Course & { runbooks?: 'endless' | 'failing'; input?: object; held?: true }> = {
  'Load cluster': {},
  'Take the lock': {},
  'Who holds the lock?': { held: true },
  'Is the lock held?': { held: true },
  'Look at the holder': { held: true },
  'Is the holder running?': { held: true },
  'Take over the lock': { held: true },
  'Was the input wrong?': { fails: 'loading' },
  'Page that it could not begin': { fails: 'loading' },
  'Diagnose cluster': {},
  'Choose runbook': {},
  'Is there anything to do?': {},
  'Which runbook?': { finds: 'space-exceeded' },
  'Run space-reclaim': { finds: 'space-exceeded' },
  'Run auth-token-reset': { finds: 'auth-token-invalid' },
  'Run member-replacement': { finds: 'member-failed' },
  'Run member-repair': { finds: 'data-corrupt' },
  'Run quorum-recovery': { finds: 'quorum-lost' },
  'Did the runbook only plan?': { finds: 'space-exceeded' },
  'Record the round': { finds: 'space-exceeded' },
  'Was a dry run asked for?': { finds: 'quorum-lost', input: { dryRun: true } },
  'Record the plan': { finds: 'quorum-lost', input: { dryRun: true } },
  'Prepare the question': { finds: 'quorum-lost', policy: APPROVAL },
  'Page that an approval is wanted': { finds: 'quorum-lost', policy: APPROVAL },
  'Wait for an approval': { finds: 'quorum-lost', policy: APPROVAL },
  'Is it approved?': { finds: 'quorum-lost', policy: APPROVAL, answer: 'approve' },
  'Withdraw the question': { finds: 'quorum-lost', policy: APPROVAL, answer: 'approve' },
  'It was rejected': { finds: 'quorum-lost', policy: APPROVAL, answer: 'reject' },
  'Record the error': { fails: 'diagnosis' },
  'Had a runbook failed before?': { fails: 'diagnosis' },
  'Is a page needed?': { fails: 'diagnosis' },
  'May another incident have stopped it?': { finds: 'space-exceeded', runbooks: 'failing' },
  'Record the failure': { finds: 'space-exceeded', runbooks: 'failing' },
  'End with the error of the runbook': { finds: 'space-exceeded', runbooks: 'failing' },
  'Page that it has failed': { finds: 'space-exceeded', runbooks: 'failing' },
  'Note that a person was called': { finds: 'space-exceeded', runbooks: 'failing' },
  'Record the outcome': {},
  'Is anything still wrong?': {},
  'Forget that a person was called': {},
  'Was a person called before?': {},
  'Page that it is resolved': { finds: 'quorum-lost', policy: APPROVAL, answer: 'approve' },
  'Record how it ended': {},
  'Give the lock back': {},
  'Did an alarm come in meanwhile?': {},
  'How did it end?': {},
};
/** Each is an end, or without the lock; or takes minutes or hours; or a runbook that the deployment does not have. */
const NOT_STOPPED_AT = [
  ...[
    'Did an alarm start it?',
    'Pass the alarm on to the holder',
    'The lock is lost',
    'Start another one for it',
    'Page that no other one was started',
  ],
  ...['Already in progress', 'Stop with the error', 'Stop with the error that ended it'],
  ...[
    'Remediated',
    'Nothing to do',
    'Planned',
    'Is there time left to answer?',
    'Nobody has answered',
    'There is no such runbook',
  ],
];

const states = statesOf(definitionOf(synthesizeStacks(FLEET), ENTRY)).map(({ name }) => name);
const clusterOf = (state: string) => `at-${states.indexOf(state)}`;

it('is stopped at every state, but those that end it or take hours', () => {
  expect([...Object.keys(COURSES), ...NOT_STOPPED_AT].toSorted()).toEqual(states.toSorted());
});

describe('a remediation that is stopped as it comes to', () => {
  const scenes: Record<string, Remediations> = {};
  beforeAll(async () => {
    const courses = Object.fromEntries(Object.entries(COURSES).map(([state, course]) => [clusterOf(state), course]));
    for (const runbooks of ['done', 'failing'] as const) scenes[runbooks] = await remediations(courses, runbooks);
  });
  afterAll(async () => {
    for (const scene of Object.values(scenes)) await scene.close();
  });

  it.each(Object.entries(COURSES))('"%s" leaves the lock free for the next', async (state, course) => {
    const scene = scenes[course.runbooks ?? 'done'] as Remediations;
    const cluster = clusterOf(state);
    // Another one has it, which has ended without giving it back.
    const other = scene.start('another');
    await other.ended;
    if (course.held) await scene.putLock(cluster, other.arn);
    const stopped = scene.start(cluster, {
      input: course.input ?? {},
      onEnter: (entered) => entered === state && queueMicrotask(() => stopped.stop('Mine', 'Enough.')),
    });
    expect(await stopped.ended).toMatchObject({ status: 'ABORTED', error: 'Mine', cause: 'Enough.' });
    await scene.settled();
    expect((await scene.lockOf(cluster))?.owner).toEqual(course.held ? { S: other.arn } : undefined);

    let hasLock = false;
    const next = scene.start(cluster, {
      onEnter: (entered) => {
        if (entered !== 'Diagnose cluster') return;
        hasLock = true;
        queueMicrotask(() => next.stop('', ''));
      },
    });
    await next.ended;
    expect(hasLock || course.fails === 'loading').toBe(true);
    await scene.settled();
    expect(await scene.lockOf(cluster)).toBeUndefined();
  });
});

describe('50 remediations of a cluster that start at once', () => {
  let scene: Remediations;
  beforeAll(async () => {
    scene = await remediations({ one: { finds: 'space-exceeded' }, two: { finds: 'space-exceeded' } }, 'endless');
  });
  afterAll(() => scene?.close());

  it('are one, and 49 that name it; once it is stopped the next one has the lock', async () => {
    const started = Array.from({ length: 50 }, (_, by) => scene.start('one', { name: `run-${by}` }));
    const others = () => started.filter(({ result }) => result !== undefined);
    await waitFor(() => expect(others()).toHaveLength(49));
    const [winner] = started.filter(({ result }) => result === undefined);
    if (!winner) throw new Error('Nobody has the lock.');
    for (const { result } of others()) {
      expect(result).toMatchObject({
        status: 'SUCCEEDED',
        output: {
          outcome: 'AlreadyInProgress',
          cluster: 'one',
          holder: { execution: winner.arn, remediation: winner.name },
          summary: expect.stringContaining(`The remediation ${winner.name} has been at it since `),
        },
      });
    }
    expect(await scene.lockOf('one')).toMatchObject({ owner: { S: winner.arn } });

    winner.stop('', '');
    await winner.ended;
    await scene.settled();
    expect(await scene.lockOf('one')).toBeUndefined();
    const again = Array.from({ length: 50 }, (_, by) => scene.start('one', { name: `again-${by}` }));
    await waitFor(() => expect(again.filter(({ result }) => result)).toHaveLength(49));
    for (const execution of again) execution.stop('', '');
    await Promise.all(again.map(({ ended }) => ended));
  });

  it('keep no other cluster from being remediated', async () => {
    const [one, two] = [scene.start('one'), scene.start('two')];
    for (const cluster of ['one', 'two']) {
      await waitFor(async () => expect(await scene.lockOf(cluster)).toBeDefined());
    }
    for (const execution of [one, two]) {
      execution.stop('', '');
      await execution.ended;
    }
  });
});
