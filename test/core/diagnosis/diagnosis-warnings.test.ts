import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { Evidence, TokenProbe } from '../../../core/cluster/evidence.ts';
import { diagnose } from '../../../core/diagnosis/diagnose.ts';
import { spare } from '../observations.ts';
import {
  apart,
  clusterFor,
  configured,
  listed,
  MIB,
  members,
  noSpace,
  proof,
  rejecting,
  silent,
  sizes,
  voter,
} from './diagnoses.ts';

const THREE = ['node1', 'node2', 'node3'];
const QUOTA = { quotaBytes: 1000 * MIB };
const AUTH = { auth: { secret: 'etcd/orders/root' } };
const of = (version: string) => proof(THREE.map((name) => voter(name, { version })));
const first = (differences: Parameters<typeof voter>[1]) =>
  proof([voter('node1', differences), voter('node2'), voter('node3')]);

function warningsOf(evidence: Evidence, differences: Partial<Cluster> = {}) {
  return diagnose(clusterFor(evidence, differences), evidence).warnings;
}

function kindsOf(evidence: Evidence, differences: Partial<Cluster> = {}): string {
  return warningsOf(evidence, differences)
    .map(({ kind }) => kind)
    .join(', ');
}

describe('a healthy cluster is warned of', () => {
  it.each<[string, Evidence, string]>([
    ['nothing', of('3.5.30'), ''],
    ['a database above 80 % of its quota', first(sizes(81, 80)), 'nearly-full'],
    ['no database at 80 %', first(sizes(80, 80)), ''],
    [
      'no database of a member without a quota',
      first({ ...sizes(99, 90), quotaBytes: null, quotaIsReported: true }),
      '',
    ],
    ['a database of which more than 45 % are free', first({ ...sizes(200, 109), ...QUOTA }), 'fragmented'],
    ['no database of which 45 % are free', first({ ...sizes(200, 110), ...QUOTA }), ''],
    ['no fragments in 100 MiB', first({ ...sizes(100, 1), ...QUOTA }), ''],
    ['both', first({ ...sizes(200, 90), quotaBytes: 210 * MIB }), 'nearly-full, fragmented'],
    ['members of different releases', first({ version: '3.5.31' }), 'version-skew'],
    ['a member that is not caught up', proof(members('wwb')), 'behind'],
    ['two voters', proof([voter('node1'), voter('node2')]), 'even-voters'],
    ['four voters', proof([...THREE, 'node4'].map((name) => voter(name))), 'even-voters'],
  ])('%s', (_, evidence, expected) => {
    const { incident } = diagnose(clusterFor(evidence), evidence);
    expect(incident).toBe('healthy');
    expect(kindsOf(evidence)).toBe(expected);
  });

  it('in a sentence for each', () => {
    const evidence = proof([voter('node1', sizes(95, 20)), voter('node2', { version: '3.4.23' })]);
    expect(warningsOf(evidence).map(({ message }) => message)).toEqual([
      'The database of node1 has 95.0 MiB of 100.0 MiB, which is more than 80 %: the runbook for space-exceeded reclaims it before etcd refuses writes.',
      expect.stringMatching(/^node2 runs etcd 3\.4\.23, in which /),
      'Members run different releases of etcd: 3.5.30 on node1, 3.4.23 on node2. That is right only while they are upgraded.',
      'There are 2 voters, which bear the loss of no more members than 1 would.',
    ]);
  });

  it('of a database that is nearly full no more once NOSPACE is raised', () => {
    const evidence = proof([voter('node1', sizes(95, 95))], { alarms: [noSpace('node1')] });
    expect(kindsOf(evidence)).toBe('');
  });
});

