import { parse } from '../../core/contracts/parse.ts';
import { planRecoveryInput, type RecoveryPlan } from '../../core/contracts/recovery.ts';
import { planRecovery } from '../../core/decisions/recovery-plan.ts';

/** From what could be salvaged: what is restored, what is lost with it, and every command that it takes. */
export async function handler(event: unknown): Promise<RecoveryPlan> {
  return planRecovery(parse(planRecoveryInput, event, "The step's input"));
}
