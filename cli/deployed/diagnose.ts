import type { Cluster } from '../../core/contracts/clusters.ts';
import type { Diagnosis } from '../../core/contracts/diagnosis.ts';
import { Problem } from '../../core/contracts/problems.ts';
import { Clusters } from '../../lambdas/api/clusters.ts';
import { ClusterRegistry } from '../../lambdas/api/registry.ts';
import {
  adviceWithoutRunbook,
  curableIncident,
  type Diagnosed,
  describeFindings,
  describeUndiagnosed,
  isSpaceScarce,
  outcomeOf,
} from '../diagnosis-report.ts';
import { openOutput } from '../output.ts';
import { whileNothingChanges } from '../signals.ts';
import { withDeployment } from './connection.ts';
import { type DeployedFlags, typedNext } from './flags.ts';

/** `etcd-remediation diagnose --deployed`: the same diagnosis, by the deployed function, which reaches what this machine may not. */
export async function diagnoseDeployed(name: string | undefined, flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  using _ = whileNothingChanges();
  await withDeployment(flags, async (deployment) => {
    const registry = new ClusterRegistry();
    const clusters = name === undefined ? await registry.all() : [await registry.configurationOf(name)];
    output.print(`Diagnosing ${clusters.map((each) => each.name).join(', ')} (nothing is changed)`);
    const deployed = new Clusters(deployment);
    const found: Diagnosed[] = [];
    // One after the other: the function is that of the remediations, and none of them should wait for it.
    for (const cluster of clusters) {
      const told = await diagnosed(deployed, cluster.name);
      found.push(told);
      const lines = told.diagnosis ? describe(cluster, told.diagnosis, flags) : describeUndiagnosed(told);
      for (const line of ['', ...lines]) output.print(line);
    }
    const outcome = outcomeOf(found);
    output.finish({ outcome, clusters: found }, []);
    if (outcome !== 'Healthy') process.exitCode ??= 1;
  });
}

/** That there is no diagnosis of one cluster must not hide those of others. */
async function diagnosed(deployed: Clusters, cluster: string): Promise<Diagnosed> {
  try {
    return { cluster, diagnosis: (await deployed.diagnose(cluster)) as Diagnosis };
  } catch (error) {
    if (!(error instanceof Problem) || error.name !== 'diagnosis-failed') throw error;
    const [, name = 'Error', cause = error.message] = /^(\w+): (.*)$/s.exec(error.message) ?? [];
    return { cluster, diagnosis: null, error: name, cause };
  }
}

function describe(cluster: Cluster, diagnosis: Diagnosis, flags: DeployedFlags): string[] {
  const { incident, others } = diagnosis;
  const isCurable = incident === 'healthy' ? isSpaceScarce(diagnosis) : curableIncident(incident) !== undefined;
  const which = incident === 'healthy' ? ['--incident', 'space-exceeded'] : [];
  const dryRun = typedNext(flags, 'start', cluster.name, ...which, '--dry-run', '--watch');
  return describeFindings(cluster, diagnosis, {
    besides: others.length > 0 ? [`Besides: ${others.join(', ')}.`] : [],
    next: isCurable ? [dryRun] : incident === 'healthy' ? [] : [adviceWithoutRunbook(incident)],
  });
}
