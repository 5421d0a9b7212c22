import { chooseRecovery } from '../../core/quorum-recovery/choose-recovery.ts';
import { chooseRecoveryInput, type RecoveryAction } from '../../core/quorum-recovery/contracts.ts';
import { parse } from '../../core/text/parse.ts';

/** From the hosts' inspections: the cheapest thing that may bring the quorum back. */
export async function handler(event: unknown): Promise<RecoveryAction> {
  return chooseRecovery(parse(chooseRecoveryInput, event, "The step's input"));
}
