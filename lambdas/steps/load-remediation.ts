import { parse } from '../../core/contracts/parse.ts';
import { parseRemediationInput, type RemediationInput, RIGHT_INPUTS } from '../../core/contracts/remediation.ts';
import { type LoadedRemediation, loadRemediationInput } from '../../core/contracts/remediation-steps.ts';
import { requireNamedMember } from '../../core/decisions/named-member.ts';
import { InvalidInput } from '../../core/errors.ts';
import { readRegistry } from '../registry.ts';

/**
 * Checks what started the remediation, and loads the cluster's configuration from its registry parameter.
 * @throws InvalidInput with every problem, and with inputs that are right
 */
export async function handler(event: unknown): Promise<LoadedRemediation> {
  const { input } = parse(loadRemediationInput, event, 'The execution');
  const request = parseOrShow(input);
  const cluster = await readRegistry(request.cluster);
  requireNamedMember(cluster, request);
  return { cluster, request };
}

function parseOrShow(input: unknown): RemediationInput {
  try {
    return parseRemediationInput(input);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(`${error.message}\n${RIGHT_INPUTS}`);
  }
}
