import { planRecoveryInput, type RecoveryPlan } from '../../core/quorum-recovery/contracts.ts';
import { planRecovery } from '../../core/quorum-recovery/recovery-plan.ts';
import { parse } from '../../core/text/parse.ts';
import { lateCertificates } from '../etcd/certificates.ts';

/** From what could be salvaged: what is restored, what is lost with it, and every command that it takes. */
export async function handler(event: unknown): Promise<RecoveryPlan> {
  const input = parse(planRecoveryInput, event, "The step's input");
  const looked = input.inspections.map(({ member, result }) => ({ member, inspection: result }));
  return planRecovery(input, lateCertificates(looked));
}
