import { describe, expect, it } from 'vitest';
import type { HostInspection, InspectionReport } from '../../../core/hosts/host-command-results.ts';
import { chooseRehearsalHost, roomFor } from '../../../core/rehearsal/choose-rehearsal-host.ts';
import { directory, inspected, LAYOUT } from '../observations.ts';
import { BACKUP, CLUSTER } from './rehearsals.ts';

const GIB = 1024 ** 3;
const free = (gib: number): Partial<HostInspection> => ({
  dataDir: directory(LAYOUT.dataDir, { freeBytes: gib * GIB }),
});
const MEMBERS = ['node2', 'node3', 'node1'].map((name) => ({ name, leads: name === 'node1' }));

function choose(reports: InspectionReport[], record = BACKUP.record) {
  return chooseRehearsalHost({
    ...{ cluster: CLUSTER, members: MEMBERS, inspected: reports },
    backup: { ...BACKUP, record },
  });
}

describe('the host of a rehearsal', () => {
  it('is that of a follower, and of these the one with most room', () => {
    const all = [inspected('node1', free(90)), inspected('node2', free(10)), inspected('node3', free(20))];
    const { command, etcdVersion } = choose(all);
    expect([command.member, etcdVersion]).toEqual(['node3', '3.5.30']);
    expect(command.parameters).toEqual({
      ...{ dataDir: LAYOUT.dataDir, binDir: LAYOUT.binDir, user: LAYOUT.user, group: LAYOUT.group },
      ...{ revision: '3000', sha256: BACKUP.record.sha256, compressedBytes: '1000', sizeBytes: '1048608' },
      roomBytes: String(roomFor(BACKUP.record).roomBytes),
      memoryBytes: String(roomFor(BACKUP.record).memoryBytes),
    });
  });

  it("is the leader's where no other is fit", () => {
    expect(choose([inspected('node1', free(90)), inspected('node2', free(1)), inspected('node3', null)])).toMatchObject(
      {
        command: { member: 'node1' },
      },
    );
  });

  it('is none where each lacks something, and the error says what, of each', () => {
    const missing = { incident: 'quorum-lost', refusal: 'etcdutl-missing', message: 'There is no etcdutl.' } as const;
    const reports = [
      inspected('node1', free(1)),
      inspected('node2', { ...free(90), refusals: [missing] }),
      inspected('node3', { ...free(90), etcdVersion: '3.4.23' }),
    ];
    expect(() => choose(reports)).toThrow(
      expect.objectContaining({
        name: 'PreconditionFailed',
        message: expect.stringMatching(
          /node2 on .*There is no etcdutl[\s\S]*node3 on .*3\.4\.23, which does not start from a backup of 3\.5\.30[\s\S]*node1 on .*1\.0 GiB are free.*Nothing was written/s,
        ),
      }),
    );
  });

  it('has room for the backup three times, for a defragmentation of its member, and for what that writes meanwhile', () => {
    const sizes = { sizeBytes: 4 * GIB, compressedBytes: GIB, keys: 1000 };
    expect(roomFor(sizes).roomBytes).toBe(GIB + 3 * 4 * GIB + 128 * 1024 ** 2 + GIB);
    // An index of small keys is larger than their database.
    expect(roomFor({ ...sizes, keys: 20_000_000 }).memoryBytes).toBe(256 * 1024 ** 2 + 4 * GIB + 20_000_000 * 256);
    expect(roomFor({ ...sizes, keys: null }).memoryBytes).toBe(256 * 1024 ** 2 + 4 * GIB);
    const large = { ...BACKUP.record, ...sizes };
    expect(() => choose([inspected('node2', free(14))], large)).toThrow(/14\.0 GiB are free/);
    expect(choose([inspected('node2', free(15))], large).command.member).toBe('node2');
  });
});
