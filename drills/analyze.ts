import type { StoreAnalysis } from '../core/space-reclaim/store-analysis.ts';
import { Connection } from '../lambdas/etcd/connection.ts';
import { until } from './conditions.ts';
import { bytesOf, KNOWN_KEYS, type KnownKeys, writeKnownKeys } from './known-keys.ts';
import { noAlarmIsLeft } from './proofs.ts';
import type { DrillCheck, DrillOptions, DrillProgress, DrillResult } from './scenario.ts';
import { CLUSTER_NAME, type Stage, setStage } from './stage.ts';
import { nothingIsLost, readBack, remediate, resultOf, underLoad } from './under-load.ts';
import { alarms } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

const VALUE_BYTES = 64 * 1024;
/** Of the quota, what the flood has in use when everything else is history. */
const IN_USE_SHARE = 0.25;
const FLOOD = 'drill/flood/';
/** More than it takes. */
const SECONDS = 60;

/** What is added to a drill's result: what was found before the flood, when the store was full, and at the end of the remediation. */
interface AnalyzeResult extends DrillResult {
  analyses: { before: StoreAnalysis; full: StoreAnalysis; after: StoreAnalysis | null };
}

/**
 * 1. Write keys of which everything is known, and hold an analysis against that.
 * 2. Break: a writer overwrites other keys until etcd raises NOSPACE. An analysis of the full store has to name them.
 * 3. Remediate: the report has to say what fills the store then.
 * 4. Prove: every figure is so, and no acknowledged write is lost.
 */
export async function analyze(options: DrillOptions, progress: DrillProgress): Promise<DrillResult> {
  const stage = await setStage(options, progress);
  const load = {
    endpoints: stage.cluster.members.map((member) => member.clientUrl),
    keys: Math.max(1, Math.floor((options.sizeMiB * 1024 * 1024 * IN_USE_SHARE) / VALUE_BYTES)),
    valueBytes: VALUE_BYTES,
  };
  return underLoad(stage, load, (writer) => drill(stage, writer, options, progress));
}

async function drill(
  stage: Stage,
  writer: WriterThread,
  { sizeMiB }: DrillOptions,
  progress: DrillProgress,
): Promise<AnalyzeResult> {
  progress.say(`Writing ${KNOWN_KEYS.reduce((sum, { keys }) => sum + keys, 0)} keys of which everything is known`);
  await writeTo(stage);
  progress.say('Analyzing the store');
  const before = await analyzed(stage);

  progress.say(`Writing other keys until the quota of ${sizeMiB} MiB is full`);
  await writer.ask('start');
  await until('etcd refuses a write', async () => (await writer.ask('look')).refusedAt !== undefined);
  const { refusedAt } = await writer.ask('look');
  await until('the alarm is listed', async () => (await alarms(stage.witness)).length > 0);
  const detectMs = Date.now() - (refusedAt as number);
  const flooded = [...(await writer.ask('acknowledged')).keys()].filter((key) => key.startsWith(FLOOD)).length;
  progress.say('Analyzing the full store');
  const full = await analyzed(stage);

  progress.say('The alarm NOSPACE is seen: starting the remediation');
  const remediation = await remediate(stage, 'space-exceeded', {}, progress);
  const { store: after = null } = remediation.report as { store?: StoreAnalysis | null };

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const result = resultOf(stage, remediation, figures, {
    scenario: 'analyze',
    runbook: 'space-reclaim',
    detectMs,
    lostWrites,
    members: stage.cluster.members.map(({ name }) => ({ name })),
    checks: [
      everythingIsSo('before', before, ({ versions }) => versions),
      everythingIsSo('of the full store', full, ({ versions }) => versions),
      theFloodIsFirst(full, flooded),
      // A compaction has left one of each.
      after
        ? everythingIsSo('at the end', after, () => 1)
        : { name: 'the report says what fills it', ok: false, detail: '' },
      goesOn,
      nothingIsLost(lostWrites),
      await noAlarmIsLeft(stage),
    ],
  });
  return { ...result, analyses: { before, full, after } };
}

async function writeTo({ cluster, secrets, witness }: Stage): Promise<void> {
  const endpoint = cluster.members[0]?.clientUrl ?? '';
  const connection = new Connection({ endpoint, ...secrets, deadlineMs: 10_000 });
  try {
    await writeKnownKeys(connection, async (seconds) => {
      const [, id] = /lease ([0-9a-f]+) granted/.exec(await witness.etcdctl(['lease', 'grant', `${seconds}`])) ?? [];
      if (id === undefined) throw new Error('etcdctl granted no lease.');
      return BigInt(`0x${id}`).toString();
    });
  } finally {
    connection.close();
  }
}

async function analyzed({ platform }: Stage): Promise<StoreAnalysis> {
  return (await platform.invokeStep('analyze-store', { cluster: CLUSTER_NAME, seconds: SECONDS })) as StoreAnalysis;
}

/** @param versions how many revisions of each key the database holds */
function everythingIsSo(
  when: string,
  { groups, isWhole, readKeys, totalKeys }: StoreAnalysis,
  versions: (known: KnownKeys) => number,
): DrillCheck {
  const wrong = KNOWN_KEYS.flatMap((known) => {
    const found = groups.find(({ prefix, isRest }) => prefix === known.prefix && !isRest);
    if (!found) return [`${known.prefix} is not there`];
    const { keys, bytes, revisions, revisionBytes, keysWithLease, leases } = found;
    const seen = [keys, bytes, revisions, revisionBytes, keysWithLease, leases];
    const each = versions(known);
    const size = bytesOf(known);
    const truth = [known.keys, size, known.keys * each, size * each, known.leases > 0 ? known.keys : 0, known.leases];
    return `${seen}` === `${truth}` ? [] : [`${known.prefix}: ${seen}, and not ${truth}`];
  });
  return {
    name: `every known prefix is counted as it is, ${when}`,
    ok: wrong.length === 0 && isWhole,
    detail: wrong.join('; ') || `${readKeys} of ${totalKeys} keys read`,
  };
}

function theFloodIsFirst({ groups: [first] }: StoreAnalysis, flooded: number): DrillCheck {
  const ok = first?.prefix === FLOOD && first.keys === flooded && first.revisions >= flooded;
  const detail = first ? `${first.prefix}: ${first.keys} of ${flooded} keys, ${first.revisions} revisions` : 'nothing';
  return { name: 'what has filled the store comes first', ok, detail };
}
