import { expect } from 'vitest';
import { checkDefinition } from '../../../local/asl/definition.ts';
import { INVOKE } from './harness.ts';

/** What a definition is refused for, one line each. */
export function problems(definition: unknown): string[] {
  try {
    checkDefinition(definition, [INVOKE]);
    return [];
  } catch (error) {
    expect((error as Error).name).toBe('UnsupportedDefinition');
    return (error as Error).message.split('\n').slice(1);
  }
}
