import { isDeepStrictEqual } from 'node:util';
import { InvalidInput } from '../../core/errors.ts';
import { parseRemediationInput, type RemediationInput } from '../../core/remediation/remediation.ts';

/**
 * Whether an execution was started with this very input. Who has started it counts only where a caller says who it is: a tool that tries again
 * may have a session of another name by then.
 * @param text the execution's input, as anybody may have given it
 */
export function isSameInput(text: string, wanted: RemediationInput): boolean {
  try {
    const { requestedBy, ...given } = parseRemediationInput(JSON.parse(text));
    const { requestedBy: wantedBy, ...rest } = wanted;
    return isDeepStrictEqual(given, rest) && (wantedBy === '' || wantedBy === requestedBy);
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof SyntaxError) return false;
    throw error;
  }
}
