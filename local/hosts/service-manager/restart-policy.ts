import type { Result } from './exit.ts';
import type { Unit } from './unit.ts';

/** What Restart= says of a service that ended by itself. */
export function restartsAfter(policy: Unit['restart'], result: Result): boolean {
  if (policy === 'on-failure') return result !== 'success';
  if (policy === 'on-abnormal') return result !== 'success' && result !== 'exit-code';
  return policy === 'always';
}
