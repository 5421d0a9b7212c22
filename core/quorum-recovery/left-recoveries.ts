import type { HostInspection, InspectionReport } from '../hosts/host-command-results.ts';

/**
 * Quorum recoveries that were cut off and have left their word on hosts, a sentence each. Where all hosts say `kept` and the cluster has its quorum, such a
 * recovery is done with.
 *
 * Its runbook brings it to an end, but only while the quorum is lost. Where someone has brought the cluster back in another way, the next loss would begin with
 * it, and put data of that time back into its place.
 * @param inspected one for each host @param conditions what a diagnosis has found; undefined where there is none
 */
export function describeLeftRecoveries(
  inspected: readonly InspectionReport[],
  conditions: readonly string[] | undefined,
): string[] {
  const isLost = conditions?.includes('quorum-lost');
  const isUnknown = conditions?.includes('quorum-inaccessible') ?? true;
  const found = inspected.flatMap(({ member, host, result }) =>
    result ? result.recoveries.map((recovery) => ({ ...recovery, member, host, result })) : [],
  );
  const byExecution = [...Map.groupBy(found, ({ execution }) => execution)];
  return byExecution.flatMap(([execution, hosts]) => {
    if (!isLost && hosts.every(({ phase }) => phase === 'kept')) return [];
    const list = hosts.map(({ member, host, phase }) => `${host}${member && ` (${member})`}: ${phase}`).join(', ');
    const seen = `a quorum recovery of the execution ${execution} was interrupted (${list})`;
    const finish = 'run the runbook for quorum-lost again, which brings it to its end';
    if (isLost) return [`${seen}: ${finish}`];
    if (isUnknown) return [`${seen}: where the quorum is lost, ${finish}`];
    const folders = hosts.map(({ host, result }) => `${folderOf(result, execution)} on ${host}`).join(', ');
    return [
      `${seen}, and the cluster has its quorum all the same. At the next loss the runbook for quorum-lost would begin with bringing it to its end, and may put data of that ` +
        `time back into its place. Once every member is healthy, delete what it has left, which nothing uses: ${folders}`,
    ];
  });
}

/** As documents/parts/scratch.sh places it. */
function folderOf({ dataDir: { realPath, isMountPoint } }: HostInspection, execution: string): string {
  if (isMountPoint) return `${realPath}/archived.${execution}.scratch`;
  const at = realPath.lastIndexOf('/');
  return `${realPath.slice(0, at)}/.etcd-remediation.${realPath.slice(at + 1)}.${execution}`;
}
