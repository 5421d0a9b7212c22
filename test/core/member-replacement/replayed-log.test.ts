import { describe, expect, it } from 'vitest';
import type { AnsweringMember } from '../../../core/cluster/observation.ts';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { describeReplay } from '../../../core/member-replacement/replayed-log.ts';
import { directory, inspection, MIB, voter } from '../observations.ts';
import { crashed, plan } from './plans.ts';

const GIB = 1024 * MIB;
const FULL_ONCE = { dataDir: directory('/var/lib/etcd', { sizeBytes: 5 * GIB }) };

describe('a new member may raise NOSPACE by the log that it applies', () => {
  const leads = (differences: Partial<AnsweringMember> = {}) =>
    voter('node1', { dbSizeBytes: GIB, quotaBytes: 2 * GIB, raftAppliedIndex: '80000', ...differences });
  const on = (differences: Partial<HostInspection>) => inspection('node3', differences);

  it.each<[string, AnsweringMember, HostInspection, boolean]>([
    ['where more was written than the quota', leads(), on(FULL_ONCE), true],
    ['where less was', leads(), on({ dataDir: directory('/var/lib/etcd', { sizeBytes: 3 * GIB }) }), false],
    ['where the log has a folder of its own', leads(), on({ walDir: directory('/wal', { sizeBytes: 3 * GIB }) }), true],
    ['where the data is large and the log is not', leads(), on({ ...FULL_ONCE, walDir: directory('/wal') }), false],
    ['not where there is no quota', leads({ quotaBytes: null }), on(FULL_ONCE), false],
    ['not where it is sent a snapshot', leads({ raftAppliedIndex: '100000' }), on(FULL_ONCE), false],
    ['not where it is sent one, which 3.6 takes earlier', leads({ version: '3.6.16' }), on(FULL_ONCE), false],
    ['also with 3.6', leads({ version: '3.6.16', raftAppliedIndex: '9999' }), on(FULL_ONCE), true],
    [
      'not as far as an empty place tells',
      leads(),
      on({ dataDir: directory('/d', { sizeBytes: 0, empty: true }) }),
      false,
    ],
  ])('%s', (_, leader, host, isTold) => {
    expect(describeReplay(leader, host) !== '').toBe(isTold);
  });

  it('which its plan says before anything is changed', () => {
    const large = directory('/var/lib/etcd', { sizeBytes: 5 * GIB });
    const notes = (dataDir: HostInspection['dataDir']) =>
      plan(crashed, { inspections: { node3: { dataDir } } }).steps.filter((step) => step.startsWith('note that'));
    expect(notes(large)).toEqual([
      expect.stringMatching(
        /^note that the cluster has taken no snapshot of its log so far \(7000 entries\), .*refuses every write/,
      ),
    ]);
    expect(notes(directory('/var/lib/etcd'))).toEqual([]);
  });
});
