import type { FoundBackups } from '../backups/contracts.ts';
import type { BackupRecord } from '../backups/record.ts';
import { isOlderRelease } from '../cluster/releases.ts';
import { firstLine } from '../text/format.ts';
import { chooseExamination } from './choose-recovery.ts';
import type { FindRecoveryBackup, ListedBackup, RecoveryBackup } from './contracts.ts';
import { strangeDataIn, withoutStrange } from './data-cluster.ts';
import { forgottenDataIn } from './forgotten-data.ts';
import { describeListed } from './listed-backups.ts';
import { rankCandidates } from './recovery-candidates.ts';
import { surveyServices } from './services.ts';

type Listed = ListedBackup & { key: string; sha256: string };

/** The newest of what was salvaged: whose it is, and of which cluster, which is empty where nobody can tell. */
interface Left {
  member: string;
  revision: string;
  clusterId: string;
}

/**
 * Which of the cluster's own backups is fetched, without anybody naming one: the newest that the hosts can restore, if nothing is left that is as new.
 * The newest is that which was made last, and not that of the highest revision: a cluster that was begun anew counts from one. For the same reason
 * a backup comes before data that is left only where both are of one cluster, and its revision is higher; a person may still name it. In the place of
 * one that is damaged comes the next older one.
 */
export function chooseBackup(input: FindRecoveryBackup, found: FoundBackups): RecoveryBackup & { summary: string } {
  const left = newestLeft(input);
  const hosts = input.inspections.flatMap(({ result }) => (result?.etcdVersion ? [result.etcdVersion] : []));
  const listed = found.backups.map((backup, at): Listed => {
    const { name, key, takenAt, record } = backup;
    const damage = input.damaged.find((each) => each.name === name)?.problem;
    const obstacle =
      damage !== undefined
        ? `it is damaged: ${firstLine(damage).replace(/\.$/, '')}`
        : record
          ? obstacleTo(record, { left, hosts, later: found.backups.slice(0, at) }) ||
            notApproved(record, found.backups.slice(0, at), input)
          : `what is known of it cannot be read: ${firstLine(backup.problem)}`;
    return {
      name,
      key,
      sha256: record?.sha256 ?? '',
      takenAt,
      revision: record?.revision ?? '',
      etcdVersion: record?.etcdVersion ?? '',
      givenUp: record && left ? lessThan(left, record) : null,
      obstacle,
    };
  });
  const chosen = listed.find(({ obstacle }) => obstacle === '');
  const examine = chosen
    ? chooseExamination(
        surveyServices(input).filter(({ inspection }) => inspection !== null),
        input,
        chosen.sha256,
      )
    : null;
  const backups = listed.map(({ key: _, sha256: __, ...each }) => each);
  return {
    chosen: chosen ? { name: chosen.name, key: chosen.key, takenAt: chosen.takenAt } : null,
    examine,
    backups,
    problem: found.problem,
    summary: summarize(found, backups, chosen),
  };
}

function newestLeft(input: FindRecoveryBackup): Left | undefined {
  const strange = [...strangeDataIn(input), ...forgottenDataIn(surveyServices(input), input)];
  const salvaged = withoutStrange(input.salvaged, strange);
  const [best] = rankCandidates({ ...input, salvaged, examined: null });
  if (!best) return undefined;
  const clusterId = salvaged.find(({ member }) => member === best.member)?.result?.clusterId ?? '';
  return { member: best.member, revision: best.revision, clusterId };
}

interface Beside {
  left: Left | undefined;
  hosts: readonly string[];
  /** Those that were made after it. */
  later: FoundBackups['backups'];
}

/** Why it is not taken by itself; empty where nothing is in its way. */
function obstacleTo(record: BackupRecord, { left, hosts, later }: Beside): string {
  // A cluster that is begun anew with the same members and the same token has the same ID, and counts from one again.
  const behind = later.find(
    ({ record: each }) => each?.clusterId === record.clusterId && BigInt(each.revisionAtMost) < BigInt(record.revision),
  );
  if (behind?.record) {
    return (
      `${behind.name} was made later and is only at revision ${behind.record.revisionAtMost}: the cluster was begun anew in between, ` +
      'and this is what it held before. Name it with parameters.snapshot if it is the one that is wanted'
    );
  }
  const version = record.storageVersion || record.etcdVersion;
  const older = hosts.find((host) => isOlderRelease(host, version));
  if (older !== undefined) return `it is of etcd ${version}, and the hosts have ${older}, which does not start from it`;
  if (!left) return '';
  if (left.clusterId !== record.clusterId) {
    const whose = left.clusterId === '' ? 'of which cluster nobody can tell' : `of the cluster ${left.clusterId}`;
    return `${left.member} holds revision ${left.revision} ${whose}, and it is of ${record.clusterId}: name it with parameters.snapshot if it is the one that is wanted`;
  }
  if (BigInt(record.revision) > BigInt(left.revision)) return '';
  return `${left.member} holds revision ${left.revision}`;
}

/**
 * What was approved is held to by its revision, and that says nothing of what another cluster held: in the place of a backup that turned out damaged since,
 * its revision may be any.
 */
function notApproved(
  { revision, clusterId }: BackupRecord,
  later: FoundBackups['backups'],
  { damaged, parameters: { atLeastRevision } }: FindRecoveryBackup,
): string {
  if (atLeastRevision === undefined || BigInt(revision) <= BigInt(atLeastRevision)) return '';
  const instead = later.find(
    ({ name, record }) => record && record.clusterId !== clusterId && damaged.some((each) => each.name === name),
  );
  if (!instead) return '';
  return `it is of the cluster ${clusterId}, and ${instead.name}, which is damaged, of ${instead.record?.clusterId}: that was not approved. Start again for a new plan`;
}

/** How many writes would be given up that are left; null where the two cannot be compared. */
function lessThan({ revision, clusterId }: Left, record: BackupRecord): string | null {
  if (clusterId !== record.clusterId) return null;
  const less = BigInt(revision) - BigInt(record.revision);
  return (less > 0n ? less : 0n).toString();
}

function summarize(found: FoundBackups, listed: readonly ListedBackup[], chosen: ListedBackup | undefined): string {
  if (found.problem !== '') return `The backups cannot be looked at: ${firstLine(found.problem)}`;
  const [newest] = listed;
  if (!newest) return 'There is no backup.';
  return chosen
    ? `The backup ${describeListed(chosen)} is fetched.`
    : `No backup is fetched. ${describeListed(newest)}.`;
}
