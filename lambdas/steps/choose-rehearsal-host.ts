import { chooseRehearsalHost } from '../../core/rehearsal/choose-rehearsal-host.ts';
import { chooseRehearsalHostInput, type RehearsalHost } from '../../core/rehearsal/contracts.ts';
import { parse } from '../../core/text/parse.ts';

/** On which host a backup is rehearsed. @throws PreconditionFailed where none is fit for it */
export async function handler(event: unknown): Promise<RehearsalHost> {
  return chooseRehearsalHost(parse(chooseRehearsalHostInput, event, "The step's input"));
}
