import type { Incident } from '../core/contracts/execution-input.ts';
import { EtcdUnavailable } from '../core/errors.ts';
import type { ExecutionResult } from '../local/asl/execution.ts';
import { countStateTransitions } from '../local/asl/history.ts';
import type { JsonObject } from '../local/asl/json.ts';
import { outcomeOf, settles, until } from './conditions.ts';
import type { DrillCheck, DrillProgress, DrillResult } from './scenario.ts';
import { type BaseStage, CLUSTER_NAME } from './stage.ts';
import { Writer, type WriterOptions } from './writer.ts';

/** Writes that have to be accepted after the remediation before the drill ends. */
const WRITES_AFTERWARDS = 50;

/** Runs a drill on a stage with a writer, and closes both however it ends. */
export async function underLoad(
  stage: BaseStage,
  load: Omit<WriterOptions, 'tls' | 'login'>,
  drill: (writer: Writer) => Promise<DrillResult>,
): Promise<DrillResult> {
  const { tls, login } = stage.secrets;
  const writer = new Writer({ ...load, tls, login });
  try {
    return await drill(writer);
  } finally {
    await writer.stop();
    writer.close();
    await stage.close();
  }
}

/** Lets the writer flood the cluster. @returns once `writes` are acknowledged; the flood goes on */
export async function flood(writer: Writer, writes: number): Promise<void> {
  writer.start();
  await until(`${writes} writes are acknowledged`, async () => writer.ackedWrites >= writes);
}

export interface Remediation {
  incident: string;
  execution: ExecutionResult;
  startedAt: number;
  remediateMs: number;
  /** The execution's output, or its error and cause. */
  report: unknown;
}

/** Lets the incident be remediated, to the end, however that is. */
export async function remediate(
  { platform }: BaseStage,
  incident: Incident,
  parameters: JsonObject,
  { onEvent }: DrillProgress,
): Promise<Remediation> {
  const startedAt = Date.now();
  const execution = await platform.execute({ incident, input: { cluster: CLUSTER_NAME, parameters }, onEvent });
  const remediateMs = Date.now() - startedAt;
  const report =
    execution.status === 'SUCCEEDED' ? execution.output : { error: execution.error, cause: execution.cause };
  return { incident, execution, startedAt, remediateMs, report };
}

/** Waits until writes are accepted, ends them, and reads every acknowledged key back. What cannot be read is NaN lost. */
export async function readBack(
  writer: Writer,
  progress: DrillProgress,
): Promise<{ lostWrites: number; goesOn: DrillCheck }> {
  const before = writer.ackedWrites;
  const ok = await settles(async () => writer.ackedWrites >= before + WRITES_AFTERWARDS);
  const detail = `${writer.ackedWrites - before} accepted since the end of the remediation`;
  await writer.stop();
  progress.say(`Reading back ${writer.acknowledgedKeys} acknowledged keys`);
  const lostWrites = await writer.countLostWrites().catch((error: unknown) => {
    if (error instanceof EtcdUnavailable) return Number.NaN;
    throw error;
  });
  return { lostWrites, goesOn: { name: 'writes go on', ok, detail } };
}

export function nothingIsLost(lostWrites: number): DrillCheck {
  return { name: 'all acknowledged keys are read back', ok: lostWrites === 0, detail: `${lostWrites} lost` };
}

type Measured = 'outcome' | 'incident' | 'remediateMs' | 'stateTransitions' | 'report';
type Counted = 'maxWriteStallMs' | 'maxSilenceMs' | 'ackedWrites';

/** A drill's result: what was measured of the remediation and by the writer, and what the scenario says itself. */
export function resultOf(
  { etcdVersion }: BaseStage,
  { incident, execution, remediateMs, report }: Remediation,
  { maxWriteStallMs, maxSilenceMs, ackedWrites }: Writer,
  own: Omit<DrillResult, 'etcd' | Measured | Counted>,
): DrillResult {
  return {
    ...own,
    etcd: etcdVersion,
    outcome: outcomeOf(report),
    incident,
    remediateMs,
    maxWriteStallMs,
    maxSilenceMs,
    ackedWrites,
    stateTransitions: countStateTransitions(execution.history),
    report,
  };
}
