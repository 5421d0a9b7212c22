import type * as z from 'zod';
import { HOST_COMMANDS, parameterSchema } from '../../core/hosts/host-commands.ts';
import { runHostCommandsInput } from '../../core/hosts/run-host-commands.ts';
import { transferSnapshotsInput } from '../../core/quorum-recovery/staging-contracts.ts';
import type { Call } from './execute.ts';

/**
 * Holds a step's input against its contract: the one that `inputs` has for the state, or that of a phase on hosts.
 * @throws when it does not follow it
 */
export function requireContract({ step, input }: Call, inputs: Readonly<Record<string, z.ZodType>>): void {
  const schema = inputs[step];
  if (schema) {
    schema.parse(input);
    return;
  }
  const { member, host, parameters, object, ...phase } = Object(input);
  const isTransfer = object !== undefined;
  const commands = [{ member, host, parameters, ...(isTransfer && { object }) }];
  const { command } = (isTransfer ? transferSnapshotsInput : runHostCommandsInput).parse({ ...phase, commands });
  // The URL of an object is made by the step.
  const given = isTransfer ? { url: '', ...parameters } : parameters;
  const rules = Object.entries(HOST_COMMANDS[command].parameters);
  const names = rules.map(([name]) => name);
  if (Object.keys(given).toSorted().join() !== names.toSorted().join()) {
    throw new Error(`"${step}" sends ${command} with ${JSON.stringify(given)}.`);
  }
  for (const [name, rule] of rules) parameterSchema(rule).parse(given[name]);
}
