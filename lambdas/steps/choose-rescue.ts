import { chooseRescueInput, type Rescue } from '../../core/quorum-recovery/contracts.ts';
import { chooseRescue } from '../../core/quorum-recovery/rescue.ts';
import { parse } from '../../core/text/parse.ts';

/** From the hosts' inspections: the cheapest thing that may bring the quorum back. */
export async function handler(event: unknown): Promise<Rescue> {
  return chooseRescue(parse(chooseRescueInput, event, "The step's input"));
}
