import { type CopiedDatabase, copyOf } from '../../core/backups/by-host.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { AnsweringMember } from '../../core/cluster/observation.ts';
import { EtcdUnavailable } from '../../core/errors.ts';
import type { EtcdMember } from '../etcd/member.ts';
import { endEarlier, runMeanwhile, type Visit } from '../hosts/run-meanwhile.ts';
import { openSsm, type Ssm } from '../hosts/ssm.ts';
import { HeldSnapshot } from './held-snapshot.ts';
import { urlToReach } from './host-upload.ts';
import { knownAfter, knownBefore } from './known-at.ts';

const COMMAND = 'copy-database';

export interface CopiedByHost {
  draft: CopiedDatabase['draft'];
  /** Of the compressed copy, on the host. */
  sizeBytes: number;
}

interface Copying {
  execution: string;
  visit: string;
  attempt: number;
  /** Ends it. */
  signal: AbortSignal;
  deadlineMs: number;
}

/** Something else on the host comes first, and why: nothing was copied. */
type GaveWay = { gaveWay: string };

/**
 * Lets the host of a member copy its database from its own disk, while a snapshot of it is kept open here. Of that only the beginning is read, and a bit more
 * when the copy is done, which shows that it was kept open for so long.
 * @throws EtcdUnavailable where it was not, or where etcd has replaced the file: the next try may do better; and what the command ends with
 */
export async function copyByHost(
  cluster: Cluster,
  member: EtcdMember,
  { execution, visit, attempt, signal, deadlineMs }: Copying,
): Promise<CopiedByHost | GaveWay> {
  const { status, known } = await knownBefore(member);
  const ssm = await openSsm({ cluster: cluster.name, access: 'backing-up' });
  const { run, copy } = copyingOn(ssm, cluster, status, { name: member.name, execution, visit, signal });
  try {
    // One that came to the host only later would copy what nobody keeps any more, in the place of this one's copy.
    if (attempt > 0) await endEarlier(ssm, COMMAND, run);
    // What it may refuse it refuses now. And which file it is has to be known before the snapshot begins: one that comes after that is another.
    const found = await copy('', '0');
    if ('gaveWay' in found) return found;
    const { inode } = found;
    const takenAt = new Date();
    const held = await HeldSnapshot.open(member.heldSnapshot(deadlineMs, signal), member.name);
    try {
      const asked = knownAfter(member, status);
      asked.catch(() => undefined);
      const copied = await copy(held.metas.hex, inode);
      if ('gaveWay' in copied) return copied;
      if (!copied.copy) throw replaced(member.name);
      await held.requireKept();
      const { snapshot, ...database } = copied.copy;
      return {
        sizeBytes: snapshot.sizeBytes,
        draft: {
          format: 1,
          cluster: cluster.name,
          member: member.name,
          way: 'host',
          takenAt: takenAt.toISOString(),
          ...known,
          ...(await asked),
          ...database,
          compressedBytes: snapshot.sizeBytes,
          sha256: snapshot.sha256,
        },
      };
    } finally {
      await held.close();
    }
  } finally {
    ssm.close();
  }
}

/**
 * Asks the host of a member for all that it would refuse, and copies nothing. To give way to another backup is no refusal: then the whole backup is put off.
 * @throws what it refuses it with
 */
export async function requireHost(
  cluster: Cluster,
  member: EtcdMember,
  { execution, signal }: Pick<Copying, 'execution' | 'signal'>,
): Promise<void> {
  const ssm = await openSsm({ cluster: cluster.name, access: 'backing-up' });
  try {
    const of = { name: member.name, execution, visit: new Date().toISOString(), signal };
    await copyingOn(ssm, cluster, await member.status(), of).copy('', '0');
  } finally {
    ssm.close();
  }
}

/** copy-database on the host of the member that answers so. Without metas it only asks what would be refused, and which file it is. */
function copyingOn(
  ssm: Ssm,
  cluster: Cluster,
  { id: memberId, clusterId }: AnsweringMember,
  { name, execution, visit, signal }: Pick<Copying, 'execution' | 'visit' | 'signal'> & { name: string },
) {
  const of = { execution, clusterId, memberId };
  const { host, parameters } = copyOf(cluster, name, of);
  const run: Visit = { execution, visit, host };
  const place = parameters as Record<'dataDir' | 'walDir', string>;
  const copy = async (metas: string, inode: string) => {
    const url = metas === '' ? await urlToReach(cluster) : '';
    return runMeanwhile(ssm, COMMAND, run, { parameters: { ...place, ...of, metas, inode, url }, signal });
  };
  return { run, copy };
}

function replaced(member: string): EtcdUnavailable {
  return new EtcdUnavailable(
    `The database of ${member} was replaced while its host was about to copy it: by a defragmentation, or by a snapshot of its leader. Nothing was copied. ` +
      'If it is so each time, "dataDir" of this member in clusters.json leads to another database than the one that it serves from.',
  );
}
