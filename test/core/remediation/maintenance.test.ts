import { describe, expect, it } from 'vitest';
import { maintenanceSchema } from '../../../core/cluster/maintenance.ts';
import type { Diagnosis } from '../../../core/diagnosis/diagnosis.ts';
import { maintenanceRequest } from '../../../core/remediation/maintenance.ts';
import { parseStart } from '../../../core/remediation/remediation.ts';
import { clusterOf, configured } from '../observations.ts';
import { choiceOf, choose, type Scene } from './runbook-choices.ts';

const WINDOW = maintenanceSchema.parse({ from: '02:00', to: '04:00', minReclaimRatio: 0.5 });
const NOW = new Date('2026-11-29T03:00:00Z');
const REQUEST = maintenanceRequest({ ...clusterOf([configured('node1')]), maintenance: WINDOW }, NOW);

describe('what a maintenance window starts', () => {
  it('is a space reclaim by its own rule, until its end', () => {
    expect(REQUEST).toMatchObject({
      incident: 'space-exceeded',
      dryRun: false,
      reason: 'maintenance window from 02:00 to 04:00 UTC',
      requestedBy: 'maintenance',
      parameters: {
        minReclaimBytes: 100 * 1024 * 1024,
        minReclaimRatio: 0.5,
        until: '2026-11-29T04:00:00.000Z',
      },
    });
  });

  it('is nothing of a cluster without one', () => {
    expect(() => maintenanceRequest(clusterOf([configured('node1')]), NOW)).toThrow(/has no "maintenance"/);
  });

  it('is asked for by the name of the cluster, and by nothing else', () => {
    expect(parseStart({ cluster: 'orders', maintenance: true })).toMatchObject({
      request: { cluster: 'orders', dryRun: false },
      alarm: '',
      maintenance: true,
    });
    for (const more of [{ parameters: {} }, { incident: 'quorum-lost' }, { alarm: 'a' }, { maintenance: false }]) {
      expect(() => parseStart({ cluster: 'orders', maintenance: true, ...more })).toThrow(
        /maintenance window has 1 problem/,
      );
    }
  });
});

describe('in a maintenance window', () => {
  const scene = (differences: Partial<Scene> = {}): Scene => ({
    found: 'healthy',
    maintenance: true,
    enteredAt: NOW.toISOString(),
    request: { ...REQUEST },
    ...differences,
  });
  const warned = (kind: Diagnosis['warnings'][number]['kind']) => scene({ warnings: [{ kind, message: 'It is so.' }] });

  it('space is reclaimed where nothing is wrong', () => {
    expect(choose(scene())).toMatchObject({
      action: 'Run',
      runbook: 'space-reclaim',
      input: { parameters: REQUEST.parameters },
    });
  });

  it.each([
    'fragmented',
    'known-defect',
    'even-voters',
    'hosts-unknown',
    'backups-unknown',
    'certificate-expiring',
  ] as const)('and where a warning is no obstacle: %s', (kind) => {
    expect(choiceOf(warned(kind))).toBe('Run space-reclaim');
  });

  it.each<[string, Scene, RegExp]>([
    ['a member has failed', scene({ found: 'member-failed' }), /^Skipped\. The cluster has member-failed: /],
    ['members differ', scene({ found: 'data-corrupt' }), /^Skipped\. The cluster has data-corrupt: /],
    ['the store is full', scene({ found: 'space-exceeded' }), /^Skipped\. The cluster has space-exceeded: /],
    ['a backup is late', warned('backup-late'), /^Skipped\. backup-late: /],
    ['a member is behind', warned('behind'), /^Skipped\. behind: It is so\.$/],
    ['an alarm is due anyway', warned('nearly-full'), /^Skipped\. nearly-full: /],
    ['an upgrade is under way', warned('version-skew'), /^Skipped\. version-skew: /],
    ['alarms could not be read', warned('alarms-unknown'), /^Skipped\. alarms-unknown: /],
    ['a member is another one', warned('answered-by-another'), /^Skipped\. answered-by-another: /],
    [
      'a person would have to approve of it',
      scene({ policy: { 'space-exceeded': 'approval' } }),
      /^Skipped\. The policy of the cluster wants an approval for space-exceeded, and maintenance asks nobody/,
    ],
    [
      'it is over',
      scene({ enteredAt: '2026-11-29T04:00:00.000Z' }),
      /^Skipped\. The window was over at 2026-11-29T04:00/,
    ],
  ])('nothing is done, and it is said why, where %s', (_, found, summary) => {
    expect(choose(found)).toMatchObject({
      action: 'Finish',
      outcome: 'NothingToDo',
      summary: expect.stringMatching(summary),
      remaining: found.found === 'healthy' ? [] : [found.found],
    });
  });

  it('what it has begun is carried on and judged as any other', () => {
    expect(choiceOf(scene({ rounds: ['space-exceeded Remediated'] }))).toBe('Finish Remediated');
    expect(choiceOf(scene({ rounds: ['space-exceeded NothingToDo'] }))).toBe('Finish NothingToDo');
    expect(choiceOf(scene({ rounds: ['space-exceeded PreconditionFailed'] }))).toBe('Stop space-reclaim');
  });

  it('a start by a person does not wait for anything', () => {
    expect(choiceOf({ ...warned('behind'), maintenance: false })).toBe('Run space-reclaim');
  });
});
