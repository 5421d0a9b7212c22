import { describe, expect, it } from 'vitest';
import { BACKUP_STATE_MACHINE } from '../../core/backups/contracts.ts';
import { REHEARSAL_STATE_MACHINE } from '../../core/backups/rehearsal.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import { measuredLines } from '../../local/measured-ends.ts';

/** What CloudWatch would count, of what a schedule has started. */
function measured(stateMachineName: string, end: JsonObject | 'FAILED' | 'TIMED_OUT' | 'ABORTED') {
  const lines = measuredLines(
    stateMachineName,
    'orders',
    typeof end === 'string'
      ? { status: end, error: 'HostCommandFailed', cause: 'No.', history: [] }
      : { status: 'SUCCEEDED', output: { cluster: 'orders', ...end }, history: [] },
  );
  return lines.map((line) => {
    const { _aws, ...values } = JSON.parse(line);
    return values;
  });
}

describe('a backup that a schedule has started', () => {
  it('counts as made where it is whole', () => {
    expect(measured(BACKUP_STATE_MACHINE, { outcome: 'BackedUp' })).toEqual([{ cluster: 'orders', BackupsMade: 1 }]);
  });

  it.each(['FAILED', 'TIMED_OUT', 'ABORTED', { outcome: 'Postponed', summary: 'Another works there.' }] as const)(
    'counts as none where it ends with %j',
    (end) => {
      expect(measured(BACKUP_STATE_MACHINE, end)).toEqual([]);
    },
  );
});

describe('a rehearsal that a schedule has started', () => {
  const rehearsal = { tookMs: { fetch: 1_000, restore: 2_000, start: 3_000 } };

  it.each<[JsonObject | 'FAILED' | 'TIMED_OUT' | 'ABORTED', object[]]>([
    [{ outcome: 'Passed', rehearsal }, [{ cluster: 'orders', RestoreUnproven: 0, RehearsalSeconds: 6 }]],
    [{ outcome: 'NotDue', rehearsal: null }, [{ cluster: 'orders', RestoreUnproven: 0 }]],
    ['FAILED', [{ cluster: 'orders', RestoreUnproven: 1 }]],
    ['ABORTED', []],
    [{ outcome: 'Postponed', rehearsal: null }, []],
  ])('ends with %j, and is measured as that', (end, expected) => {
    expect(measured(REHEARSAL_STATE_MACHINE, end)).toEqual(expected);
  });
});

it('of a remediation nothing is measured by its end', () => {
  expect(measured(ENTRY_STATE_MACHINE, { outcome: 'Remediated' })).toEqual([]);
});