describe('a release with known defects', () => {
  const told = (version: string, differences: Partial<Cluster> = {}) =>
    warningsOf(differences.auth ? rejecting([], of(version)) : of(version), differences).map(({ kind, message }) => {
      expect(kind).toBe('known-defect');
      expect(message).toMatch(`node1, node2, node3 run etcd ${version}, in which `);
      return message;
    });

  it.each<[string, RegExp]>([
    ['3.5.2', /a member that is killed .*issues\/13766\); .*; and \d+ more\. Upgrade: 3\.5\.30 ends all of them\./],
    ['3.5.16', /\. Upgrade: 3\.5\.30 ends all of them\. docs\/known-defects\.md has all of them\.$/],
    ['3.5.30', /^$/],
    ['3.6.16', /^$/],
    ['3.4.45', /It gets no patches any more: upgrade to a newer minor release\./],
    ['3.4.23', /It gets no patches any more/],
    ['3.7.0', /^$/],
    ['3.7.3', /^$/],
  ])('%s is told in one sentence, with what ends them', (version, expected) => {
    expect(told(version).join('\n')).toMatch(expected);
  });

  it('is told of what only a login makes matter where there is one', () => {
    const auth = (version: string, differences: Partial<Cluster>) =>
      told(version, differences).join('').includes('CVE-2026-73499');
    expect(auth('3.5.30', AUTH)).toBe(true);
    expect(auth('3.5.30', {})).toBe(false);
    expect(told('3.5.30', AUTH)[0]).toMatch(/Upgrade: 3\.5\.33 ends it\. docs/);
    expect(told('3.3.25', AUTH)[0]).toMatch(/rejects every token until it is restarted .*13205/);
    expect(told('3.3.25')).toEqual([]);
  });

  it('is told of what an upgrade meets with while there is one, and no longer', () => {
    const half = proof([
      voter('node1', { version: '3.7.3' }),
      voter('node2', { version: '3.6.16' }),
      voter('node3', { version: '3.6.16' }),
    ]);
    expect(warningsOf(half).map(({ message }) => message)).toContainEqual(
      expect.stringMatching(
        /^node1 runs etcd 3\.7\.3, in which settings .* experimental-\* .* Rename them before the upgrade/,
      ),
    );
    expect(told('3.7.3')).toEqual([]);
  });
});

describe('a configuration that is not what etcd has', () => {
  it('is told member by member', () => {
    const memberList = [
      ...['node1', 'node2'].map((name) => listed(name)),
      listed('node7'),
      listed('node8', { name: '' }),
    ];
    const evidence = proof([voter('node1'), voter('node2'), silent('node3')], { memberList });
    const { incident, warnings } = diagnose(clusterFor(evidence), evidence);
    // Two of the four that etcd knows are no quorum, and yet it has told its list; node3 may be node7 there.
    expect(incident).toBe('member-inaccessible');
    expect(warnings.filter(({ kind }) => kind !== 'even-voters')).toEqual([
      {
        kind: 'unknown-to-etcd',
        message: 'clusters.json names node3 (https://node3:2380), and etcd has no such member.',
      },
      {
        kind: 'not-configured',
        message:
          'etcd has the member node7 (a7, https://node7:2380), which clusters.json does not name: it may be node3, which etcd does not list: if so, correct name and peerUrl in clusters.json; if not, add it there.',
      },
      {
        kind: 'not-configured',
        message:
          'etcd has the member (not started) (a8, https://node8:2380), which clusters.json does not name: add it to clusters.json; or, if it is really no part of the cluster, remove it with "etcdctl member remove a8".',
      },
    ]);
  });

  it('leaves the cluster healthy where only a stranger is in it', () => {
    const memberList = [...THREE, 'node4', 'node5'].map((name) => listed(name));
    const evidence = proof(
      THREE.map((name) => voter(name)),
      { memberList },
    );
    expect(diagnose(clusterFor(evidence), evidence).incident).toBe('healthy');
    expect(kindsOf(evidence)).toBe('not-configured, not-configured');
  });

  it('is not told where the list could not be read', () => {
    expect(kindsOf(apart([voter('node1'), voter('node2'), silent('node3')]))).toBe('alarms-unknown');
  });

  it('has addresses behind which one member answers', () => {
    const evidence = proof([voter('node1'), { ...voter('node1'), name: 'node2' }, voter('node3')], {
      memberList: THREE.map((name) => listed(name)),
    });
    expect(warningsOf(evidence)[0]).toEqual({
      kind: 'shared-address',
      message:
        'The same member (a1) answers at the addresses of node1, node2: each clientUrl has to reach its own member alone. Correct clusters.json, or the balancer or the name server in between.',
    });
  });
});

