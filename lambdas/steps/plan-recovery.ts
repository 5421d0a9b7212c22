import { planRecoveryInput, type RecoveryPlan } from '../../core/quorum-recovery/contracts.ts';
import { planRecovery } from '../../core/quorum-recovery/recovery-plan.ts';
import { summarizePlan } from '../../core/quorum-recovery/summaries.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { parse } from '../../core/text/parse.ts';
import { lateCertificates } from '../etcd/certificates.ts';

/** From what could be salvaged: what is restored, what is lost with it, and every command that it takes. */
export async function handler(event: unknown): Promise<RecoveryPlan & Summarized> {
  const input = parse(planRecoveryInput, event, "The step's input");
  const looked = input.inspections.map(({ member, result }) => ({ member, inspection: result }));
  const plan = planRecovery(input, lateCertificates(looked));
  return { ...plan, summary: summarizePlan(plan) };
}
