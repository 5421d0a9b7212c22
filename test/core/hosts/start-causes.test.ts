import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { startCauses } from '../../../core/hosts/start-causes.ts';
import { directory, inspection, LAYOUT, MIB } from '../observations.ts';

/** Lines are as etcd has written them, but for the paths, and without their stacks. */

const NEEDED = 200 * MIB;
const CLOSED = {
  clientPortListens: false,
  peerPortListens: false,
  processState: '',
  answer: 'unknown',
  memberId: '',
  problem: '',
} as const;
const LISTENS = { ...CLOSED, clientPortListens: true };
const RUNS = { ...inspection('node3').unit, activeState: 'activating', subState: 'start', mainPid: 812 };

const causes = (differences: Partial<HostInspection>) =>
  startCauses(inspection('node3', { log: [], errors: [], ...differences }), NEEDED);

const failed = (level: string, msg: string, error: string, more = '') =>
  `{"level":"${level}","ts":"2026-11-28T11:27:44.259132Z","caller":"etcdmain/etcd.go:204","msg":"${msg}"${more},"error":"${error}","stacktrace":"go.etcd.io/etcd"}`;
const discovery = (error: string) => failed('fatal', 'discovery failed', error);

describe('the error that etcd has ended with', () => {
  it.each<[string, string[], string]>([
    [
      '3.4, 3.5, 3.7: an older release',
      [discovery('incompatible with current running cluster')],
      'this release of etcd is not one',
    ],
    [
      '3.4: data of a newer one',
      [
        '{"level":"fatal","ts":"2026-11-28T11:29:44.292Z","caller":"membership/cluster.go:795","msg":"invalid downgrade; server version is lower than determined cluster version","current-server-version":"3.4.23","determined-cluster-version":"3.5"}',
      ],
      'this release of etcd is not one',
    ],
    [
      'a read-only disk',
      [discovery('cannot access data directory: open /var/lib/etcd/.touch: read-only file system')],
      'read-only',
    ],
    [
      'a certificate that is not there',
      [
        failed('error', 'creating peer listener failed', 'open /etc/etcd/pki/peer.crt: no such file or directory'),
        discovery('open /etc/etcd/pki/peer.crt: no such file or directory'),
      ],
      'etcd cannot read /etc/etcd/pki/peer.crt',
    ],
    ['another key', [discovery('tls: private key does not match public key')], 'cannot be used'],
    [
      "an address that is not this host's",
      [discovery('listen tcp 10.9.9.9:2380: bind: cannot assign requested address')],
      'listen at an address that this host does not have',
    ],
    [
      'a configuration that it does not understand',
      [failed('warn', 'failed to verify flags', 'error unmarshaling JSON: json: cannot unmarshal string')],
      'does not understand its configuration',
    ],
    [
      '3.3: a line without JSON',
      ['2026-11-28 11:27:44.259132 C | etcdmain: incompatible with current running cluster'],
      'this release of etcd is not one',
    ],
  ])('stops the plan: %s', (_what, errors, meaning) => {
    const found = causes({ errors });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(meaning);
    // Whoever has corrected it already reads how that comes to be known.
    expect(found[0]).toContain('start its service once');
  });

  it.each<[string, string[]]>([
    ['a log that is damaged', [failed('fatal', 'failed to open WAL', 'walpb: crc mismatch')]],
    [
      'a member that was removed',
      ['{"level":"error","msg":"the member has been permanently removed from the cluster"}'],
    ],
    ['an ID of another cluster', [discovery('member b2 has already been bootstrapped')]],
    ['a database that is damaged', ['panic: freepages: failed to get all reachable pages']],
    [
      "a file of the member's own",
      [failed('panic', 'failed to read snapshot', 'open /var/lib/etcd/member/snap/db: permission denied')],
    ],
    [
      'another error since',
      [
        discovery('incompatible with current running cluster'),
        failed('fatal', 'failed to open WAL', 'walpb: crc mismatch'),
      ],
    ],
  ])('does not where an empty data dir cures it: %s', (_what, errors) => {
    expect(causes({ errors })).toEqual([]);
  });
});

