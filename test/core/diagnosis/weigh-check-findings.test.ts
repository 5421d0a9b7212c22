import { describe, expect, it } from 'vitest';
import type { CheckReport } from '../../../core/diagnosis/check.ts';
import { clusterOf, configuration, directory, inspection, LAYOUT, MIB } from '../observations.ts';
import {
  ANSWERING,
  certificate,
  HEALTHY,
  inDays,
  inspected,
  linesOf,
  MEMBERS,
  NO_UNIT,
  running,
  SECRETS,
  seen,
  withHost,
} from './checks.ts';

const NO_STAGING = {
  refusal: 'staging-unreachable',
  incident: 'quorum-lost',
  message: 'http://127.0.0.1:9000 is not reached. Give --staging-address.',
} as const;

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
