import { parse } from '../../core/contracts/parse.ts';
import { parseRemediationInput } from '../../core/contracts/remediation.ts';
import { type LoadedRemediation, loadRemediationInput } from '../../core/contracts/remediation-steps.ts';
import { readRegistry } from '../registry.ts';

/** Checks what started the remediation, and loads the cluster's configuration from its registry parameter. */
export async function handler(event: unknown): Promise<LoadedRemediation> {
  const { input } = parse(loadRemediationInput, event, 'The execution');
  const request = parseRemediationInput(input);
  return { cluster: await readRegistry(request.cluster), request };
}