describe('a disk that was full', () => {
  const errors = [failed('panic', 'failed to create WAL', 'no space left on device'), 'panic: failed to create WAL'];
  it.each([
    ['still is', NEEDED - 1, 1],
    ['has room again', NEEDED, 0],
  ])('is looked at: it %s', (_what, freeBytes, count) => {
    expect(causes({ errors, dataDir: directory(LAYOUT.dataDir, { freeBytes }) })).toHaveLength(count);
  });
});

describe('a port that is taken', () => {
  const errors = [discovery('listen tcp 10.0.1.13:2379: bind: address already in use')];
  it.each<[string, Partial<HostInspection>, number]>([
    ['by somebody, while the unit has no process', { atWork: LISTENS }, 1],
    ['by somebody, while systemd starts the unit again and again', { errors, atWork: LISTENS, unit: RUNS }, 1],
    [
      'by the unit itself, which systemd starts again between two looks',
      { atWork: LISTENS, unit: { ...RUNS, subState: 'auto-restart', mainPid: 0 } },
      0,
    ],
    ['by nobody any more', { errors, atWork: CLOSED }, 0],
    ['by the unit itself', { atWork: LISTENS, unit: RUNS }, 0],
  ])('is looked at: %s', (_what, differences, count) => {
    expect(causes(differences)).toHaveLength(count);
  });
});

describe('a process that talks to its peers in vain', () => {
  const probed = (error: string) =>
    `{"level":"warn","ts":"2026-11-28T11:28:09.743860Z","caller":"rafthttp/probing_status.go:68","msg":"prober detected unhealthy status","round-tripper-name":"ROUND_TRIPPER_SNAPSHOT","remote-peer-id":"a79519936ed6ce62","rtt":"0s","error":"${error}"}`;
  const rejected = (error: string) =>
    `{"level":"warn","ts":"2026-11-28T11:29:13.680Z","caller":"embed/config_logging.go:287","msg":"rejected connection","remote-addr":"127.0.0.1:34486","server-name":"","error":"${error}"}`;

  const LINES: [string, string, string][] = [
    [
      'its certificate has expired',
      probed('remote error: tls: expired certificate'),
      'which has expired or is not valid yet',
    ],
    [
      'its certificate is of another CA',
      probed('remote error: tls: unknown certificate authority'),
      'another CA has signed',
    ],
    [
      '3.4: its certificate is bad',
      rejected('remote error: tls: bad certificate'),
      'its peers refuse its peer certificate',
    ],
    [
      'it trusts another CA',
      probed('tls: failed to verify certificate: x509: certificate signed by unknown authority'),
      'that it does not trust',
    ],
    [
      'its clock is behind',
      rejected(
        'tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2019-01-01T00:00:00Z is before 2020-01-01T00:00:00Z',
      ),
      'set the clock',
    ],
    [
      "its peers' names are others",
      probed('x509: certificate is valid for 10.9.9.9, not 127.0.0.1'),
      'for other names or addresses',
    ],
  ];
  it.each(LINES)('stops the plan: %s', (_what, line, meaning) => {
    const found = causes({ unit: RUNS, log: ['raft2026 starts', line, 'another line'] });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(meaning);
  });

  it.each(LINES)('does not where the process is gone, of which its last words tell nothing: %s', (_what, line) => {
    expect(causes({ log: [line] })).toEqual([]);
  });

  it('does not for what a client was refused for', () => {
    const line = rejected('remote error: tls: bad certificate').replace(/on (peer|client) endpoint/, '');
    expect(causes({ unit: RUNS, log: [line] })).toHaveLength(1);
    expect(
      causes({ unit: RUNS, log: [line.replace('rejected connection', 'rejected connection on client endpoint')] }),
    ).toEqual([]);
  });

  it('takes what the other side says for what is wrong', () => {
    const lines = [rejected('tls: failed to verify client certificate: x509: certificate signed by unknown authority')];
    const found = causes({ unit: RUNS, log: [probed('remote error: tls: expired certificate'), ...lines] });
    expect(found[0]).toContain('Its log says: remote error: tls: expired certificate');
  });
});
