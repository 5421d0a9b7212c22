import { describe, expect, it } from 'vitest';
import type { FoundBackups } from '../../../core/backups/contracts.ts';
import { type CheckReport, type WeighCheck, weighCheckInput } from '../../../core/diagnosis/check.ts';
import { inspectionsOf } from '../../../core/diagnosis/check-survey.ts';
import { weighCheck } from '../../../core/diagnosis/weigh-check.ts';
import type { HostInspection, InspectionReport } from '../../../core/hosts/host-command-results.ts';
import { parse } from '../../../core/text/parse.ts';
import { found, foundAll } from '../backups/found.ts';
import { clusterOf, configuration, configured, directory, inspection, LAYOUT, MIB, spare } from '../observations.ts';

/** What the host's own checks say, which a later command would stop with. */
const NO_UNIT = { refusal: 'no-unit', incident: 'any', message: 'systemd has no unit etcd.' } as const;
const NO_STAGING = {
  refusal: 'staging-unreachable',
  incident: 'quorum-lost',
  message: 'http://127.0.0.1:9000 is not reached. Give --staging-address.',
} as const;
const NOW = Date.parse('2026-11-28T00:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const SECRETS = { auth: { secret: 'etcd/root' }, tls: { secret: 'etcd/tls' } };
const HEALTHY = { incident: 'healthy', summary: 'node1 leads, and all is well.', others: [], warnings: [] };

function inDays(days: number): string {
  return new Date(NOW + days * DAY_MS).toISOString();
}

/** Of a year, unless said. */
function certificate(owner: string, endsInDays: number, lifetimeDays = 365, problem = '') {
  return {
    use: 'server' as const,
    owner,
    beginsAt: inDays(endsInDays - lifetimeDays),
    endsAt: inDays(endsInDays),
    problem,
  };
}

function inspected(name: string, differences: Parameters<typeof inspection>[1] = {}): InspectionReport {
  const at = { member: name, host: name.replace('node', 'i-') };
  const certificates = [{ use: 'peer' as const, file: '/pki/peer.crt', der: '' }];
  return { ...at, result: inspection(name, { ...running(), certificates, ...differences }), error: '', problem: '' };
}

function running() {
  return {
    unit: { ...inspection('node1').unit, loadState: 'loaded', activeState: 'active', subState: 'running', mainPid: 7 },
  };
}

const ANSWERING = MEMBERS.map(({ name }) => ({
  ...{ name, clusterId: 'c1', leaderId: 'a1', raftTerm: '3', raftCommittedIndex: '7000' },
  version: '3.5.30',
  storageVersion: '',
  dbSizeBytes: 20 * MIB,
  quotaBytes: 100 * MIB,
}));

function seen(differences: Partial<WeighCheck> = {}, survey: Partial<WeighCheck['survey']> = {}): CheckReport {
  const input = {
    cluster: clusterOf(MEMBERS, SECRETS),
    diagnosis: HEALTHY,
    undiagnosed: '',
    survey: {
      secretsProblem: '',
      serves: 'unknown',
      certificates: [certificate('the certificate of node1', 90)],
      isLed: true,
      members: ANSWERING,
      ...survey,
    },
    backups: null,
    unwritable: '',
    inspected: MEMBERS.map(({ name }) => inspected(name)),
    ...differences,
  };
  return weighCheck(parse(weighCheckInput, input, 'A check'), NOW);
}

const linesOf = (lines: CheckReport['findings']) => lines.map(({ area, message }) => `${area}: ${message}`);
const withHost = (
  name: string,
  differences: Parameters<typeof inspection>[1],
  survey: Partial<WeighCheck['survey']> = {},
) =>
  seen({ inspected: MEMBERS.map((member) => inspected(member.name, member.name === name ? differences : {})) }, survey);

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

describe('a finding is', () => {
  it.each<[string, CheckReport, string]>([
    [
      'a member that has lost its data and was started anew',
      withHost('node2', {
        raftLog: { holds: 'nothing', commitIndex: '3', lastIndex: '3', commitTerm: '1', lastTerm: '1' },
      }),
      'hosts: node2 on i-2: its log holds nothing but the first list of members. It was started on an empty data dir, under an ID that may have ' +
        'acknowledged writes before, which are gone from it',
    ],
    [
      'a host that holds more of the cluster than the cluster',
      withHost(
        'node2',
        { raftLog: { holds: 'entries', commitIndex: '7001', lastIndex: '7001', commitTerm: '3', lastTerm: '3' } },
        { members: ANSWERING.filter(({ name }) => name !== 'node2') },
      ),
      'hosts: node2 on i-2: there is data of this cluster (c1) up to index 7001 of term 3 of its log, and the cluster itself is only at index 7000. So the others ' +
        'have lost theirs and began empty under their old IDs: the cluster that answers is another one. Decide which data to keep. ' +
        'To keep the data here, in /var/lib/etcd: stop etcd on the hosts of all the others, then start a remediation of quorum-lost, which recovers from it. ' +
        'To keep the data of the cluster: move the data here away by hand, then start again.',
    ],
    [
      'an incident, with what is present besides',
      seen({
        diagnosis: { ...HEALTHY, incident: 'member-failed', summary: 'node3 is away.', others: ['auth-token-invalid'] },
      }),
      'cluster: member-failed: node3 is away. Besides: auth-token-invalid.',
    ],
    [
      'a warning of the diagnosis, where it belongs',
      seen({ diagnosis: { ...HEALTHY, warnings: [{ kind: 'known-defect', message: 'Upgrade it.' }] } }),
      'releases: Upgrade it.',
    ],
    [
      'a warning of a kind that this does not know',
      seen({ diagnosis: { ...HEALTHY, warnings: [{ kind: 'of-tomorrow' as never, message: 'Something is odd.' }] } }),
      'cluster: Something is odd.',
    ],
    [
      'a member that others do not hear, by the certificate that its host has',
      seen(
        { diagnosis: { ...HEALTHY, incident: 'member-failed', summary: 'node3 is away.' } },
        { certificates: [certificate('the peer certificate of node3 (/pki/peer.crt)', -2)] },
      ),
      'cluster: member-failed: node3 is away. Look at the certificates first, and replace and restore nothing before they hold: the peer certificate ' +
        'of node3 (/pki/peer.crt) has ended 2 days ago, on 2026-11-26: renew it.',
    ],
    [
      'that there is no diagnosis',
      seen({ diagnosis: null, undiagnosed: 'PreconditionFailed: nobody lets us in' }),
      'cluster: It could not be diagnosed: PreconditionFailed: nobody lets us in',
    ],
    [
      'a secret that cannot be used, once',
      seen(
        { diagnosis: null, undiagnosed: 'PreconditionFailed: the secret' },
        { secretsProblem: 'The secret is malformed.', certificates: [] },
      ),
      'secrets: The secret is malformed.',
    ],
    [
      'a certificate that ends soon',
      seen({}, { certificates: [certificate('the certificate of node2', 29)] }),
      'certificates: the certificate of node2 ends in 29 days, on 2026-12-27: renew it',
    ],
    [
      'one that has ended',
      seen({}, { certificates: [certificate('the certificate of node2', -2)] }),
      'certificates: the certificate of node2 has ended 2 days ago, on 2026-11-26: renew it',
    ],
    [
      'one that clients do not take',
      seen({}, { certificates: [certificate('the certificate of node2', 90, 365, 'clients do not take it')] }),
      'certificates: the certificate of node2: clients do not take it',
    ],
    [
      'one that does not hold yet',
      seen({}, { certificates: [certificate('the peer certificate of node2 (/pki/peer.crt)', 365, 364)] }),
      'certificates: the peer certificate of node2 (/pki/peer.crt) holds from 2026-11-29T00:00:00.000Z on, and not yet: look at the clocks, and at what has issued it',
    ],
    [
      'one that a program renews and has not',
      seen({}, { certificates: [certificate('the peer certificate of node2 (/pki/peer.crt)', 1.9, 6)] }),
      'certificates: the peer certificate of node2 (/pki/peer.crt) ends in a day, on 2026-11-29: renew it',
    ],
    [
      'a staging address that a host does not reach',
      withHost('node2', { refusals: [NO_STAGING] }),
      'hosts: node2 on i-2: http://127.0.0.1:9000 is not reached. Give --staging-address.',
    ],
    [
      'a host that cannot be looked at',
      seen({
        inspected: [
          { member: 'node1', host: 'i-1', result: null, error: 'HostUnreachable', problem: 'exit status 255' },
        ],
      }),
      'hosts: node1 on i-1 could not be looked at: exit status 255',
    ],
    [
      'a member without a host beside others that have one',
      seen({
        cluster: clusterOf(
          MEMBERS.map(({ host, ...member }) => (member.name === 'node3' ? member : { ...member, host: host ?? '' })),
          SECRETS,
        ),
        inspected: [inspected('node1'), inspected('node2')],
      }),
      'hosts: clusters.json names no "host" for node3: it can neither be replaced nor restored. Add it',
    ],
    [
      'a unit that systemd does not know',
      withHost('node2', { refusals: [NO_UNIT] }),
      'hosts: node2 on i-2: systemd has no unit etcd.',
    ],
    [
      'a unit without a process, while something answers as that member',
      withHost('node2', { unit: { ...running().unit, activeState: 'inactive', mainPid: 0 } }),
      'hosts: node2 on i-2: the unit "etcd" has no process (inactive)',
    ],
    [
      'a member whose process a signal has stopped',
      withHost('node2', { atWork: { ...inspection('node2').atWork, processState: 'T' } }),
      'hosts: node2 on i-2: its host says that its unit is active (running) with process 7, which is frozen: a signal has stopped it (T), and "kill -CONT 7" lets it go on with its data',
    ],
    [
      'another data dir than the configured',
      withHost('node2', { configuration: configuration('node2', { dataDir: '/data' }) }),
      `hosts: node2 on i-2: etcd's data dir is "/data", and clusters.json says ${LAYOUT.dataDir}`,
    ],
    [
      'room for a replacement and none for a recovery',
      withHost('node2', { dataDir: directory(LAYOUT.dataDir, { freeBytes: 150 * MIB }) }),
      `hosts: node2 on i-2: 150.0 MiB are free at ${LAYOUT.dataDir}, and the snapshot and what is restored from it need 208.0 MiB`,
    ],
  ])('%s', (_, { outcome, findings }, line) => {
    expect(outcome).toBe('Findings');
    expect(linesOf(findings)[0]).toEqual(line);
    expect(findings).toHaveLength(line.includes('certificates first') ? 2 : 1);
  });

  it.each<[string, object, string]>([
    ['no backup where they are said to be', { newestKey: '', newestAt: '' }, 's3://backups/orders/ holds nothing: '],
    [
      'one that is weeks old',
      { newestAt: inDays(-20) },
      'the newest of s3://backups/orders/ is orders/1.db, 20 days old: ',
    ],
    ['a bucket that nobody may list', { problem: 'S3 refused it' }, 's3://backups/orders/: S3 refused it'],
  ])('%s', (_, differences, beginning) => {
    const backups = {
      place: 's3://backups/orders/',
      newestKey: 'orders/1.db',
      newestAt: inDays(-1),
      problem: '',
      own: null,
      ...differences,
    };
    const cluster = clusterOf(MEMBERS, { ...SECRETS, backups: { bucket: 'backups', prefix: 'orders/' } });
    expect(linesOf(seen({ cluster, backups }).findings)).toEqual([expect.stringContaining(`backups: ${beginning}`)]);
    for (const [days, age] of [
      [0.01, 'less than a day'],
      [1.5, 'a day'],
      [2.5, '2 days'],
    ] as const) {
      const young = { ...backups, newestKey: 'orders/1.db', newestAt: inDays(-days), problem: '' };
      const { findings, well } = seen({ cluster, backups: young });
      expect(findings).toEqual([]);
      expect(linesOf(well)).toContain(`backups: the newest of s3://backups/orders/ is orders/1.db, ${age} old`);
    }
  });

  it.each([
    ['3.6.16', 'node3', []],
    [
      '3.7.3',
      'node3',
      [
        'hosts: node3 on i-3: etcd 3.7.3 ignores experimental-max-learners in /etc/etcd/etcd.yaml: since 3.7 they are called otherwise. Rename them, or leave them out',
      ],
    ],
  ])(
    'settings that a new release passes over without a word, of a host that is fit all the same: etcd %s',
    (etcdVersion, name, lines) => {
      const old = configuration(name, { experimental: ['experimental-max-learners'] });
      const differences = (member: string) => ({ etcdVersion, ...(member === name && { configuration: old }) });
      const { findings, well } = seen({
        inspected: MEMBERS.map((member) => inspected(member.name, differences(member.name))),
      });
      expect(linesOf(findings)).toEqual(lines);
      expect(linesOf(well)).toContainEqual(expect.stringContaining('hosts: node3 on i-3: fit for a replacement'));
    },
  );

  it('a certificate once, of which the diagnosis warns as well', () => {
    const warnings = [{ kind: 'certificate-expiring' as const, message: 'The certificate of node2 ends.' }];
    const certificates = [certificate('the certificate of node2', 29)];
    const { findings } = seen({ diagnosis: { ...HEALTHY, warnings } }, { certificates });
    expect(linesOf(findings)).toEqual([
      expect.stringMatching(/^certificates: the certificate of node2 ends in 29 days/),
    ]);
  });

  it('every certificate that could be read in a table, by its end', () => {
    const unread = {
      ...certificate('the CA of the tls secret', 0),
      beginsAt: '',
      endsAt: '',
      problem: 'it cannot be read',
    };
    const { certificates } = seen({}, { certificates: [certificate('a', 90), unread, certificate('b', -2)] });
    expect(certificates).toEqual([
      { owner: 'b', endsAt: inDays(-2), daysLeft: -2 },
      { owner: 'a', endsAt: inDays(90), daysLeft: 90 },
    ]);
  });

  it.each([30, 90])('no certificate of a year that holds for %i days', (days) => {
    expect(seen({}, { certificates: [certificate('the certificate of node2', days)] }).findings).toEqual([]);
  });

  it('no certificate of a week that a program has renewed in time', () => {
    expect(seen({}, { certificates: [certificate('the certificate of node2', 3, 7)] }).findings).toEqual([]);
  });

  it('a quorum recovery that was interrupted, by what finishes it while the quorum is lost', () => {
    const recoveries = [{ execution: 'run-7', phase: 'moving' as const }];
    const left = MEMBERS.map(({ name }) => inspected(name, name === 'node2' ? { recoveries } : {}));
    const lost = { ...HEALTHY, incident: 'quorum-lost', summary: 'Nobody leads.' };
    expect(linesOf(seen({ diagnosis: lost, inspected: left }).findings)).toEqual([
      'cluster: quorum-lost: Nobody leads.',
      'hosts: a quorum recovery of the execution run-7 was interrupted (i-2 (node2): moving): run the runbook for quorum-lost again, which brings it to its end',
    ]);
    expect(seen({ inspected: left }).outcome).toBe('Findings');
  });

  it('releases that differ among the hosts, and the one that all of them need', () => {
    expect(linesOf(withHost('node3', { etcdVersion: '3.6.16' }).findings)).toEqual([
      'hosts: the hosts have different releases of etcd: 3.5.30 on node1, 3.5.30 on node2, 3.6.16 on node3. The newest may have written what an ' +
        'older one cannot read: install etcd 3.6.16 on i-1, i-2 as well',
    ]);
  });
});

describe('nothing is said to be well', () => {
  it('of members while one is away', () => {
    const { well } = seen({ diagnosis: { ...HEALTHY, incident: 'member-failed', summary: 'node3 is away.' } });
    expect(well.map(({ area }) => area)).not.toEqual(expect.arrayContaining(['identity']));
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

describe("the cluster's own backups", () => {
  const cluster = clusterOf(MEMBERS, { ...SECRETS, backups: { bucket: 'backups', prefix: '', everyMinutes: 60 } });
  const agoMinutes = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
  const slow = (backup: ReturnType<typeof found>, minutes: number): ReturnType<typeof found> => ({
    ...backup,
    record: backup.record && { ...backup.record, tookMs: minutes * 60_000 },
  });
  const weighed = (own: FoundBackups, unwritable = '') =>
    seen({
      cluster,
      backups: { place: 's3://backups/', newestKey: 'a', newestAt: inDays(0), problem: '', own },
      unwritable,
    });

  it('are well where the newest is not late', () => {
    const { findings, well } = weighed(foundAll(found(agoMinutes(135), 3000)));
    expect(findings).toEqual([]);
    expect(linesOf(well)).toContainEqual(
      expect.stringMatching(/^backups: .*135 minutes old.* every 60; it holds revision 3000$/),
    );
  });

  it.each<[string, FoundBackups, string, string]>([
    ['the newest is late', foundAll(found(agoMinutes(136), 3000)), '', '136 minutes old'],
    ['the newest took long', foundAll(slow(found(agoMinutes(1), 3000), 8)), '', 'took 8 of the 14 minutes'],
    ['there is none', foundAll(), '', 'no backup of this cluster was made yet'],
    [
      'nothing is known of the newest',
      foundAll({ ...found(agoMinutes(1), 1), record: null, problem: 'no JSON' }),
      '',
      'no JSON',
    ],
    ['they cannot be listed', { count: 0, backups: [], problem: 'AccessDenied' }, '', 'AccessDenied'],
    [
      'none could be written',
      foundAll(found(agoMinutes(1), 3000)),
      'KMS.DisabledException',
      'could not be written: KMS.DisabledException',
    ],
  ])('have to be corrected where %s', (_, own, unwritable, what) => {
    expect(linesOf(weighed(own, unwritable).findings)).toEqual([expect.stringContaining(what)]);
  });
});
