import { parse } from '../../core/contracts/parse.ts';
import { chooseRescueInput, type Rescue } from '../../core/contracts/recovery.ts';
import { chooseRescue } from '../../core/decisions/rescue.ts';

/** From the hosts' inspections: the cheapest thing that may bring the quorum back. */
export async function handler(event: unknown): Promise<Rescue> {
  return chooseRescue(parse(chooseRescueInput, event, "The step's input"));
}
