import { layoutOf } from '../cluster/clusters.ts';
import { PreconditionFailed } from '../errors.ts';
import type { InspectionReport } from '../hosts/host-command-results.ts';
import { foldersMisfit } from '../hosts/host-fit.ts';
import { formatBytes, inOneLine } from '../text/format.ts';
import { goalRatioOf } from './goals.ts';
import { isAboveShare } from './quotas.ts';
import type { RoomAssessment, WeighRoom } from './room-contracts.ts';
import { leaveAsTheyAre } from './space-steps.ts';

/** etcd's log grows while it defragments, by a whole segment at a time. */
const LOG_BYTES = 64 * 1024 * 1024;

/**
 * Whose disk has room for its defragmentation? etcd writes a whole new file beside the old one. Where that does not fit, the defragmentation
 * fails, its part of a file stays on the full disk, and the member ends.
 *
 * A disk that nobody can look at keeps nobody from the reclaim: the store may be full, and people wait.
 * @throws PreconditionFailed where a member has no room that has to become smaller
 */
export function weighRoom(request: WeighRoom): RoomAssessment {
  const { members, plan, parameters, steps } = request;
  const looks = members
    .filter(({ name }) => plan.includes(name))
    .map((member) => ({ member, ...roomOf(member, request) }));
  const short = looks.filter(({ shortage }) => shortage !== '');
  const hasToShrink = short.filter(({ member: { dbSizeBytes, quotaBytes } }) =>
    isAboveShare(goalRatioOf(request, parameters), dbSizeBytes, quotaBytes),
  );
  if (hasToShrink.length > 0) {
    const names = hasToShrink.map(({ member }) => member.name).join(', ');
    throw new PreconditionFailed(
      `The disk has no room for the defragmentation of ${names}:${hasToShrink.map(({ member, shortage }) => `\n- ${member.name}: ${shortage}`).join('')}\n` +
        `etcd would end in it, on a full disk. Nothing was changed. ${MAKE_ROOM} Or compact history by hand, which may leave less in use (docs/runbooks.md). Then start again.`,
    );
  }
  const problems = [
    ...short.map(({ member, shortage }) => `${member.name} is not defragmented: ${shortage}. ${MAKE_ROOM}`),
    ...describeUnknown(looks, request),
  ];
  return {
    withoutRoom: short.map(({ member }) => member.name),
    summary: problems.length > 0 ? problems.join(' ') : 'Each disk has room for it.',
    steps: leaveAsTheyAre(steps, new Map(short.map(({ member, shortage }) => [member.name, shortage]))),
  };
}

const MAKE_ROOM =
  'Make room on that disk: enlarge it, or delete what is not of etcd. A db.tmp that a failed defragmentation has left goes when etcd is started again.';

type Look = { member: { name: string }; problem: string };

/** Where it is the same for several, it is reported once: each names its own host. */
function describeUnknown(looks: readonly Look[], { cluster: { members } }: WeighRoom): string[] {
  const hosts = new Map(members.map(({ name, host = '' }) => [name, host]));
  const alike = Map.groupBy(
    looks.filter(({ problem }) => problem !== ''),
    ({ member, problem }) => problem.replaceAll(hosts.get(member.name) ?? '', ''),
  );
  return [...alike.values()].map((same) => {
    const [first, ...others] = same.map(({ member }) => member.name);
    const more = others.length > 0 ? ` It is the same with ${others.join(', ')}.` : '';
    return `How much room the disk of ${first} has is not known: ${same[0]?.problem}.${more}`;
  });
}

/** What it lacks, or why nobody knows; both are empty where there is room. */
function roomOf(
  { name, dbSizeInUseBytes }: WeighRoom['members'][number],
  { cluster, inspected, unasked }: WeighRoom,
): { shortage: string; problem: string } {
  const member = cluster.members.find((each) => each.name === name);
  if (!member?.host) return { shortage: '', problem: 'clusters.json names no host' };
  const report = inspected.find((each) => each.member === name);
  const inspection = report?.result;
  if (!inspection) return { shortage: '', problem: `its host could not be looked at (${whyNot(report, unasked)})` };
  const { dataDir } = inspection;
  const misfits = foldersMisfit(layoutOf(cluster, member), inspection);
  const problem = misfits[0] ?? (dataDir.exists ? '' : `there is no ${dataDir.path} on its host`);
  const neededBytes = dbSizeInUseBytes + LOG_BYTES;
  if (problem !== '' || dataDir.freeBytes >= neededBytes) return { shortage: '', problem };
  return {
    shortage:
      `${formatBytes(dataDir.freeBytes)} are free at ${dataDir.realPath}, and a defragmentation needs ${formatBytes(neededBytes)}: ` +
      `${formatBytes(dbSizeInUseBytes)} for what is in use of the database, and ${formatBytes(LOG_BYTES)} for the log, which grows meanwhile`,
    problem: '',
  };
}

/** In one line, as a part of a sentence. What would bring a host into reach stands behind the list, and nobody has to do it for this. */
function whyNot(report: InspectionReport | undefined, unasked: string): string {
  const lines = (report?.problem || unasked).split('\n');
  const lastOfList = lines.findLastIndex((line) => line.startsWith('- '));
  const told = lastOfList < 0 ? lines : lines.slice(0, lastOfList + 1);
  return inOneLine(told.join('\n')).replace(/[.:]$/, '');
}
