import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import {
  actionOf,
  except,
  MEMBERS,
  membersOf,
  PLAN,
  recover,
  SALVAGING,
  SERVICES,
  STAGED,
  swapping,
  WRITTEN,
} from './recovery-scene.ts';
import { callsOf, hostOf, SERVICE } from './replacement-scene.ts';
import { LAYOUT } from './stacks.ts';

const BROKEN = failure('HostCommandFailed', 'The disk is gone.');
const UNSAFE = failure('UnsafeToProceed', 'Its data is newer.');
const FOUND = 'Every data dir is as it was found.';
const UNCHANGED = 'The data of no member was changed.';
const ALL_NEWER = MEMBERS.map((member) => `${member}: Its data is newer.`).join('\n');
const RUN_AGAIN = 'The services that ran before run again.';
const MOVED =
  'Before this the services were to be stopped, and restored data to be put in the place of what was there.';
const LOST = 'The quorum is still lost: no member takes writes. Correct what is said above, and start again.';

const SWAPPED = { dataDir: '/x', walDir: '', ...WRITTEN };

describe('an error before anything is stopped', () => {
  it.each(['Load cluster', 'Assess quorum', 'Choose recovery', 'Wait for quorum'])(
    'in "%s" leaves nothing behind',
    async (state) => {
      const executed = await recover({
        ...(state === 'Wait for quorum' && {
          'Choose recovery': actionOf('WaitForQuorum'),
        }),
        [state]: BROKEN,
      });
      expect(executed.calls.at(-1)?.step).toBe(state);
      expect(executed.ended).toMatchObject({
        status: 'FAILED',
        error: 'HostCommandFailed',
        cause: 'The disk is gone.',
      });
    },
  );

  it.each([
    ['Plan recovery', 'The disk is gone.'],
    ['Begin upload', 'The disk is gone.'],
    ['Send the snapshot', 'node1: The disk is gone.\nnode1: The disk is gone.'],
    ['Complete upload', 'The disk is gone.'],
    ['Restore on every host', MEMBERS.map((member) => `${member}: The disk is gone.`).join('\n')],
    ['Check for a quorum once more', 'The disk is gone.'],
  ])('in "%s" removes the scratch folders, and nothing else', async (state, cause) => {
    const executed = await recover({ [state]: BROKEN });
    expect(membersOf(executed, 'Discard scratch folders')).toEqual(MEMBERS);
    for (const other of ['Put restored data in place', 'Move all data back', 'Start services again']) {
      expect(executed.visited).not.toContain(other);
    }
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'HostCommandFailed',
      cause: `${cause}\n${UNCHANGED}\n${LOST}`,
    });
  });

  it('says which services run that were started', async () => {
    const launch = (...members: string[]) =>
      actionOf('Restart', { commands: SERVICES('start-without-waiting', members), mustStart: 2 });
    const failing = async (members: string[], broken: string[]) => {
      const { ended } = await recover({
        'Choose recovery': [launch(...members), SALVAGING],
        'Start what has data': except(SERVICE, Object.fromEntries(broken.map((member) => [member, BROKEN]))),
        'Plan recovery': UNSAFE,
      });
      return Object(ended).cause;
    };
    const run = `Its data is newer.\n${UNCHANGED}\nThe services that were started run on:`;
    expect(await failing(['node1', 'node3'], [])).toBe(`${run} node1, node3.\n${LOST}`);
    expect(await failing(['node1', 'node3'], ['node1'])).toBe(`${run} node3.\n${LOST}`);
    expect(await failing(['node1'], ['node1'])).toBe(`Its data is newer.\n${UNCHANGED}\n${LOST}`);
  });

  it('has its verdict at the end however much the hosts have to say, within what a cause may have', async () => {
    const long = failure('HostCommandFailed', 'x'.repeat(30_000));
    const { ended } = await recover({
      'Put restored data in place': long,
      'Move all data back': except({ reverted: true, setAside: '' }, { node1: long }),
    });
    const { cause } = Object(ended);
    expect(cause.length).toBeLessThan(3 * 2_100 + 2_000);
    expect(cause.endsWith(`\n${RUN_AGAIN}\n${configured([], MEMBERS)}\n${LOST}`)).toBe(true);
    const plan = await recover({ 'Plan recovery': failure('UnsafeToProceed', 'x'.repeat(40_000)) });
    expect(Object(plan.ended).cause).toHaveLength(32_000);
  });

  it('says where scratch folders are left', async () => {
    const { ended } = await recover({
      'Plan recovery': UNSAFE,
      'Discard scratch folders': except({ discarded: true }, { node3: BROKEN }),
    });
    expect(ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: `Its data is newer.\n${UNCHANGED}\nScratch folders are left, which hold copies of the data:\nnode3: The disk is gone.\n${LOST}`,
    });
  });
});

