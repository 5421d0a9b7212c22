import type { FoundBackups } from '../backups/contracts.ts';
import { describeRehearsals, isLate, rehearsedEveryDays } from '../backups/rehearsal.ts';
import type { Cluster } from '../cluster/clusters.ts';
import type { InspectionReport } from '../hosts/host-command-results.ts';
import { firstLine } from '../text/format.ts';
import { rehearsalMisfits } from './choose-rehearsal-host.ts';

interface Seen {
  cluster: Cluster;
  own: FoundBackups;
  inspected: readonly InspectionReport[];
  nowMs: number;
}

/** What a check says of the rehearsals of a cluster's own backups: a sentence in one of these. */
export interface CheckedRehearsals {
  finding?: string;
  well?: string;
  unchecked?: string;
}

export function checkRehearsals({ cluster, own, inspected, nowMs }: Seen): CheckedRehearsals {
  const everyDays = rehearsedEveryDays(cluster);
  if (everyDays === undefined) {
    const why =
      cluster.backups?.rehearse?.everyDays === 0
        ? '"everyDays" of "rehearse" is 0'
        : 'clusters.json names no "host" of a member, and a backup is rehearsed on one';
    return { unchecked: `whether a backup can be restored is not rehearsed: ${why}` };
  }
  const { rehearsed } = own;
  if (rehearsed === undefined) return { unchecked: 'what is known of the rehearsals could not be read' };
  if (rehearsed?.last.outcome === 'Failed') {
    const { error, problem } = rehearsed.last;
    return { finding: `${describeRehearsals(rehearsed)}. It failed with ${error}: ${firstLine(problem)}` };
  }
  if (rehearsed && isLate(rehearsed, everyDays, nowMs)) {
    const executions = 'look at the executions of etcd-remediation-rehearsal';
    return { finding: `${describeRehearsals(rehearsed)}, and one is every ${everyDays} days: ${executions}` };
  }
  const impossible = whyNowhere({ cluster, own, inspected });
  if (impossible !== '') return { finding: `the newest backup could be rehearsed on no host: ${impossible}` };
  if (!rehearsed) return { unchecked: 'no backup was rehearsed so far' };
  const message = describeRehearsals(rehearsed);
  return rehearsed.passed ? { well: message } : { unchecked: `no backup was rehearsed so far: ${message}` };
}

/** Empty where it could be on one, or nobody knows. */
function whyNowhere({ cluster, own, inspected }: Omit<Seen, 'nowMs'>): string {
  const record = own.backups[0]?.record;
  if (!record) return '';
  const hosts = cluster.members.flatMap(({ name }) => {
    const result = inspected.find(({ member }) => member === name)?.result;
    return result ? [{ name, misfits: rehearsalMisfits(record, result) }] : [];
  });
  if (hosts.length === 0 || hosts.some(({ misfits }) => misfits.length === 0)) return '';
  return hosts.map(({ name, misfits }) => `${name}: ${misfits.join(', ')}`).join('; ');
}
