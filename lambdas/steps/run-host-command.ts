import { type RunningHostCommand, runHostCommandInput } from '../../core/contracts/membership.ts';
import { parse } from '../../core/contracts/parse.ts';
import { runOnHost } from '../hosts/run.ts';

/** Runs a command on a host: see {@link runOnHost}. */
export async function handler(event: unknown): Promise<RunningHostCommand> {
  return runOnHost(parse(runHostCommandInput, event, "The step's input"));
}
