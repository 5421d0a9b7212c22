import type { BackupRecord } from '../backups/record.ts';
import { isOlderRelease } from '../cluster/releases.ts';
import { PreconditionFailed } from '../errors.ts';
import type { HostInspection } from '../hosts/host-command-results.ts';
import { roomMisfit, WAL_BYTES } from '../hosts/host-fit.ts';
import { placeOf } from '../hosts/host-place.ts';
import type { ChooseRehearsalHost, RehearsalHost } from './contracts.ts';

/** Of the disk, so that the host's own member goes on whatever it writes meanwhile. */
const ROOM_LEFT_BYTES = 1024 ** 3;
/** What etcd takes besides its database, which it maps. */
const MEMORY_BYTES = 256 * 1024 ** 2;
/** Of its index, for each key: 600,000 of 20 bytes take 230 each, and less than that in the database (3.5.35). */
const KEY_BYTES = 256;

/** What has to be free on a host: for the backup as it is fetched, decompressed and restored, and for a defragmentation of the member meanwhile. */
export function roomFor({
  sizeBytes,
  compressedBytes,
  keys,
}: Pick<BackupRecord, 'sizeBytes' | 'compressedBytes' | 'keys'>) {
  return {
    roomBytes: compressedBytes + 2 * sizeBytes + WAL_BYTES + sizeBytes + ROOM_LEFT_BYTES,
    memoryBytes: MEMORY_BYTES + sizeBytes + (keys ?? 0) * KEY_BYTES,
  };
}

/** Why a backup could not be rehearsed on a host; empty where it could. */
export function rehearsalMisfits(
  record: Pick<BackupRecord, 'sizeBytes' | 'compressedBytes' | 'keys' | 'etcdVersion' | 'storageVersion'>,
  { refusals, etcdVersion, dataDir }: Pick<HostInspection, 'refusals' | 'etcdVersion' | 'dataDir'>,
): string[] {
  const version = record.storageVersion || record.etcdVersion;
  return [
    ...refusals.filter(({ incident }) => incident === 'quorum-lost').map(({ message }) => message),
    ...(etcdVersion === '' ? ['there is no etcd where binDir says'] : []),
    ...(etcdVersion !== '' && isOlderRelease(etcdVersion, version)
      ? [`it has etcd ${etcdVersion}, which does not start from a backup of ${version}`]
      : []),
    ...roomMisfit(dataDir, roomFor(record).roomBytes, 'a rehearsal, with room left for the member, takes'),
  ];
}

/**
 * On which host the backup is restored: that of a follower, and of these the one with most room on the disk.
 * @throws PreconditionFailed where none is fit for it, with what each lacks
 */
export function chooseRehearsalHost({ cluster, backup, members, inspected }: ChooseRehearsalHost): RehearsalHost {
  const { record } = backup;
  const hosts = members.flatMap(({ name, leads }) => {
    const report = inspected.find(({ member }) => member === name);
    if (!report) return [];
    const { host, result, problem } = report;
    const misfits = result ? rehearsalMisfits(record, result) : [problem];
    return [{ name, host, leads, result, misfits, freeBytes: result?.dataDir.freeBytes ?? 0 }];
  });
  const [best] = hosts
    .filter(({ misfits }) => misfits.length === 0)
    .toSorted((a, b) => Number(a.leads) - Number(b.leads) || b.freeBytes - a.freeBytes);
  if (!best?.result) {
    const list = hosts.flatMap(({ name, host, misfits }) =>
      misfits.map((misfit) => `\n- ${name} on ${host}: ${misfit}`),
    );
    throw new PreconditionFailed(
      `The backup ${backup.name} could be rehearsed on no host:${list.join('')}\nNothing was written anywhere. Correct this on one of them: a recovery would ` +
        'meet with the same.',
    );
  }
  const { layout } = placeOf(cluster, best.name);
  const { roomBytes, memoryBytes } = roomFor(record);
  return {
    command: {
      member: best.name,
      host: best.host,
      parameters: {
        dataDir: layout.dataDir,
        binDir: layout.binDir,
        user: layout.user,
        group: layout.group,
        revision: record.revision,
        sha256: record.sha256,
        compressedBytes: String(record.compressedBytes),
        sizeBytes: String(record.sizeBytes),
        roomBytes: String(roomBytes),
        memoryBytes: String(memoryBytes),
      },
    },
    etcdVersion: best.result.etcdVersion,
    summary: `On the host of ${best.name}, ${best.host}, beside its member.`,
  };
}
