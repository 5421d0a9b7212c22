import { parse } from '../../core/contracts/parse.ts';
import { planRecoveryInput, type RecoveryPlan } from '../../core/contracts/recovery.ts';
import { planRecovery } from '../../core/decisions/recovery-plan.ts';
import { lateCertificates } from '../etcd/certificates.ts';

/** From what could be salvaged: what is restored, what is lost with it, and every command that it takes. */
export async function handler(event: unknown): Promise<RecoveryPlan> {
  const input = parse(planRecoveryInput, event, "The step's input");
  const looked = input.inspections.map(({ member, result }) => ({ member, inspection: result }));
  return planRecovery(input, lateCertificates(looked));
}
