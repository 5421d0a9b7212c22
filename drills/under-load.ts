import type { Incident } from '../core/runbooks.ts';
import type { ExecutionResult } from '../local/asl/execution.ts';
import type { JsonObject } from '../local/asl/json.ts';
import type { HostFault } from '../local/aws/host-faults.ts';
import { countStateTransitions } from '../report/state-transitions.ts';
import { reportedOutcome, settles, until } from './conditions.ts';
import { recordedDrill } from './recorded-drill.ts';
import type { DrillCheck, DrillProgress, DrillResult } from './scenario.ts';
import { type BaseStage, CLUSTER_NAME } from './stage.ts';
import { countLostWrites } from './witness.ts';
import type { WriterOptions } from './writer.ts';
import { WriterThread } from './writer-thread.ts';
import type { WriterFigures } from './writer-worker.ts';

/** Writes that have to be accepted after the remediation before the drill ends. */
const WRITES_AFTERWARDS = 50;

/** Runs a drill on a stage with a writer, and closes both however it ends. */
export async function underLoad(
  stage: BaseStage,
  load: Omit<WriterOptions, 'tls' | 'login'>,
  drill: (writer: WriterThread) => Promise<DrillResult>,
): Promise<DrillResult> {
  const { tls, login } = stage.secrets;
  const writer = new WriterThread({ ...load, tls, login });
  try {
    const result = await drill(writer);
    stage.record(recordedDrill(stage.platform, result, (await writer.ask('look')).slices));
    return result;
  } finally {
    await writer.end().finally(() => stage.close());
  }
}

/** Lets the writer flood the cluster. @returns once `writes` are acknowledged; the flood goes on */
export async function flood(writer: WriterThread, writes: number): Promise<void> {
  await writer.ask('start');
  await until(`${writes} writes are acknowledged`, async () => (await writer.ask('look')).ackedWrites >= writes);
}

export interface Remediation {
  incident: string;
  execution: ExecutionResult;
  startedAt: number;
  remediateMs: number;
  /** The execution's output, or its error and cause. */
  report: unknown;
  /** Whether a fault has ended the first execution, and this is the next one. */
  isSecond: boolean;
}

/** Lets the incident be remediated, to the end, however that is. What a fault has ended is started again, as the person on call does. */
export async function remediate(
  { platform }: BaseStage,
  incident: Incident,
  parameters: JsonObject,
  { onEvent, say }: DrillProgress,
  faults: readonly HostFault[] = [],
): Promise<Remediation> {
  const startedAt = Date.now();
  const execute = () => platform.execute({ incident, input: { cluster: CLUSTER_NAME, parameters }, onEvent });
  platform.faults.push(...faults);
  let execution = await execute();
  const isSecond = execution.status !== 'SUCCEEDED' && platform.faults.length < faults.length;
  if (execution.status !== 'SUCCEEDED' && isSecond) {
    say(`It has ended with ${execution.error}: ${execution.cause}`);
    say('Starting it again');
    execution = await execute();
  }
  const remediateMs = Date.now() - startedAt;
  const report =
    execution.status === 'SUCCEEDED' ? execution.output : { error: execution.error, cause: execution.cause };
  return { incident, execution, startedAt, remediateMs, report, isSecond };
}

/** Waits until writes are accepted, ends them, and reads every acknowledged key back. What cannot be read is NaN lost. @returns its figures too */
export async function readBack(
  { witness }: BaseStage,
  writer: WriterThread,
  progress: DrillProgress,
): Promise<{ lostWrites: number; goesOn: DrillCheck; figures: WriterFigures }> {
  const { ackedWrites: before } = await writer.ask('look');
  const ok = await settles(async () => (await writer.ask('look')).ackedWrites >= before + WRITES_AFTERWARDS);
  const figures = await writer.ask('stop');
  const detail = `${figures.ackedWrites - before} accepted since the end of the remediation`;
  const acknowledged = await writer.ask('acknowledged');
  progress.say(`Reading back ${acknowledged.size} acknowledged keys`);
  const lostWrites = await countLostWrites(acknowledged, witness.etcdctl).catch((error: Error) => {
    progress.say(`They cannot be read: ${error.message}`);
    return Number.NaN;
  });
  return { lostWrites, goesOn: { name: 'writes go on', ok, detail }, figures };
}

export function faultsHaveStruck({ platform }: BaseStage, faults: readonly HostFault[] = []): DrillCheck[] {
  if (faults.length === 0) return [];
  const left = platform.faults.map(({ name, command }) => `${name}@${command}`).join(', ');
  return [
    { name: 'every fault has struck', ok: left === '', detail: left === '' ? `${faults.length}` : `not ${left}` },
  ];
}

export function nothingIsLost(lostWrites: number): DrillCheck {
  return { name: 'all acknowledged keys are read back', ok: lostWrites === 0, detail: `${lostWrites} lost` };
}

type Measured = 'outcome' | 'incident' | 'remediateMs' | 'stateTransitions' | 'report';
type Counted = 'maxWriteStallMs' | 'maxSilenceMs' | 'ackedWrites';

/** A drill's result: what was measured of the remediation and by the writer, and what the scenario says itself. */
export function resultOf(
  { etcdVersion }: BaseStage,
  { incident, execution, remediateMs, report }: Omit<Remediation, 'isSecond'>,
  { maxWriteStallMs, maxSilenceMs, ackedWrites }: WriterFigures,
  own: Omit<DrillResult, 'etcd' | Measured | Counted>,
): DrillResult {
  return {
    ...own,
    etcd: etcdVersion,
    outcome: reportedOutcome(report),
    incident,
    remediateMs,
    maxWriteStallMs,
    maxSilenceMs,
    ackedWrites,
    stateTransitions: countStateTransitions(execution.history),
    report,
  };
}
