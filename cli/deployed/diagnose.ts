import { Clusters } from '../../client/clusters.ts';
import type { Registered } from '../../client/registry.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { Diagnosis } from '../../core/diagnosis/diagnosis.ts';
import {
  ADVICE_WITHOUT_RUNBOOK,
  curableIncident,
  type Diagnosed,
  describeFindings,
  describeFleet,
  describeUndiagnosed,
  diagnosedAs,
  isSpaceScarce,
} from '../diagnosis-report.ts';
import { forEachCluster, namesOf } from '../each-cluster.ts';
import { explainedIn } from '../error-entry.ts';
import { openOutput } from '../output.ts';
import { whileNothingChanges } from '../signals.ts';
import { withDeployment } from './connection.ts';
import { type DeployedFlags, typedNext } from './flags.ts';
import { lookAt, registeredClusters, requireReadable } from './look.ts';

/**
 * The function is that of the remediations as well. So of the thousand at once that an account may run, this takes no more than these; and each
 * reads a parameter, of which Systems Manager tells 40 in a second: the detectors of a thousand clusters need 17 of them.
 */
const PACE = { atOnce: 40, startEveryMs: 100 };

/** `etcd-remediation diagnose --deployed`: the same diagnosis, by the deployed function, which reaches what this machine may not. */
export async function diagnoseDeployed(name: string | undefined, flags: DeployedFlags): Promise<void> {
  const output = openOutput(flags.json);
  using _ = whileNothingChanges();
  await withDeployment(flags, async (deployment) => {
    const clusters = await registeredClusters(name, output);
    output.print(`Diagnosing ${namesOf(clusters.map((each) => each.name))} (nothing is changed)`);
    const deployed = new Clusters(deployment);
    const found = await forEachCluster(
      clusters,
      (registered) =>
        lookAt<Diagnosed>(
          async () => {
            requireReadable(registered);
            return { cluster: registered.name, diagnosis: (await deployed.look(registered.name)) as Diagnosis };
          },
          (why) => ({ cluster: registered.name, diagnosis: null, ...why }),
        ),
      { ...PACE, screen: output },
    );
    const outcome = diagnosedAs(found);
    const lines = describeFleet(found, (each, index) => {
      if (!each.diagnosis) return describeUndiagnosed(each);
      const registered = clusters[index] as Registered & { cluster: Cluster };
      return describe(registered.cluster, each.diagnosis, flags);
    });
    output.finish({ outcome, clusters: found }, [...lines, ...explainedIn(found)]);
    if (outcome !== 'Healthy') process.exitCode ??= 1;
  });
}

function describe(cluster: Cluster, diagnosis: Diagnosis, flags: DeployedFlags): string[] {
  const { incident, others } = diagnosis;
  const isCurable = incident === 'healthy' ? isSpaceScarce(diagnosis) : curableIncident(incident) !== undefined;
  const which = incident === 'healthy' ? ['--incident', 'space-exceeded'] : [];
  const dryRun = typedNext(flags, 'start', cluster.name, ...which, '--dry-run', '--watch');
  return describeFindings(cluster, diagnosis, {
    besides: others.length > 0 ? [`Besides: ${others.join(', ')}.`] : [],
    next: isCurable ? [dryRun] : incident === 'healthy' ? [] : [ADVICE_WITHOUT_RUNBOOK],
  });
}
