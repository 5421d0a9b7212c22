import { Clusters } from '../../client/clusters.ts';
import { describeListed } from '../listed-backups.ts';
import { openOutput } from '../output.ts';
import { whileNothingChanges } from '../signals.ts';
import { withDeployment } from './connection.ts';
import type { DeployedFlags } from './flags.ts';

/** `etcd-remediation backups --deployed`: the same list, by the deployed function, which may read the bucket where the caller may not. */
export async function listDeployedBackups(cluster: string, flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  using _ = whileNothingChanges();
  await withDeployment(flags, async (deployment) => {
    const { outcome, result, lines } = describeListed(cluster, await new Clusters(deployment).backups(cluster));
    output.finish(result, lines);
    if (outcome !== 'Listed') process.exitCode ??= 1;
  });
}
