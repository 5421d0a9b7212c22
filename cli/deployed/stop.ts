import { Remediations } from '../../client/remediations.ts';
import { reasonSchema } from '../../core/api/api.ts';
import { requireOption } from '../options.ts';
import { openOutput } from '../output.ts';
import { printAtSignal } from '../signals.ts';
import { callerIdentity, withDeployment } from './connection.ts';
import { type StopFlags, typedNext } from './flags.ts';

/** `etcd-remediation stop`: stops a remediation where it is. */
export async function stop(id: string, flags: StopFlags): Promise<void> {
  const { reason } = flags;
  requireOption(reasonSchema, '--reason', reason);
  const output = openOutput(flags.json);
  using _ = printAtSignal(() => `Look whether it was stopped: ${typedNext(flags, 'status', id)}`);
  await withDeployment(flags, async (deployment) => {
    const by = await callerIdentity();
    const accepted = await new Remediations(deployment).stop(id, { by, reason });
    output.finish({ outcome: 'Stopped', ...accepted, by, reason }, [
      `Stopped the remediation ${id}, by ${by}: ${reason}`,
      'What was done stays done; a member may be stopped, or missing. Start again soon, and it is finished: ' +
        `${typedNext(flags, 'clusters')} shows when the cluster is free.`,
    ]);
  });
}
