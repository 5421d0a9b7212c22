import { describe, expect, it, vi } from 'vitest';
import { handler } from '../../../lambdas/steps/choose-runbook.ts';
import { inputOf, type Scene } from '../../core/remediation/runbook-choices.ts';

const QUESTION = { id: '1', incident: 'member-failed', plan: { targets: ['node1'], removeIds: [] } } as const;

/** What it has written to the log. */
async function linesOf(scene: Scene): Promise<unknown[]> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line));
  try {
    await handler(inputOf(scene));
  } finally {
    log.mockRestore();
  }
  return lines.map((line) => JSON.parse(line));
}

describe('the choice of a runbook', () => {
  it.each<[string, Scene]>([
    ['is about to be asked', { found: 'member-failed' }],
    ['is still asked', { found: 'member-failed', question: QUESTION }],
  ])('counts for the dashboard where a person %s', async (_, scene) => {
    expect(await linesOf(scene)).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'EtcdRemediation',
              Dimensions: [['cluster']],
              Metrics: [{ Name: 'ApprovalWanted', Unit: 'Count' }],
            },
          ],
        },
        cluster: 'orders',
        ApprovalWanted: 1,
      },
    ]);
  });

  it.each<[string, Scene]>([
    ['a dry run is all that is wanted', { found: 'member-failed', request: { dryRun: true } }],
    ['nothing is left', { found: 'healthy' }],
  ])('and does not where %s', async (_, scene) => {
    expect(await linesOf(scene)).toEqual([]);
  });
});
