import type { ClusterSummary } from '../../core/contracts/api.ts';
import { Clusters } from '../../lambdas/api/clusters.ts';
import { inColumns } from '../format.ts';
import { openOutput } from '../output.ts';
import { withDeployment } from './connection.ts';
import type { DeployedFlags } from './flags.ts';

const TITLES = ['CLUSTER', 'MEMBERS', 'AT WORK', 'SINCE', 'LAST OUTCOME', 'ENDED', 'LAST REMEDIATION'];

/** `etcd-remediation clusters`: what is deployed, and the remediation of each. */
export async function clusters(flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  const found = await withDeployment(flags, (deployment) => new Clusters(deployment).list());
  output.finish(
    { outcome: 'Listed', clusters: found },
    found.length === 0 ? ['No cluster is deployed.'] : inColumns([TITLES, ...found.map(rowOf)]),
  );
}

function rowOf({ name, members, running, last }: ClusterSummary): string[] {
  return [
    name,
    String(members),
    running ? `${running.id}${running.waitsForApproval ? ' (waits for an approval)' : ''}` : '-',
    running?.startedAt ?? '-',
    last?.outcome ?? '-',
    last?.endedAt ?? '-',
    last?.id ?? '-',
  ];
}
