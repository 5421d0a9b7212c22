import { describe, expect, it } from 'vitest';
import { APPROVED, ask, REJECTED } from './approval-scene.ts';
import { failure } from './execute.ts';
import type { LockTable } from './lock-table.ts';
import { diagnosisOf, ended, eventOf, INPUT, lockOf, ME, release, remediate, tableWith } from './remediation-scene.ts';

/** Whoever was called is told when the cluster is well again, and nobody else. */

const HEALTHY = diagnosisOf('healthy');
const FULL = diagnosisOf('space-exceeded');
const FAILS = { 'Run space-reclaim': ended('space-exceeded', 'FAILED', { Error: 'UnsafeToProceed', Cause: 'Stop.' }) };
const IS_REMEDIATED = 'RESOLVED: the etcd cluster orders is remediated';
const IS_WELL = 'RESOLVED: the etcd cluster orders is well again';

const subjectsOf = ({ pages }: { pages: { subject: string }[] }) => pages.map(({ subject }) => subject);

/** A table after a remediation that has failed. */
async function afterFailure(): Promise<LockTable> {
  const { table, pages } = await remediate({ found: [FULL], answers: FAILS });
  expect(pages).toHaveLength(1);
  return table;
}

describe('a remediation that succeeds', () => {
  it('after one that has failed tells it to whoever was called, once, under the same key', async () => {
    const table = await afterFailure();
    const executed = await remediate({ found: [FULL, HEALTHY], table, name: 'run-2' });
    expect(subjectsOf(executed)).toEqual([IS_REMEDIATED]);
    expect(executed.pages[0]?.message).toMatch(
      /^orders: healthy was seen\.\n\nDone:\n- space-reclaim: Remediated\n\nExecution: https:\S+run-2\nReport: https:\S+run-2\.html$/,
    );
    expect(executed.pages[0]?.event).toMatchObject({
      event_action: 'resolve',
      dedup_key: 'etcd-remediation/local/000000000000/orders',
    });
    expect(subjectsOf(await remediate({ found: [FULL, HEALTHY], table }))).toEqual([]);
  });

  it('by finding nothing wrong any more tells it as well', async () => {
    const table = await afterFailure();
    expect(subjectsOf(await remediate({ found: [HEALTHY], table }))).toEqual([IS_WELL]);
  });

  it('after one that was cut off tells it', async () => {
    const { table } = await release(eventOf('TIMED_OUT'), { table: tableWith(lockOf(ME)) });
    expect(subjectsOf(await remediate({ found: [HEALTHY], table }))).toEqual([IS_WELL]);
  });

  it('once somebody was asked tells it to whoever was', async () => {
    expect(subjectsOf(await ask(APPROVED)).at(-1)).toBe(IS_REMEDIATED);
  });

  it('tells it once more after the next one if SNS refuses it', async () => {
    const table = await afterFailure();
    const refused = { 'Page that it is resolved': failure('Sns.AuthorizationErrorException', 'not authorized') };
    const success = await remediate({ found: [FULL, HEALTHY], answers: refused, table });
    expect(success.ended).toMatchObject({ output: { outcome: 'Remediated' } });
    expect(subjectsOf(success)).toEqual([]);
    expect(subjectsOf(await remediate({ found: [HEALTHY], table }))).toEqual([IS_WELL]);
  });

  it('and nobody was called before, tells nobody', async () => {
    expect(subjectsOf(await remediate({ found: [FULL, HEALTHY] }))).toEqual([]);
  });
});

describe('nobody is called off', () => {
  it.each<[string, Parameters<typeof remediate>[0]]>([
    ['by a dry run', { input: { ...INPUT, dryRun: true }, found: [FULL] }],
    ['by a dry run that finds nothing', { input: { ...INPUT, dryRun: true }, found: [HEALTHY] }],
    [
      'while anything is wrong that was not asked for',
      {
        input: { ...INPUT, incident: 'space-exceeded' },
        found: [diagnosisOf('space-exceeded', 'member-failed'), diagnosisOf('member-failed')],
      },
    ],
  ])('%s', async (_, scene) => {
    const table = await afterFailure();
    expect(subjectsOf(await remediate({ ...scene, table }))).toEqual([]);
    expect(table.isPaged('orders')).toBe(true);
  });

  it('by one that is rejected', async () => {
    expect(subjectsOf(await ask(REJECTED))).toEqual(['APPROVAL WANTED: the etcd cluster orders has member-failed']);
  });
});

it('a table that is away keeps nothing from ending as it does', async () => {
  const away = failure('DynamoDb.InternalServerErrorException', 'away');
  const success = await remediate({ found: [FULL, HEALTHY], answers: { 'Forget that a person was called': away } });
  expect(success.ended).toMatchObject({ output: { outcome: 'Remediated' } });
  expect(success.table.lockOf('orders')).toBeUndefined();
  const failed = await remediate({ found: [FULL], answers: { ...FAILS, 'Note that a person was called': away } });
  expect(failed.ended).toMatchObject({ error: 'UnsafeToProceed' });
  expect(failed.table.lockOf('orders')).toBeUndefined();
});
