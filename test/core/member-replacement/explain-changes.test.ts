import { describe, expect, it } from 'vitest';
import { type ExplainChanges, explainChangesInput } from '../../../core/member-replacement/contracts.ts';
import { explainChanges } from '../../../core/member-replacement/explain-changes.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterOf, configured } from '../observations.ts';

const NAMES = ['node1', 'node2', 'node3', 'node4', 'node5'];
const at = { host: 'i-3' };
const STOP = { action: 'StopService', member: 'node3', ...at, result: { activeState: 'inactive' } };
const REMOVE = { action: 'RemoveMember', member: 'node3', id: 'a3' };
const ARCHIVE = {
  action: 'ArchiveDataDir',
  member: 'node3',
  ...at,
  result: { dataDir: '/data.old', walDir: '/wal.old' },
};
const ADD = { action: 'AddMember', member: 'node3', id: '' };
const written = { file: '/etc/etcd.yaml', copy: '/etc/etcd.yaml.old', changed: true };
/** The membership was written, and the service did not start. */
const WRITE = { action: 'JoinCluster', member: 'node3', ...at, result: written };
const JOIN = { ...WRITE, result: { ...written, activeState: 'active' } };
const PROMOTE = { action: 'PromoteMember', member: 'node3', id: 'b3' };
const AGAIN = ' Correct what is said above, and start again soon: the next execution goes on from here.';
const FRAGILE = 'two voters are left (node1, node2), and each is needed: one more failure stops the cluster.';

function explained(
  changes: object[],
  { members = 3, cause = 'The disk is full.', ...more }: { members?: number; cause?: string; asLearner?: boolean } = {},
) {
  const target = {
    member: 'node3',
    ...{
      host: 'i-3',
      removeIds: ['a3'],
      prepare: true,
      asLearner: true,
      staysLearner: false,
      wasActive: true,
      start: { unit: 'etcd15000' },
      peerUrls: [],
    },
    ...more,
  };
  const cluster = clusterOf(NAMES.slice(0, members).map((name) => configured(name)));
  const input: ExplainChanges = parse(
    explainChangesInput,
    { error: 'HostCommandFailed', cause, cluster, targets: [target], changes },
    'An error',
  );
  return explainChanges(input);
}

const linesOf = (...of: Parameters<typeof explained>) => explained(...of).cause.split('\n');

describe('an error that stops a replacement', () => {
  it('is what it is where nothing was changed', () => {
    expect(linesOf([])).toEqual(['The disk is full.']);
  });

  it.each<[string, object[], string, string]>([
    [
      'a service was stopped',
      [STOP],
      'the service etcd15000 on i-3 was stopped',
      'Now node3 is still a member, with its data in its place. Start again: the next execution goes on from here.',
    ],
    [
      'a member was removed',
      [STOP, REMOVE],
      'the service etcd15000 on i-3 was stopped; node3 (a3) was removed from etcd',
      `Now node3 was removed from etcd and is not back: ${FRAGILE}${AGAIN}`,
    ],
    [
      'its data was moved aside, and the answer to its removal was lost',
      [STOP, ARCHIVE],
      'the service etcd15000 on i-3 was stopped; its data on i-3 was moved aside, to /data.old and /wal.old, where it is kept',
      `Now node3 was removed from etcd and is not back: ${FRAGILE}${AGAIN}`,
    ],
    [
      'it was added as a learner',
      [REMOVE, ADD, WRITE],
      'node3 (a3) was removed from etcd; node3 was added to etcd as a learner; the membership was written into /etc/etcd.yaml on i-3 (as it was before: /etc/etcd.yaml.old)',
      `Now node3 is a learner, and no voter yet: ${FRAGILE}${AGAIN}`,
    ],
    [
      'all was done',
      [REMOVE, ADD, JOIN, PROMOTE],
      'node3 (a3) was removed from etcd; node3 was added to etcd as a learner; the membership was written into /etc/etcd.yaml on i-3 (as it was before: /etc/etcd.yaml.old); the service etcd15000 there was started; node3 was made a voter',
      "Now every member is in etcd's list. Start again: the next execution goes on from here.",
    ],
  ])('says what that was and how the cluster stands: %s', (_, changes, before, standing) => {
    expect(linesOf(changes)).toEqual(['The disk is full.', `Before this: ${before}.`, standing]);
  });

  it.each([
    ['not told its membership', [REMOVE, ADD], /^Now node3 is a member again, and its service is not known to run\./],
    ['not started', [REMOVE, ADD, WRITE], /^Now node3 is a member again, and its service is not known to run\./],
    ['started', [REMOVE, ADD, JOIN], /^Now every member is in etcd's list\./],
  ])('says of a voter that was %s how it stands', (_, changes, standing) => {
    expect(linesOf(changes, { asLearner: false }).at(-1)).toMatch(standing);
  });

  it('counts those that are left, and says nothing of need where one more may fail', () => {
    expect(linesOf([REMOVE], { members: 5 }).at(-1)).toBe(
      `Now node3 was removed from etcd and is not back: four voters are left (node1, node2, node4, node5).${AGAIN}`,
    );
  });

  it('has a summary of what was changed and how the cluster stands', () => {
    expect(explained([REMOVE])).toMatchObject({
      error: 'HostCommandFailed',
      summary: `Before HostCommandFailed: node3 (a3) was removed from etcd. Now node3 was removed from etcd and is not back: ${FRAGILE}`,
    });
    expect(explained([]).summary).toBe('Nothing was changed before.');
  });

  it('ends its own sentence first', () => {
    expect(linesOf([REMOVE], { cause: 'no space left on device' })[0]).toBe('no space left on device.');
  });
});