const files = (members: readonly string[]) =>
  members
    .map((member) => `${hostOf(member)}: ${LAYOUT.configFile} (as it was before: ${LAYOUT.configFile}.copy)`)
    .join('; ');

/** What is told of the hosts whose configuration is another one now. */
const configured = (written: readonly string[], unsure: readonly string[] = []) =>
  [
    written.length > 0 &&
      `The configuration of etcd is NOT as it was found. The membership was written into ${files(written)}.`,
    unsure.length > 0 &&
      `It is not known whether the membership was written into ${unsure
        .map(
          (member) => `${hostOf(member)}: ${LAYOUT.configFile} (if it was, the original is ${LAYOUT.configFile}.run-1)`,
        )
        .join('; ')}.`,
    'A member that has its data does not read the membership, and starts as before. To have a file as it was, move the original over it.',
  ]
    .filter(Boolean)
    .join(' ');

describe('an error while data is moved, and before the first start', () => {
  it('moves everything back, starts again what ran, and removes the scratch folders, in this order', async () => {
    const executed = await recover({ 'Put restored data in place': except(SWAPPED, { node3: BROKEN }) });
    expect(membersOf(executed, 'Put restored data in place')).toEqual(MEMBERS);
    expect(membersOf(executed, 'Move all data back')).toEqual(MEMBERS);
    expect(callsOf(executed, 'Move all data back')).toMatchObject(
      MEMBERS.map(() => ({ command: 'revert-data-dir', parameters: PLAN.commands.revert[0]?.parameters })),
    );
    expect(membersOf(executed, 'Start services again')).toEqual(['node2']);
    expect(membersOf(executed, 'Discard scratch folders')).toEqual(MEMBERS);
    const order = executed.calls.map(({ step }) => step);
    expect(order.indexOf('Start services again')).toBeGreaterThan(order.lastIndexOf('Move all data back'));
    expect(order.indexOf('Discard scratch folders')).toBeGreaterThan(order.lastIndexOf('Start services again'));
    expect(executed.visited).not.toContain('Start all services');
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'HostCommandFailed',
      cause: `node3: The disk is gone.\n${MOVED}\n${FOUND}\n${RUN_AGAIN}\n${configured(['node1', 'node2'], ['node3'])}\n${LOST}`,
    });
  });

  const unwritten = { ...SWAPPED, copy: '', changed: false };
  it.each<[string, unknown, string]>([
    ['written on all but one that refused', except(SWAPPED, { node2: UNSAFE }), `${configured(['node1', 'node3'])}\n`],
    [
      'as it has to be on all but one, which cannot say',
      except(unwritten, { node2: BROKEN }),
      `${configured([], ['node2'])}\n`,
    ],
    ['as it has to be on all but one, which refused', except(unwritten, { node2: UNSAFE }), ''],
    ['Run Command which did not answer', failure('AwsUnavailable', 'SSM is away.'), `${configured([], MEMBERS)}\n`],
  ])('says where the configuration of etcd is another one now: it was %s', async (_, answer, files) => {
    const { ended } = await recover({ 'Put restored data in place': answer });
    expect(Object(ended).cause.endsWith(`\n${FOUND}\n${RUN_AGAIN}\n${files}${LOST}`)).toBe(true);
  });

  it('says nothing of the configuration of a member that was only to be stopped', async () => {
    const swap = [...swapping('swap', ['node1', 'node2']), ...swapping('leave', ['node3'])];
    const { ended } = await recover({
      'Plan recovery': { ...PLAN, commands: { ...PLAN.commands, swap } },
      'Put restored data in place': except(unwritten, { node3: BROKEN }),
    });
    expect(Object(ended).cause).toBe(`node3: The disk is gone.\n${MOVED}\n${FOUND}\n${RUN_AGAIN}\n${LOST}`);
  });

  it('discards what was staged by then, and nothing where nothing was', async () => {
    const { key, uploadId } = STAGED;
    for (const state of ['Send the snapshot', 'Restore on every host', 'Put restored data in place']) {
      const uploaded = await recover({ [state]: BROKEN });
      expect(callsOf(uploaded, 'Discard upload')).toEqual([{ action: 'Discard', key, uploadId }]);
    }
    const begun = await recover({ 'Begin upload': BROKEN });
    expect(begun.visited).not.toContain('Discard upload');
  });

  it('keeps its name and its message whatever becomes of the rest', async () => {
    const executed = await recover({
      'Put restored data in place': UNSAFE,
      'Start services again': BROKEN,
      'Discard scratch folders': BROKEN,
      'Discard upload': BROKEN,
    });
    expect(executed.ended).toMatchObject({
      status: 'FAILED',
      error: 'UnsafeToProceed',
      cause: [
        ALL_NEWER,
        MOVED,
        FOUND,
        'Not every service that ran before runs again:',
        'node2: The disk is gone.',
        'Scratch folders are left, which hold copies of the data:',
        ...MEMBERS.map((member) => `${member}: The disk is gone.`),
        LOST,
      ].join('\n'),
    });
  });

  it('says nothing of services where none ran', async () => {
    const commands = { ...PLAN.commands, startAgain: [] };
    const executed = await recover({ 'Plan recovery': { ...PLAN, commands }, 'Put restored data in place': UNSAFE });
    expect(membersOf(executed, 'Start services again')).toEqual([]);
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: `${ALL_NEWER}\n${MOVED}\n${FOUND}\n${LOST}`,
    });
  });

  it('that is told by two hosts has the name of the first, and the words of both', async () => {
    const { ended } = await recover({
      'Put restored data in place': except(unwritten, { node1: UNSAFE, node3: BROKEN }),
    });
    expect(ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: `node1: Its data is newer.\nnode3: The disk is gone.\n${MOVED}\n${FOUND}\n${RUN_AGAIN}\n${configured([], ['node3'])}\n${LOST}`,
    });
  });

  describe('with a host on which it cannot be moved back', () => {
    const undo = (member: string) =>
      recover({
        'Put restored data in place': UNSAFE,
        'Move all data back': except({ reverted: true, setAside: '' }, { [member]: BROKEN }),
      });

    it('moves it back on the others', async () => {
      expect(membersOf(await undo('node1'), 'Move all data back')).toEqual(MEMBERS);
    });

    it('starts nothing there, and what ran elsewhere', async () => {
      expect(membersOf(await undo('node1'), 'Start services again')).toEqual(['node2']);
      expect(membersOf(await undo('node2'), 'Start services again')).toEqual([]);
    });

    it('keeps every scratch folder, for they say to the next execution that not all were placed', async () => {
      const executed = await undo('node1');
      expect(executed.visited).not.toContain('Discard scratch folders');
      expect(executed.ended).toMatchObject({
        error: 'UnsafeToProceed',
        cause: [
          ...MEMBERS.map((each) => `${each}: Its data is newer.`),
          MOVED,
          'NOT every data dir is as it was found. Start no etcd on these hosts, and start this runbook again: it moves back what is left.',
          'node1: The disk is gone.',
          RUN_AGAIN,
          LOST,
        ].join('\n'),
      });
    });
  });
});

