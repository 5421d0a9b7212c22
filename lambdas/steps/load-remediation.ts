import { requireNamedMember } from '../../core/cluster/named-member.ts';
import { InvalidInput } from '../../core/errors.ts';
import { maintenanceRequest } from '../../core/remediation/maintenance.ts';
import { parseStart, RIGHT_INPUTS, type Started } from '../../core/remediation/remediation.ts';
import { type LoadedRemediation, loadRemediationInput } from '../../core/remediation/remediation-steps.ts';
import type { Summarized } from '../../core/runbook/summary.ts';
import { parse } from '../../core/text/parse.ts';
import { readRegistry } from '../registry.ts';

/**
 * Checks what started the remediation, and loads the cluster's configuration from its registry parameter.
 * @throws InvalidInput with every problem, and with inputs that are right
 */
export async function handler(event: unknown): Promise<LoadedRemediation & Summarized> {
  const { input } = parse(loadRemediationInput, event, 'The execution');
  const started = parseOrShow(input);
  const cluster = await readRegistry(started.request.cluster);
  const request = started.maintenance ? maintenanceRequest(cluster, new Date()) : started.request;
  requireNamedMember(cluster, request);
  return { cluster, ...started, request, summary: cluster.name };
}

function parseOrShow(input: unknown): Started {
  try {
    return parseStart(input);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(`${error.message}\n${RIGHT_INPUTS}`);
  }
}
