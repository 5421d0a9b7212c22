import { type HostReports, runHostCommandsInput } from '../../core/hosts/run-host-commands.ts';
import { parse } from '../../core/text/parse.ts';
import { runOnHosts } from '../hosts/run.ts';

/** Runs one command on every host of a phase: see {@link runOnHosts}. */
export async function handler(event: unknown): Promise<HostReports> {
  return runOnHosts({ ...parse(runHostCommandsInput, event, "The step's input"), access: 'commands' });
}
