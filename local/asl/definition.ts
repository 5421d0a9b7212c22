import { isObject } from './json.ts';
import { checkWorkflow } from './state-check.ts';
import type { StateMachineDefinition } from './types.ts';

/** Names everything in a definition that this runner does not implement, each with its path. */
class UnsupportedDefinition extends Error {
  constructor(problems: readonly string[]) {
    super(`This state machine cannot run here:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.name = 'UnsupportedDefinition';
  }
}

/**
 * The definition, typed, if this runner implements all of it; otherwise throws `UnsupportedDefinition` with every problem at
 * once, so that nothing of an execution happens before it is known that all of it can.
 *
 * @param resources the Resource values that Task states may name
 */
export function checkDefinition(definition: unknown, resources: readonly string[]): StateMachineDefinition {
  const problems: string[] = [];
  if (!isObject(definition)) throw new UnsupportedDefinition(['definition: must be an object.']);
  checkWorkflow(definition, {
    kind: 'machine',
    path: '',
    outerVariables: new Set(),
    resources: new Set(resources),
    report: (path, message) => problems.push(`${path || 'definition'}: ${message}`),
  });
  if (problems.length > 0) throw new UnsupportedDefinition(problems);
  return definition as unknown as StateMachineDefinition;
}
