import type { RemediationReport } from '../core/remediation/remediation-report.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../core/text/names.ts';
import type { Execution } from '../local/executions.ts';
import type { Platform } from '../local/platform.ts';
import { recordedExecution, recordedRemediation } from '../local/recorded.ts';
import type { DrillMeasures } from '../report/incident-report.ts';
import type { DrillResult, RecordedDrill } from './scenario.ts';
import type { WriteSlices } from './writer.ts';

export function recordedDrill({ executions }: Platform, result: DrillResult, slices: WriteSlices): RecordedDrill {
  const drill = measuresOf(result, slices);
  const entries = executions.of(ENTRY_STATE_MACHINE);
  const entry = entries.find(hasActed) ?? entries[0];
  if (entry) return { ...recordedRemediation(entry, executions), drill };
  const runbooks = Object.values(RUNBOOKS)
    .flatMap(({ stateMachineName }) => executions.of(stateMachineName))
    .toSorted((one, other) => one.startedAt - other.startedAt);
  return { runbooks: runbooks.map(recordedExecution), drill };
}

/** Whether it has ended, and not because another one was at it, or because there was nothing left to do. */
export function hasActed({ result }: Execution): boolean {
  if (!result) return false;
  if (result.status !== 'SUCCEEDED') return true;
  const { outcome } = result.output as unknown as RemediationReport;
  return outcome !== 'AlreadyInProgress' && outcome !== 'NothingToDo';
}

function measuresOf(result: DrillResult, { from, ...counts }: WriteSlices): DrillMeasures {
  const { scenario, etcd, detectMs, maxWriteStallMs, maxSilenceMs, ackedWrites, lostWrites, checks } = result;
  return {
    ...{ scenario, etcd, detectMs, maxWriteStallMs, maxSilenceMs, ackedWrites, checks },
    lostWrites: Number.isNaN(lostWrites) ? null : lostWrites,
    writes: { from: new Date(from).toISOString(), ...counts },
  };
}
