import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { BROKEN, configured, files, LOST, RUN_AGAIN, SWAPPED, UNSAFE } from './recovery-causes.ts';
import { actionOf, except, MEMBERS, membersOf, recover, SALVAGING, SERVICES } from './recovery-scene.ts';
import { callsOf, hostOf, SERVICE } from './replacement-scene.ts';

const UNCHANGED = 'The data of no member was changed.';

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
