import { describe, expect, it } from 'vitest';
import type { AnsweringMember } from '../../../core/cluster/observation.ts';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { newerData } from '../../../core/hosts/newer-data.ts';
import { crashed, plan as planReplacement } from '../member-replacement/plans.ts';
import { directory, failureOf, inspection, voter } from '../observations.ts';
import { FIVE, log, plan, recoveryAction, refusalsOf, STATES, salvage } from './recoveries.ts';

/** Hosts that were rebooted after their data was lost, and whose etcd has begun anew by itself. */

type Host = Partial<HostInspection>;
const { killed, up, waiting, empty } = STATES;
const holding = (
  state: Host,
  holds: 'nothing' | 'entries' | 'unknown',
  commitIndex = '3',
  lastIndex = commitIndex,
  term = lastIndex === '' ? '' : '3',
) => ({
  ...state,
  raftLog: { holds, commitIndex, lastIndex, commitTerm: term, lastTerm: term },
});
const atWork = (answer: HostInspection['atWork']['answer']) => ({ atWork: { ...inspection('node1').atWork, answer } });
/** Its own data, up to index 4030. */
const whole = (state: Host = killed) => holding(state, 'entries', '4030', '4031');
const blank = (state: Host = waiting) => ({ ...holding(state, 'nothing'), ...atWork('no-leader') });
/** Of an empty cluster that was at work for a while. */
const young = (
  state: Host = killed,
  answer: HostInspection['atWork']['answer'] = 'no-leader',
  clientPortListens = true,
) => ({
  ...holding(state, 'entries', '60', '61'),
  atWork: { ...atWork(answer).atWork, clientPortListens },
});
/** The same, beyond the index of what was lost; and after many elections. */
const raised = (term: string) => holding(killed, 'entries', '5000', '5001', term);
const young90 = () => holding(killed, 'entries', '60', '61', '90');
/** It was elected, and had written one entry of its term when it was killed: nobody has agreed on that. */
const elected = () => ({
  ...killed,
  raftLog: { holds: 'entries' as const, commitIndex: '4030', lastIndex: '4032', commitTerm: '3', lastTerm: '4' },
});
const hostsOf = (...hosts: Host[]) => Object.fromEntries(hosts.map((host, index) => [`node${index + 1}`, host]));
const names = (count: number) => Array.from({ length: count }, (_, index) => `node${index + 1}`);
const members = (commands: { member: string }[]) => commands.map(({ member }) => member);

describe('a member that was started on an empty data dir', () => {
  it.each<[string, Host[], string, string[]]>([
    ['is none of a quorum', [whole(), blank(killed), empty], 'Salvage', ['node1', 'node2', 'node3']],
    ['makes none with another such', [whole(), blank(killed), blank(killed)], 'Salvage', ['node1', 'node2', 'node3']],
    ['is not started beside a quorum', [whole(), whole(), blank(killed)], 'Restart', ['node1', 'node2']],
    ['is stopped before a quorum is started', [whole(), whole(), blank()], 'Stop', ['node3']],
    ['is stopped before anything is restored', [whole(), blank(), empty], 'Stop', ['node2']],
    ['is stopped with each other such', [whole(), blank(), blank()], 'Stop', ['node2', 'node3']],
    ['is stopped before a quorum that runs is waited for', [whole(up), whole(up), blank()], 'Stop', ['node3']],
    [
      'is left alone where each is such: the cluster may only just have been begun',
      [blank(), blank(), blank()],
      'Salvage',
      names(3),
    ],
    ['is left alone where nothing lies on any other host', [blank(), blank(), empty], 'Salvage', names(3)],
    [
      'is stopped where a host that cannot be reached may hold data',
      [blank(), blank(), null as never],
      'Stop',
      ['node1', 'node2'],
    ],
    ['is stopped though it is frozen', [whole(), { ...blank(), ...frozen() }, empty], 'Stop', ['node2']],
    [
      'is left alone where it has a leader',
      [whole(), whole(), { ...blank(), ...atWork('leader') }],
      'Restart',
      ['node1', 'node2'],
    ],
    [
      'is stopped in a cluster of five, with both of two',
      [whole(), whole(), whole(), blank(), blank()],
      'Stop',
      ['node4', 'node5'],
    ],
    ['is none of five', [whole(), whole(), blank(killed), blank(killed), blank(killed)], 'Salvage', names(5)],
  ])('%s', (_, hosts, action, commanded) => {
    const chosen = recoveryAction({ hosts: hostsOf(...hosts), ...(hosts.length > 3 && { cluster: FIVE }) });
    expect({ action: chosen.action, commanded: members(chosen.commands) }).toEqual({ action, commanded });
    expect(chosen.summary).toContain('its log holds nothing but the first list of members');
    if (action !== 'Salvage') {
      expect(chosen.commands.flatMap((command) => refusalsOf('control-service', command))).toEqual([]);
    }
  });

  it('is only told of in a dry run', () => {
    const { action, summary } = recoveryAction({ hosts: hostsOf(whole(), whole(), blank()), dryRun: true });
    expect(action).toBe('Salvage');
    expect(summary).toContain('A real run first stops node3, which loses nothing.');
  });

  it('counts as one with data where nobody can tell what its log holds', () => {
    const { action, commands } = recoveryAction({ hosts: hostsOf(whole(), holding(killed, 'unknown', '', ''), empty) });
    expect({ action, started: members(commands) }).toEqual({ action: 'Restart', started: ['node1', 'node2'] });
  });
});

