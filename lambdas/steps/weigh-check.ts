import { type CheckReport, weighCheckInput } from '../../core/contracts/check.ts';
import { parse } from '../../core/contracts/parse.ts';
import { weighCheck } from '../../core/decisions/weigh-check.ts';

/** From what a check has looked at: what would keep a remediation from its work. */
export async function handler(event: unknown): Promise<CheckReport> {
  return weighCheck(parse(weighCheckInput, event, "The step's input"), Date.now());
}
