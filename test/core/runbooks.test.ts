import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONDITIONS } from '../../core/diagnosis/diagnosis.ts';
import { INCIDENTS, RUNBOOKS } from '../../core/runbooks.ts';
import { failureOf } from './observations.ts';

const ROOT = join(import.meta.dirname, '../..');

describe.each(INCIDENTS)('the runbook for %s', (incident) => {
  const runbook = RUNBOOKS[incident];

  it('lies in a folder of its name, and has a workflow of that name', () => {
    expect(existsSync(join(ROOT, 'core', runbook.runbook, 'runbook.ts'))).toBe(true);
    expect(existsSync(join(ROOT, 'lib/workflows', `${runbook.runbook}.ts`))).toBe(true);
  });

  it('is started with a cluster and no more, and knows its incident then', () => {
    expect(runbook.input.parse({ cluster: 'orders' })).toMatchObject({ incident, parameters: expect.any(Object) });
  });

  it('has an alarm of its incident, which needs not say it', () => {
    expect(runbook.alarms[incident]).toBeDefined();
    expect(runbook.alarms[incident]?.saysIncident).toBeUndefined();
  });

  it('takes no plan for an approved one that does not say what it is held to', () => {
    const plans = [{}, { targets: [], ladder: 'toggle', winner: {} }];
    const held = plans.map((plan) => {
      try {
        return runbook.heldTo(plan);
      } catch {
        return failureOf(() => runbook.heldTo(plan)).name;
      }
    });
    // A reclaim loses nothing; enabling authentication again is a plan without a ladder.
    expect(held).toEqual(
      { 'space-exceeded': [{}, {}], 'auth-token-invalid': [{}, 'InvalidInput'] }[incident as string] ?? [
        'InvalidInput',
        'InvalidInput',
      ],
    );
  });
});

it('no alarm, no act and no step is that of two runbooks', () => {
  for (const of of ['alarms', 'acts', 'steps'] as const) {
    const names = Object.values(RUNBOOKS).flatMap((runbook) => Object.keys(runbook[of]));
    expect(names).toEqual([...new Set(names)]);
  }
});

it('data that differ are seen to first, then a lost quorum, a full store, and a failed member', () => {
  expect(CONDITIONS.filter((condition) => INCIDENTS.includes(condition as never))).toEqual([
    'data-corrupt',
    'quorum-lost',
    'space-exceeded',
    'member-failed',
    'auth-token-invalid',
  ]);
});
