import { describe, expect, it } from 'vitest';
import type { CheckReport, WeighCheck } from '../../../core/diagnosis/check.ts';
import { inspectionsOf } from '../../../core/diagnosis/check-survey.ts';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { clusterOf, configuration, type inspection, LAYOUT, MIB, spare } from '../observations.ts';
import {
  ANSWERING,
  HEALTHY,
  inspected,
  linesOf,
  MEMBERS,
  NO_UNIT,
  running,
  SECRETS,
  seen,
  withHost,
} from './checks.ts';

it.each<[WeighCheck['survey']['serves'], RegExp]>([
  ['anybody', /: anyone who reaches a client port may read and write$/],
  ['certificates', /: etcd serves only clients with a certificate that it trusts;/],
  ['nobody', /: etcd has authentication enabled, and serves only clients with a login$/],
  ['unknown', /: whether etcd serves clients without a login or a certificate could not be seen$/],
])('a cluster without a login in the configuration is told by whom it serves: %s', (serves, words) => {
  const { unchecked } = seen({ cluster: clusterOf(MEMBERS, { tls: SECRETS.tls }) }, { serves });
  const [login, ...others] = unchecked.filter(({ area }) => area === 'login');
  expect(others).toEqual([]);
  expect(login?.message).toMatch(/^clusters\.json names no "auth": /);
  expect(login?.message).toMatch(words);
});

it.each<[string, string[], HostInspection['atWork']['answer'], boolean]>([
  ['nobody reaches, and its host shows at work', ['node1', 'node2'], 'leader', true],
  ['nobody reaches, and its host shows broken', ['node1', 'node2'], 'no-leader', false],
  ['answers', ['node1', 'node2', 'node3'], 'leader', false],
])('both views of a member are put together: of one that %s', (_, answering, answer, isTold) => {
  const atWork = {
    ...{ clientPortListens: true, peerPortListens: true, processState: '' },
    ...{ answer, memberId: 'a3', problem: '' },
  };
  const { findings } = seen(
    { inspected: MEMBERS.map(({ name }) => inspected(name, name === 'node3' ? { atWork } : {})) },
    {
      members: answering.map((name) => ({
        ...{
          name,
          clusterId: 'c1',
          leaderId: 'a1',
          raftTerm: '3',
          raftCommittedIndex: '7000',
          version: '3.5.30',
          storageVersion: '',
        },
        ...{ dbSizeBytes: 20 * MIB, quotaBytes: 100 * MIB },
      })),
    },
  );
  const told = findings.filter(({ message }) => message.startsWith('node3 could not be asked at its clientUrl'));
  expect(told.map(({ area }) => area)).toEqual(isTold ? ['cluster'] : []);
  if (isTold) {
    expect(told[0]?.message).toMatch(
      /^node3 could not be asked at its clientUrl https:\/\/node3:2379, and its host i-3 says that .*has a leader: it has not failed\. Correct its clientUrl/,
    );
  }
});

it('a cluster at which nothing is to be corrected is told by what was looked at', () => {
  const { outcome, findings, well, unchecked } = seen();
  expect({ outcome, findings }).toEqual({ outcome: 'Well', findings: [] });
  expect(linesOf(well)).toEqual([
    'cluster: node1 leads, and all is well.',
    'identity: node1, node2, node3 answer as themselves, and are the members that etcd lists',
    'login: every member takes the login, and the tokens of every other',
    'secrets: etcd/root and etcd/tls can be read and are complete',
    'certificates: none of 1 ends soon; the first is the certificate of node1, in 90 days',
    'releases: etcd 3.5.30 on node1, node2, node3',
    expect.stringMatching(/^quota: node1 20\.0 MiB of 100\.0 MiB \(20 %\), /),
    ...MEMBERS.map(({ name, host }) =>
      expect.stringMatching(
        `^hosts: ${name} on ${host}: fit for a replacement and for a recovery \\(unit etcd active, etcd 3\\.5\\.30, `,
      ),
    ),
  ]);
  expect(linesOf(unchecked)).toEqual([expect.stringMatching(/^backups: clusters\.json names none/)]);
});

it('the log of a member that answers has gone on since it was asked, and is no finding', () => {
  const differences = {
    raftLog: { holds: 'entries', commitIndex: '7001', lastIndex: '7001', commitTerm: '3', lastTerm: '3' },
  } as const;
  expect(withHost('node2', differences)).toMatchObject({ outcome: 'Well', findings: [] });
});

it('what a stopped host holds is compared with no members that have no quorum, for these may only be behind', () => {
  const node2 = {
    raftLog: { holds: 'entries', commitIndex: '7001', lastIndex: '7001', commitTerm: '3', lastTerm: '3' },
  } as const;
  const members = ANSWERING.filter(({ name }) => name === 'node1');
  const { findings } = withHost('node2', node2, { members, isLed: false });
  expect(findings.filter(({ message }) => message.includes('began empty'))).toEqual([]);
  expect(withHost('node2', node2, { members }).findings).toHaveLength(1);
});