describe('tokens', () => {
  type Probe = Omit<TokenProbe, 'member'>;
  const ofMembers = (probes: Probe[]) => probes.map((each, index) => ({ ...each, member: `node${index + 1}` }));
  /** What one member makes of each token, in the order of the issuers. */
  const probe = (answers: TokenProbe['uses'][number]['answer'][], format: 'simple' | 'jwt' = 'simple'): Probe => ({
    login: { answer: 'Issued', format, problem: '' },
    uses: answers.map((answer, index) => ({
      issuer: `node${index + 1}`,
      answer,
      problem: answer === 'Taken' ? '' : 'no',
    })),
  });
  const TAKEN = probe(['Taken', 'Taken', 'Taken']);
  const open: Probe = { login: { answer: 'Open', format: '', problem: '' }, uses: [] };

  it.each<[string, Probe[], string]>([
    ['all are taken', [TAKEN, TAKEN, TAKEN], ''],
    ['users differ', [TAKEN, TAKEN, probe(['Outdated', 'Outdated', 'Taken'])], 'tokens-differ'],
    ['a member lets nobody in', [TAKEN, TAKEN, probe(['Refused', 'Refused', 'Refused'])], 'tokens-differ'],
    ['a member was just restarted', [TAKEN, TAKEN, probe(['Rejected', 'Rejected', 'Taken'])], 'tokens-differ'],
    [
      'a clock is ahead',
      [
        probe(['Taken', 'Taken', 'Taken'], 'jwt'),
        probe(['Taken', 'Taken', 'Taken'], 'jwt'),
        probe(['Rejected', 'Rejected', 'Taken'], 'jwt'),
      ],
      'clock-skew',
    ],
    ['authentication is disabled', [open, open, open], 'authentication-disabled'],
  ])('are a warning where %s, and no incident', (_, probes, expected) => {
    const evidence = { ...of('3.5.35'), probes: ofMembers(probes) };
    expect(diagnose(clusterFor(evidence), evidence).incident).toBe('healthy');
    expect(kindsOf(evidence)).toBe(expected);
  });

  it('that could not be tried are told', () => {
    const evidence = { ...of('3.5.35'), probesProblem: 'It was not answered in time.' };
    expect(warningsOf(evidence, AUTH)).toEqual([
      {
        kind: 'tokens-unknown',
        message: 'Whether members take fresh tokens is not known: It was not answered in time.',
      },
    ]);
    expect(kindsOf(evidence)).toBe('');
  });

  it('that nobody issues are told', () => {
    const none: Probe = { login: { answer: 'WrongPassword', format: '', problem: 'no' }, uses: [] };
    const evidence = { ...of('3.5.35'), probes: ofMembers([none, none, none]) };
    expect(warningsOf(evidence)[0]?.message).toMatch(
      /^Whether members take fresh tokens is not known: The login with the cluster's auth secret fails/,
    );
  });

  it('are none of a cluster without a quorum', () => {
    const evidence = apart([voter('node1', { leaderId: '0', version: '3.5.35' }), silent('node2'), silent('node3')]);
    expect(kindsOf({ ...evidence, probesProblem: 'No leader.' }, AUTH)).toBe('');
  });
});

describe('hosts', () => {
  const reach = (host: string, reachable: boolean | 'unknown', problem = '') => ({ host, reachable, problem });

  it('are told with the member that lives there, and warned of where they are not reached', () => {
    const hosts = [
      reach('i-1', true),
      reach('i-2', false, 'ConnectionLost'),
      reach('i-9', false, 'not a managed node'),
    ];
    const evidence = { ...of('3.5.30'), hosts };
    const cluster = clusterFor(evidence, { spareHosts: [spare('node9')] });
    const diagnosis = diagnose(cluster, evidence);
    expect(diagnosis.hosts.map(({ host, member }) => [host, member])).toEqual([
      ['i-1', 'node1'],
      ['i-2', 'node2'],
      ['i-9', ''],
    ]);
    expect(diagnosis.warnings).toEqual([
      { kind: 'host-unreachable', message: 'The host i-2 (node2) is not reached: ConnectionLost.' },
      { kind: 'host-unreachable', message: 'The host i-9 (a spare one) is not reached: not a managed node.' },
    ]);
  });

  it('of which SSM says nothing are one warning', () => {
    const hosts = ['i-1', 'i-2'].map((host) => reach(host, 'unknown', 'SSM was not answered.'));
    expect(warningsOf({ ...of('3.5.30'), hosts })).toEqual([
      {
        kind: 'hosts-unknown',
        message: 'Whether these hosts are reached is not known, i-1, i-2: SSM was not answered.',
      },
    ]);
  });

  it('change nothing about an incident', () => {
    const evidence = proof([voter('node1'), voter('node2'), silent('node3')], { hosts: [reach('i-3', false, 'away')] });
    const cluster = clusterFor(evidence, { members: THREE.map((name) => configured(name)) });
    const { incident, warnings } = diagnose(cluster, evidence);
    expect([incident, ...warnings.map(({ kind }) => kind)]).toEqual(['member-failed', 'host-unreachable']);
  });
});
