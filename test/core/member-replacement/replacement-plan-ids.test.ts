import { describe, expect, it } from 'vitest';
import type { ListedMember } from '../../../core/cluster/observation.ts';
import { configuration, configured, directory, failureOf, listed, silent, voter } from '../observations.ts';
import { EMPTY, MEMBERS, only, plan, withThird } from './plans.ts';

describe('the ID', () => {
  const unstarted = listed('node3', { id: 'b3', name: '' });
  const walDir = directory('/wal', { empty: true });
  const wal = (empty: boolean) => ({
    walDir: { ...walDir, empty },
    configuration: configuration('node3', { walDir: '/wal' }),
  });
  const withWal = [...MEMBERS.slice(0, 2), configured('node3', { layout: { walDir: '/wal' } })];

  it.each([
    ['is a new one where the member was added and has no data yet', unstarted, EMPTY, MEMBERS, ['b3']],
    ['is a new one where its wal dir is empty as well', unstarted, { ...EMPTY, ...wal(true) }, withWal, ['b3']],
    [
      'is a new one where it was added under several peer URLs',
      { ...unstarted, peerUrls: ['https://x:2380', 'https://node3:2380'] },
      EMPTY,
      MEMBERS,
      ['b3'],
    ],
    ['is a new one where there is old data', unstarted, {}, MEMBERS, ['b3']],
    ['is a new one where there is an old wal', unstarted, { ...EMPTY, ...wal(false) }, withWal, ['b3']],
    ['is a new one where the member has started before, and its data is gone', listed('node3'), EMPTY, MEMBERS, ['a3']],
    ['is a new one where the member was removed by hand', null, {}, MEMBERS, []],
  ])('%s', (_, entry, host, members, removeIds) => {
    const planned = only(plan(withThird(silent('node3'), entry), { members, inspections: { node3: host } }));
    expect(planned).toMatchObject({ removeIds, prepare: true });
  });

  it.each([
    ['and does not answer', silent('node3')],
    ['and follows no leader', voter('node3', { leaderId: '0' })],
  ])('is not touched where etcd lists the member at another peer URL, %s', (_, third) => {
    const entry = listed('node3', { peerUrls: ['https://old:2380', 'https://older:2380'] });
    expect(failureOf(() => plan(withThird(third, entry)))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining(
        '- etcd lists node3 at https://old:2380, https://older:2380, and clusters.json says https://node3:2380: the member was moved. ' +
          'Correct peerUrl in clusters.json.\n',
      ),
    });
  });

  it.each([
    ['spelled another way', ['https://NODE3:2380/']],
    ['beside another one', ['https://old:2380', 'https://node3:2380']],
  ])('is a new one where etcd lists the peer URL %s', (_, peerUrls) => {
    expect(only(plan(withThird(silent('node3'), listed('node3', { peerUrls })))).removeIds).toEqual(['a3']);
  });

  it.each<[string, ListedMember | null | undefined, string[]]>([
    ['is the one that was approved of', undefined, ['a3']],
    ['was approved of, and others too', undefined, ['b3', 'a3']],
    ['is gone since the approval', null, ['a3']],
    ['was gone when the plan was approved of', null, []],
  ])('does not hinder where it %s', (_, entry, removeOnly) => {
    const planned = only(plan(withThird(silent('node3'), entry), { removeOnly }));
    expect(planned.removeIds).toEqual(entry === null ? [] : ['a3']);
  });

  it.each<[string, ListedMember, string[], RegExp]>([
    [
      'another person or program added it since',
      unstarted,
      ['a3'],
      /^node3 is the member b3 in etcd's list now, which was added and has never started\. Only a3 may be removed: more was not approved\..*Nothing was changed/,
    ],
    [
      'what somebody else has added has run since',
      listed('node3', { id: 'b3' }),
      ['a3'],
      /^node3 is the member b3 in etcd's list now\. Only a3 may be removed/,
    ],
    [
      'it was not in the list when the plan was approved of',
      unstarted,
      [],
      /No member may be removed: more was not approved/,
    ],
  ])('that was not approved of is not removed: %s', (_, entry, removeOnly, message) => {
    expect(failureOf(() => plan(withThird(silent('node3'), entry), { removeOnly }))).toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringMatching(message),
    });
  });

  it('of a member that was removed and answers all the same is gone already', () => {
    expect(only(plan(withThird(voter('node3'), null))).removeIds).toEqual([]);
  });
});
