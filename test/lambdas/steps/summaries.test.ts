import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'aws-lambda';
import { expect, it } from 'vitest';
import type { Summarized } from '../../../core/runbook/summary.ts';

type Step = () => Promise<{ handler: (event: unknown, context: Context) => Promise<Summarized> }>;

/** Each step, held to a summary by the compiler: one whose output has none does not pass `npm run check`. */
const STEPS = {
  'analyze-store': () => import('../../../lambdas/steps/analyze-store.ts'),
  'assess-data': () => import('../../../lambdas/steps/assess-data.ts'),
  'assess-members': () => import('../../../lambdas/steps/assess-members.ts'),
  'assess-quorum': () => import('../../../lambdas/steps/assess-quorum.ts'),
  'assess-space': () => import('../../../lambdas/steps/assess-space.ts'),
  'assess-tokens': () => import('../../../lambdas/steps/assess-tokens.ts'),
  'back-up-cluster': () => import('../../../lambdas/steps/back-up-cluster.ts'),
  'change-membership': () => import('../../../lambdas/steps/change-membership.ts'),
  'choose-next-change': () => import('../../../lambdas/steps/choose-next-change.ts'),
  'choose-next-defragmentation': () => import('../../../lambdas/steps/choose-next-defragmentation.ts'),
  'choose-next-token-action': () => import('../../../lambdas/steps/choose-next-token-action.ts'),
  'choose-recovery': () => import('../../../lambdas/steps/choose-recovery.ts'),
  'choose-rehearsal-host': () => import('../../../lambdas/steps/choose-rehearsal-host.ts'),
  'choose-rehearsal-members': () => import('../../../lambdas/steps/choose-rehearsal-members.ts'),
  'choose-runbook': () => import('../../../lambdas/steps/choose-runbook.ts'),
  'compact-history': () => import('../../../lambdas/steps/compact-history.ts'),
  'compare-hashes': () => import('../../../lambdas/steps/compare-hashes.ts'),
  'complete-backup': () => import('../../../lambdas/steps/complete-backup.ts'),
  'copy-database': () => import('../../../lambdas/steps/copy-database.ts'),
  'count-keys': () => import('../../../lambdas/steps/count-keys.ts'),
  'defragment-member': () => import('../../../lambdas/steps/defragment-member.ts'),
  'detect-incidents': () => import('../../../lambdas/steps/detect-incidents.ts'),
  'diagnose-cluster': () => import('../../../lambdas/steps/diagnose-cluster.ts'),
  'disarm-alarms': () => import('../../../lambdas/steps/disarm-alarms.ts'),
  'disarm-corruption': () => import('../../../lambdas/steps/disarm-corruption.ts'),
  'enable-authentication': () => import('../../../lambdas/steps/enable-authentication.ts'),
  'explain-changes': () => import('../../../lambdas/steps/explain-changes.ts'),
  'find-recovery-backup': () => import('../../../lambdas/steps/find-recovery-backup.ts'),
  'list-backups': () => import('../../../lambdas/steps/list-backups.ts'),
  'load-cluster': () => import('../../../lambdas/steps/load-cluster.ts'),
  'load-remediation': () => import('../../../lambdas/steps/load-remediation.ts'),
  'move-leadership': () => import('../../../lambdas/steps/move-leadership.ts'),
  'plan-recovery': () => import('../../../lambdas/steps/plan-recovery.ts'),
  'plan-rehearsal': () => import('../../../lambdas/steps/plan-rehearsal.ts'),
  'plan-replacement': () => import('../../../lambdas/steps/plan-replacement.ts'),
  'plan-token-reset': () => import('../../../lambdas/steps/plan-token-reset.ts'),
  'prove-writes': () => import('../../../lambdas/steps/prove-writes.ts'),
  'prune-backups': () => import('../../../lambdas/steps/prune-backups.ts'),
  'record-rehearsal': () => import('../../../lambdas/steps/record-rehearsal.ts'),
  'run-host-commands': () => import('../../../lambdas/steps/run-host-commands.ts'),
  'send-backup': () => import('../../../lambdas/steps/send-backup.ts'),
  'stage-snapshot': () => import('../../../lambdas/steps/stage-snapshot.ts'),
  'survey-cluster': () => import('../../../lambdas/steps/survey-cluster.ts'),
  'toggle-authentication': () => import('../../../lambdas/steps/toggle-authentication.ts'),
  'transfer-snapshots': () => import('../../../lambdas/steps/transfer-snapshots.ts'),
  'try-backups': () => import('../../../lambdas/steps/try-backups.ts'),
  'verify-recovery': () => import('../../../lambdas/steps/verify-recovery.ts'),
  'verify-tokens': () => import('../../../lambdas/steps/verify-tokens.ts'),
  'wait-for-member': () => import('../../../lambdas/steps/wait-for-member.ts'),
  'wait-for-quorum': () => import('../../../lambdas/steps/wait-for-quorum.ts'),
  'weigh-check': () => import('../../../lambdas/steps/weigh-check.ts'),
  'weigh-room': () => import('../../../lambdas/steps/weigh-room.ts'),
} satisfies Readonly<Record<string, Step>>;

it('every step is held to say in its output what it found or did', () => {
  const files = readdirSync(join(import.meta.dirname, '../../../lambdas/steps'));
  expect(Object.keys(STEPS).map((step) => `${step}.ts`)).toEqual(files.toSorted());
});
