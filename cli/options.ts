import { InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { InvalidInput } from '../core/errors.ts';
import { readJson } from '../core/text/json-file.ts';
import { parse } from '../core/text/parse.ts';

/** What the options of several commands have in common. */

/** For the description of whatever remediates without AWS. */
export const LOCK_OF_THIS_PROCESS =
  "The cluster's lock is held in this process. Two of these commands do not see each other's lock, and do not see the lock on AWS. Let " +
  'only one work on a cluster.';

/** The groups of the list of commands. */
export const WITHOUT_AWS = 'Commands that need no AWS:';
export const WITH_AWS = 'Commands for what is deployed to AWS:';

/** The end of a command's help: lines that can be typed, and what the process ends with. */
export function examples(lines: readonly string[], status: string): string {
  return `\nExamples:\n${lines.map((line) => `  npx --no etcd-remediation ${line}`).join('\n')}\n\nExit status: ${status}`;
}

/** Of which no field is there twice. */
export function parseParameters(text: string): unknown {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as Error).message}`);
  }
  try {
    return readJson(text, '--parameters');
  } catch (error) {
    throw error instanceof InvalidInput ? new InvalidArgumentError(error.message) : error;
  }
}

/** @param option as it is typed: `--reason` @throws InvalidInput naming the option */
export function requireOption(schema: z.ZodType, option: string, value: unknown): void {
  parse(z.object({ [option]: schema }), { [option]: value }, 'The command line');
}

/** What is for one runbook alone is given with its incident: a diagnosis may choose another one each time. @throws InvalidInput */
export function requireItsIncident({
  incident,
  member,
  parameters,
}: {
  incident?: string;
  member?: string;
  parameters?: unknown;
}): void {
  if (member !== undefined && incident !== 'member-failed') {
    throw new InvalidInput(
      '--member is for member-failed alone: give --incident member-failed with it, or leave it out.',
    );
  }
  if (parameters === undefined || incident) return;
  throw new InvalidInput(
    '--parameters is for one runbook: say with --incident which. Without it, a diagnosis chooses.',
  );
}

/** A command that takes a minute is not delivered any more. */
const MAX_DELIVERY_SECONDS = 50;

/** How long a command takes to its host, in seconds, where that is to be as with SSM. */
export function parseDelivery(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= MAX_DELIVERY_SECONDS) return seconds;
  throw new InvalidArgumentError(`It must be a number of seconds from 0 to ${MAX_DELIVERY_SECONDS}.`);
}
