import { changeValue } from '../local/hosts/damage.ts';
import { until } from './conditions.ts';
import { everyMemberHoldsTheSame, everyMemberVotes, idsOf, noAlarmIsLeft, oldDataIsKept } from './proofs.ts';
import type { DrillCheck, DrillOptions, DrillProgress, DrillResult } from './scenario.ts';
import { type HostedStage, setHostedStage } from './stage.ts';
import { faultsHaveStruck, flood, nothingIsLost, readBack, remediate, resultOf, underLoad } from './under-load.ts';
import { alarms } from './witness.ts';
import type { WriterThread } from './writer-thread.ts';

/** Data that differ do not become the same: seconds are enough to be sure. */
const CONFIRM_SECONDS = 2;
/** etcd's own check, which is off by default. */
const CORRUPT_CHECK_MS = 1_000;
const LOADED_KEYS = 500;
const KEY = 'price';
const VALUE = 'what was paid for it';

/**
 * 1. Break: stop a member (two of five), change the bytes of a value in its database, and start it. It answers, follows, votes, and serves
 *    the wrong value.
 * 2. Detect: etcd's leader compares the members, and raises CORRUPT. From here on etcd refuses every write.
 * 3. Remediate: the entry is the cluster's name, and a shorter confirmation.
 * 4. Prove: every member serves the right value, writes go on, every acknowledged one is read back, all voters hold the same data, the old
 *    data is kept.
 */
export async function dataCorrupt(options: DrillOptions, progress: DrillProgress): Promise<DrillResult> {
  const stage = await setHostedStage({ ...options, corruptCheckMs: CORRUPT_CHECK_MS }, progress);
  const broken = stage.cluster.members.slice(options.members > 3 ? -2 : -1).map(({ name }) => name);
  const kept = stage.cluster.members.filter(({ name }) => !broken.includes(name));
  const load = { endpoints: kept.map(({ clientUrl }) => clientUrl), keys: LOADED_KEYS, valueBytes: 1024 };
  return underLoad(stage, load, (writer) => drill(stage, writer, broken, options, progress));
}

async function drill(
  stage: HostedStage,
  writer: WriterThread,
  broken: readonly string[],
  { faults }: DrillOptions,
  progress: DrillProgress,
): Promise<DrillResult> {
  await stage.witness.etcdctl(['put', KEY, VALUE]);
  progress.say(`Writing ${LOADED_KEYS} keys; small writes then go on to the end`);
  await flood(writer, LOADED_KEYS);
  await writer.ask('slowDown');
  const before = await idsOf(stage);
  progress.say(`Changing the bytes of a value in the database of ${broken.join(' and ')}`);
  for (const name of broken) await changeValue(stage.cluster, name, VALUE);
  const brokenAt = Date.now();
  progress.say('Waiting until etcd itself has compared its members');
  await until('the alarm is listed', async () => (await alarms(stage.witness)).length > 0);
  const detectMs = Date.now() - brokenAt;
  const wrong = await readBy(stage, broken);

  progress.say(
    `The alarm CORRUPT is raised, and ${broken.join(' and ')} ${broken.length === 1 ? 'serves' : 'serve'} "${wrong}". Starting the remediation`,
  );
  const remediation = await remediate(stage, 'data-corrupt', { confirmSeconds: CONFIRM_SECONDS }, progress, faults);

  const { goesOn, lostWrites, figures } = await readBack(stage, writer, progress);
  const after = await idsOf(stage);
  return resultOf(stage, remediation, figures, {
    scenario: 'data-corrupt',
    runbook: 'member-repair',
    detectMs,
    lostWrites,
    members: [...after].map(([name, idAfter]) => ({
      name,
      idBefore: before.get(name) ?? '',
      idAfter,
      replaced: broken.includes(name),
    })),
    checks: [
      goesOn,
      nothingIsLost(lostWrites),
      await everyMemberServes(stage, wrong),
      await everyMemberVotes(stage),
      await everyMemberHoldsTheSame(stage),
      await noAlarmIsLeft(stage),
      // The first execution has reported what it moved aside.
      ...(remediation.isSecond ? [] : [await oldDataIsKept(stage, broken, remediation.report)]),
      ...faultsHaveStruck(stage, faults),
    ],
  });
}

/** What these serve from their own databases, each once. */
async function readBy({ witness }: HostedStage, names: readonly string[]): Promise<string> {
  const values = await Promise.all(
    names.map((name) => witness.etcdctl(['get', KEY, '--consistency=s', '--print-value-only'], name)),
  );
  return [...new Set(values.map((value) => value.trim()))].join(', ');
}

async function everyMemberServes(stage: HostedStage, wrong: string): Promise<DrillCheck> {
  const names = stage.cluster.members.map(({ name }) => name);
  const served = await readBy(stage, names);
  const detail = `"${served}"; it was "${wrong}" where the bytes were changed`;
  return { name: 'every member serves the right value', ok: served === VALUE && wrong !== VALUE, detail };
}