function frozen() {
  return { atWork: { ...inspection('node1').atWork, processState: 'T' } };
}

describe('an empty cluster that was at work', () => {
  it.each<[string, Host[], string, string[]]>([
    [
      'is no quorum, for one knows that a quorum had more',
      [whole(), young(), young()],
      'Salvage',
      ['node1', 'node2', 'node3'],
    ],
    ['is stopped where it has lost its leader', [whole(), young(waiting), young()], 'Stop', ['node2']],
    ['is stopped where it waits for one', [whole(), young(waiting, 'unknown', false), young()], 'Stop', ['node2']],
    ['is left alone where nobody can tell', [whole(), young(waiting, 'unknown'), young()], 'Salvage', names(3)],
    [
      'of one is taken for a member that was behind',
      [whole(), whole(), young()],
      'Restart',
      ['node1', 'node2', 'node3'],
    ],
    [
      'is not seen in a member that is behind beside an empty one: what that had may have made the quorum',
      [whole(), holding(killed, 'entries', '4029'), blank(killed)],
      'Restart',
      ['node1', 'node2'],
    ],
    [
      'is no quorum, though each look at it has made an entry: it is in an earlier term',
      [whole(), raised('2'), raised('2')],
      'Salvage',
      ['node1', 'node2', 'node3'],
    ],
    [
      'is no quorum, though it has elected again and again: it is at an earlier index',
      [whole(), young90(), young90()],
      'Salvage',
      ['node1', 'node2', 'node3'],
    ],
    [
      'cannot be told from the cluster in the same term and beyond its index',
      [whole(), raised('3'), raised('3')],
      'Restart',
      ['node1', 'node2', 'node3'],
    ],
    [
      'is not seen where only a leader of a moment has an entry of its term, which nobody else has',
      [elected(), whole(), whole()],
      'Restart',
      ['node1', 'node2', 'node3'],
    ],
    [
      'is not seen in logs of another cluster',
      [whole(), other(young()), other(young())],
      'Restart',
      ['node2', 'node3'],
    ],
  ])('%s', (_, hosts, action, commanded) => {
    const chosen = recoveryAction({ hosts: hostsOf(...hosts) });
    expect({ action: chosen.action, commanded: members(chosen.commands) }).toEqual({ action, commanded });
  });

  it('is not seen in a cluster that is at work, whose hosts were looked at one after the other', () => {
    const led = (index: string): Host => ({ ...holding(up, 'entries', index), ...atWork('leader') });
    const hosts = hostsOf(led('60'), led('70'), led('4030'));
    expect(recoveryAction({ hosts })).toMatchObject({ action: 'WaitForQuorum', commands: [] });
  });

  it('is for a person where it is at work still', () => {
    const led = young(up, 'leader');
    const { name, message } = failureOf(() => recoveryAction({ hosts: hostsOf(whole(), led, led) }));
    expect(name).toBe('UnsafeToProceed');
    expect(message).toMatch(
      /^node2, node3 run as a cluster that began empty:\n- node2: its log ends at index 61, and node1/,
    );
    expect(message).toContain('stop etcd on i-2, i-3, and start again');
  });
});

function other(host: Host): Host {
  return { ...host, clusterId: 'c2' };
}

describe('the plan of a recovery with such members', () => {
  const begun = salvage('replayed', 0, { totalKeys: 0, log: log(3), rawRevision: '0' });

  it('says of whom nothing is taken, and proves no bound of the loss by their logs', () => {
    const data = {
      node1: salvage('replayed', 4000, { log: log(4030, 4031) }),
      node2: begun,
      node3: salvage('none', 0),
    };
    const { winner, steps, loss } = plan({ hosts: hostsOf(whole(), blank(killed), empty), data });
    expect(winner).toMatchObject({ member: 'node1', revision: '4000' });
    expect(steps).toContainEqual(
      expect.stringMatching(/^leave unused what node2 holds, and move it aside: its log holds nothing/),
    );
    expect(loss.atMostWrites).toBeNull();
    expect(loss.explanation).toContain('node2 may have had such writes, and lost them with the data.');
  });

  it('is not made where an empty cluster is ahead: nobody can tell which data is wanted', () => {
    const data = { node1: salvage('replayed', 40), node2: salvage('replayed', 50), node3: salvage('replayed', 50) };
    const { name, message } = failureOf(() => plan({ hosts: hostsOf(whole(), young(), young()), data }));
    expect(name).toBe('PreconditionFailed');
    expect(message).toContain(
      '\n- node1 on i-1: revision 40\n- node2 on i-2: revision 50\n- node3 on i-3: revision 50\n',
    );
  });
});