describe('nothing is said to be well', () => {
  it('of members while one is away', () => {
    const { well } = seen({ diagnosis: { ...HEALTHY, incident: 'member-failed', summary: 'node3 is away.' } });
    expect(well.map(({ area }) => area)).not.toEqual(expect.arrayContaining(['identity']));
  });

  it.each([
    ['a member that serves us nothing', 'node2', 'node1, node3'],
    ['any, where there is no diagnosis', 'node1, node2, node3', undefined],
  ])('of the release of %s', (_, unjudged, judged) => {
    const members = HEALTHY.members.map((each) =>
      each.name === unjudged ? { ...each, state: 'refusing' as const } : each,
    );
    const { well, unchecked } = seen({ diagnosis: judged === undefined ? null : { ...HEALTHY, members } });
    const releasesIn = (lines: CheckReport['well']) => linesOf(lines).filter((each) => each.startsWith('releases'));
    expect(releasesIn(well)).toEqual(judged === undefined ? [] : [`releases: etcd 3.5.30 on ${judged}`]);
    expect(releasesIn(unchecked)).toEqual([
      `releases: etcd 3.5.30 on ${unjudged}: nobody held it against known defects, for it could not be diagnosed`,
    ]);
  });

  it('of an area in which something is to be corrected', () => {
    const warnings = [{ kind: 'nearly-full' as const, message: 'It is nearly full.' }];
    const { well } = seen({ diagnosis: { ...HEALTHY, warnings } });
    expect(well.map(({ area }) => area)).not.toContain('quota');
  });

  it.each<[string, CheckReport, string]>([
    [
      'is not reached',
      seen({
        inspected: [inspected('node1'), { ...inspected('node2'), result: null, problem: 'away' }, inspected('node3')],
      }),
      'node2',
    ],
    ['names no file of its own', withHost('node3', { certificates: [] }), 'node3'],
    ['is not named', seen({ inspected: [] }), 'node1, node2, node3'],
  ])('of what a member shows to its peers where its host %s', (_, { unchecked }, names) => {
    expect(linesOf(unchecked)).toContainEqual(
      `certificates: the peer certificate of ${names} was not looked at: it is read on a host that is reached, where etcd's configuration names the file`,
    );
  });

  it('of what the configuration does not name', () => {
    const bare = clusterOf(MEMBERS.map(({ host: _, ...member }) => member));
    const { outcome, well, unchecked } = seen({ cluster: bare, inspected: [] }, { certificates: [] });
    expect(outcome).toBe('Well');
    expect(well.map(({ area }) => area)).toEqual(['cluster', 'identity', 'releases', 'quota']);
    expect([...new Set(unchecked.map(({ area }) => area))]).toEqual([
      'login',
      'secrets',
      'certificates',
      'hosts',
      'backups',
    ]);
  });
});

describe('a spare host', () => {
  const cluster = clusterOf(MEMBERS, { ...SECRETS, spareHosts: [{ ...spare('node9'), layout: { unit: 'etcd9' } }] });
  const withSpare = (differences: Parameters<typeof inspection>[1]) =>
    seen({
      cluster,
      inspected: [
        ...MEMBERS.map(({ name }) => inspected(name)),
        {
          ...inspected('node9', { unit: { ...running().unit, activeState: 'inactive', mainPid: 0 }, ...differences }),
          member: '',
        },
      ],
    });

  it('is inspected by its own layout', () => {
    const [last] = inspectionsOf(cluster).slice(-1);
    expect(last).toMatchObject({ member: '', host: 'i-9', parameters: { unit: 'etcd9', dataDir: LAYOUT.dataDir } });
    expect(inspectionsOf(cluster)).toHaveLength(4);
  });

  it('is fit as the member that it says it would be, and need not run', () => {
    const { findings, well } = withSpare({});
    expect(findings).toEqual([]);
    expect(linesOf(well)).toContainEqual(
      expect.stringContaining('hosts: the spare host i-9: fit for a replacement (unit etcd9 inactive'),
    );
  });

  it.each<[string, Parameters<typeof inspection>[1], string]>([
    ['without a unit', { refusals: [NO_UNIT] }, 'systemd has no unit etcd.'],
    [
      'without a peer URL',
      { configuration: configuration('node9', { initialAdvertisePeerUrls: '' }) },
      'etcd announces the peer URL "", and clusters.json says https://node9:2380',
    ],
  ])('%s is none', (_, differences, problem) => {
    expect(linesOf(withSpare(differences).findings)).toEqual([`hosts: the spare host i-9: ${problem}`]);
  });
});
