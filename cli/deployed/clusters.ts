import { Clusters, SUMMARIES_AT_ONCE } from '../../client/clusters.ts';
import type { ClusterSummary } from '../../core/api/api.ts';
import { forEachCluster, summaryOf } from '../each-cluster.ts';
import { inColumns } from '../format.ts';
import { openOutput } from '../output.ts';
import { withDeployment } from './connection.ts';
import type { DeployedFlags } from './flags.ts';
import { lookAt, registeredClusters } from './look.ts';

const TITLES = ['CLUSTER', 'MEMBERS', 'AT WORK', 'SINCE', 'LAST OUTCOME', 'ENDED', 'LAST REMEDIATION'];

/** `etcd-remediation clusters`: what is deployed, and the remediation of each. */
export async function clusters(flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  const found = await withDeployment(flags, async (deployment) => {
    const deployed = new Clusters(deployment);
    return forEachCluster(
      await registeredClusters(undefined, output),
      (registered) =>
        lookAt<ClusterSummary>(
          () => deployed.summarize(registered),
          ({ cause }) => ({
            name: registered.name,
            members: 0,
            policy: null,
            problem: cause,
            running: null,
            last: null,
          }),
        ),
      { atOnce: SUMMARIES_AT_ONCE, screen: output },
    );
  });
  const lines = [
    ...inColumns([TITLES, ...found.map(rowOf)]),
    ...found.flatMap(({ name, problem }) => (problem === null ? [] : ['', `${name}: ${problem}`])),
    ...summaryOf('Listed', found.map(kindOf), Object.values(KINDS)),
  ];
  output.finish({ outcome: 'Listed', clusters: found }, found.length === 0 ? ['No cluster is deployed.'] : lines);
}

const KINDS = {
  idle: 'without a running remediation',
  atWork: 'with a running remediation',
  waits: 'waiting for an approval',
  unreadable: 'that cannot be read',
} as const;

function kindOf({ running, problem }: ClusterSummary): string {
  if (problem !== null) return KINDS.unreadable;
  if (running === null) return KINDS.idle;
  return running.waitsForApproval ? KINDS.waits : KINDS.atWork;
}

function rowOf({ name, members, problem, running, last }: ClusterSummary): string[] {
  return [
    name,
    problem === null ? String(members) : '?',
    running ? `${running.id}${running.waitsForApproval ? ' (waits for an approval)' : ''}` : '-',
    running?.startedAt ?? '-',
    last?.outcome ?? '-',
    last?.endedAt ?? '-',
    last?.id ?? '-',
  ];
}