describe('the data of a failed member', () => {
  const cluster = (raftCommittedIndex: string, clusterId = 'c1', more: Partial<AnsweringMember> = {}) => [
    voter('node1', { clusterId, raftCommittedIndex, ...more }),
  ];
  const inTerm = (raftTerm: string, raftCommittedIndex: string) => cluster(raftCommittedIndex, 'c1', { raftTerm });
  const host = (commitIndex: string, clusterId = 'c1', state: Host = killed, commitTerm = '3') => ({
    ...inspection('node3'),
    ...state,
    ...{ clusterId, dataDir: directory('/var/lib/etcd') },
    raftLog: { holds: 'entries' as const, commitIndex, lastIndex: '', commitTerm, lastTerm: '' },
  });

  it.each<[string, HostInspection, ReturnType<typeof cluster>, boolean]>([
    [
      'is newer where it runs without a leader',
      host('4030', 'c1', { ...up, ...atWork('no-leader') }),
      cluster('60'),
      true,
    ],
    [
      'is not where it has gone on under a leader',
      host('61', 'c1', { ...up, ...atWork('leader') }),
      cluster('60'),
      false,
    ],
    ['is not where nobody can tell whether it goes on', host('61', 'c1', young(up, 'silent')), cluster('60'), false],
    ['is newer than a cluster that has not come so far', host('4030'), cluster('60'), true],
    ['is not where it is behind', host('4030'), cluster('4031'), false],
    ['is not where it is level', host('4030'), cluster('4030'), false],
    ['is not where one member has come so far', host('4030'), [...cluster('60'), ...cluster('4030')], false],
    ['cannot be compared with that of another cluster', host('4030'), cluster('60', 'c2'), false],
    ['cannot be compared where its log does not tell how far it is', host(''), cluster('60'), false],
    ['cannot be compared where its log does not tell its cluster', host('4030', ''), cluster('60'), false],
    ['is newer than a cluster that is in an earlier term', host('4030', 'c1', killed, '7'), inTerm('2', '60'), true],
    [
      'is newer by its term, however many entries the looks at an empty cluster have made',
      host('60', 'c1', killed, '7'),
      inTerm('2', '4030'),
      true,
    ],
    ['is newer by its index, however often an empty cluster has elected', host('4030'), inTerm('90', '60'), true],
    ['is not in the term and at the index of the cluster', host('4030', 'c1', killed, '7'), inTerm('7', '4030'), false],
    ['is not in an earlier term, and behind', host('4030'), inTerm('7', '4031'), false],
    [
      'is not where only its index is known, and that is behind',
      host('4030', 'c1', killed, ''),
      inTerm('2', '4031'),
      false,
    ],
    [
      'is newer where only its index is known, and that is ahead',
      host('4030', 'c1', killed, ''),
      inTerm('9', '60'),
      true,
    ],
    [
      'is not by the term of another cluster',
      host('60', 'c1', killed, '7'),
      cluster('4030', 'c2', { raftTerm: '2' }),
      false,
    ],
    [
      'cannot be compared with a member that has no leader: it may only just have been started',
      host('4030', 'c1', killed, '7'),
      cluster('60', 'c1', { leaderId: '0', raftTerm: '2' }),
      false,
    ],
    ['is not where there is no log', { ...host('1'), raftLog: null } as never, cluster('60'), false],
  ])('%s', (_, inspected, answering, isNewer) => {
    expect(newerData(inspected, answering) !== '').toBe(isNewer);
  });

  it('is not moved aside where it is newer than the cluster', () => {
    const node3 = { clusterId: 'c0ffee', ...holding(killed, 'entries', '7001') };
    const { name, message } = failureOf(() => planReplacement(crashed, { inspections: { node3 } }));
    expect(name).toBe('UnsafeToProceed');
    expect(message).toMatch(
      /^node3 is not replaced, and nothing was changed: on its host i-3 is data of this cluster \(c0ffee\) up to index 7001 of term 3 of its log, .* only at index 7000\./,
    );
    const level = { clusterId: 'c0ffee', ...holding(killed, 'entries', '7000') };
    expect(planReplacement(crashed, { inspections: { node3: level } }).targets).toHaveLength(1);
  });
});