describe('a phase of the way back that Run Command does not answer for', () => {
  const NO_ANSWER = failure('AwsUnavailable', 'SSM does not answer.');

  it('while data moves back starts nothing, and keeps every scratch folder', async () => {
    const executed = await recover({ 'Put restored data in place': UNSAFE, 'Move all data back': NO_ANSWER });
    for (const other of ['Start services again', 'Discard scratch folders']) {
      expect(membersOf(executed, other)).toEqual([]);
    }
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: expect.stringContaining('It is not known which data dirs are as they were found. Start no etcd'),
    });
  });

  it('says what is not known, and goes on', async () => {
    const executed = await recover({
      'Put restored data in place': UNSAFE,
      'Start services again': NO_ANSWER,
      'Discard scratch folders': NO_ANSWER,
    });
    expect(executed.visited).toContain('Discard upload');
    expect(executed.ended).toMatchObject({
      error: 'UnsafeToProceed',
      cause: [
        ...[ALL_NEWER, MOVED, FOUND],
        'It is not known which of the services that ran before run again.',
        'It is not known whether scratch folders are left, which hold copies of the data.',
        LOST,
      ].join('\n'),
    });
  });
});

describe('an error once members may have been started', () => {
  it('is one as well where members that were restored do not settle: none of them may stay away', async () => {
    const executed = await recover({ 'Verify recovery': failure('EtcdUnavailable', 'node3 does not answer.') });
    expect(callsOf(executed, 'Verify recovery').map((input) => Object(input).required)).toEqual(
      Array.from({ length: 13 }, () => MEMBERS),
    );
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'EtcdUnavailable' });
  });

  it.each([
    ['Start all services', 'node1: The disk is gone.\nnode2: The disk is gone.\nnode3: The disk is gone.'],
    ['Verify recovery', 'The disk is gone.'],
    ['Compare hashes', 'The disk is gone.'],
    ['Prove writes on every member', 'The disk is gone.'],
  ])('in "%s" keeps what is in place and what lies aside, and says where', async (state, cause) => {
    const executed = await recover({ [state]: BROKEN });
    for (const other of ['Move all data back', 'Start services again', 'Discard scratch folders', 'Discard upload']) {
      expect(executed.visited).not.toContain(other);
    }
    const aside = MEMBERS.map((member) => `${member} /var/lib/etcd.${hostOf(member)}`).join(', ');
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
    expect(Object(executed.ended).cause).toBe(
      `${cause}\nThe restored data stays in place, for members may have started with it. Look at the services and their logs, correct what they say, ` +
        `and start again: the next execution starts what is in place. The data that was there before is kept: ${aside}. The membership was ` +
        `written into the configuration of etcd: ${files(MEMBERS)}.`,
    );
  });

  it('where one host cannot say that it keeps the data, or does not start, asks all others for it; nobody forgets it', async () => {
    const executed = await recover({ 'Start all services': except(SERVICE, { node2: BROKEN }) });
    expect(membersOf(executed, 'Start all services')).toEqual(MEMBERS);
    expect(membersOf(executed, 'Clear the recovery marks')).toEqual([]);
    expect(executed.ended).toMatchObject({ status: 'FAILED', error: 'HostCommandFailed' });
    expect(Object(executed.ended).cause).toMatch(
      /^node2: The disk is gone\.\nThe restored data stays in place, for members may have started with it/,
    );
  });

  it('names a WAL dir of its own as well, and no host that had no data', async () => {
    const { ended } = await recover({
      'Put restored data in place': except(
        { ...SWAPPED, dataDir: '', walDir: '' },
        { node1: { ...SWAPPED, dataDir: '/old', walDir: '/old-wal' } },
      ),
      'Start all services': BROKEN,
    });
    expect(Object(ended).cause).toContain('is kept: node1 /old and /old-wal. The');
  });

  it('says so where no host had any', async () => {
    const { ended } = await recover({
      'Put restored data in place': { ...SWAPPED, dataDir: '', walDir: '' },
      'Start all services': BROKEN,
    });
    expect(Object(ended).cause).toContain('is kept: no host had any. The');
  });
});
