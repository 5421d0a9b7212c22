import { randomUUID } from 'node:crypto';
import { Remediations } from '../../client/remediations.ts';
import type { Accepted } from '../../core/api/api.ts';
import { Problem } from '../../core/api/problems.ts';
import { parseRemediationInput, remediationIdSchema } from '../../core/remediation/remediation.ts';
import type { Deployment } from '../../core/text/names.ts';
import { requireItsIncident, requireOption } from '../options.ts';
import { openOutput } from '../output.ts';
import { printAtSignal } from '../signals.ts';
import { callerIdentity, withDeployment } from './connection.ts';
import { type StartFlags, typedNext } from './flags.ts';
import { watchToItsEnd } from './watch.ts';

/** `etcd-remediation start`: starts a remediation, and says how to follow it. */
export async function start(cluster: string, flags: StartFlags): Promise<void> {
  const { incident, member, dryRun, reason, parameters, id = randomUUID() } = flags;
  const output = openOutput(flags.json);
  const given = { cluster, incident, member, dryRun, reason, parameters };
  const input = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  // What is wrong is reported before anything is sent.
  requireItsIncident(flags);
  parseRemediationInput(input);
  requireOption(remediationIdSchema, '--id', id);
  await withDeployment(flags, async (deployment) => {
    const by = await callerIdentity();
    const accepted = await startedBy(by, deployment);
    output.print(
      `Started the remediation ${id} of the cluster ${cluster}${dryRun ? ' (dry run: nothing is changed)' : ''}`,
    );
    if (flags.watch) {
      await watchToItsEnd(deployment, { id, flags, output });
      return;
    }
    output.finish({ outcome: 'Started', cluster, ...accepted }, [
      `Follow it:  ${typedNext(flags, 'watch', id)}`,
      `Look at it: ${typedNext(flags, 'status', id)}`,
      `Stop it:    ${typedNext(flags, 'stop', id, '--reason', 'WHY')}`,
    ]);
  });

  async function startedBy(by: string, deployment: Deployment): Promise<Accepted> {
    using _ = printAtSignal(() => `Stopped. It may have been started: ${typedNext(flags, 'status', id)}`);
    try {
      return await new Remediations(deployment).start(cluster, input, { id, by });
    } catch (error) {
      if (error instanceof Problem && error.name === 'already-in-progress' && error.remediation) {
        output.print(`Nothing was started. Follow the one that runs: ${typedNext(flags, 'watch', error.remediation)}`);
      }
      throw error;
    }
  }
}
