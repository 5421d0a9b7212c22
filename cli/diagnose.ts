import { Command } from 'commander';
import type { Cluster } from '../core/cluster/clusters.ts';
import type { Diagnosis } from '../core/diagnosis/diagnosis.ts';
import { messageOf } from '../core/text/failures.ts';
import { ExecutionError } from '../local/asl/errors.ts';
import {
  type Diagnosed,
  describeDiagnosis,
  describeFleet,
  describeUndiagnosed,
  diagnosedAs,
} from './diagnosis-report.ts';
import { takeFiles } from './files.ts';
import { type LookFlags, lookFromHere, takeLook } from './look.ts';
import { examples, WITHOUT_AWS } from './options.ts';

const STEP = 'diagnose-cluster';

/** `etcd-remediation diagnose`: says which incident a cluster has, and what to type next. */
export function diagnoseCommand(): Command {
  const command = new Command('diagnose')
    .helpGroup(WITHOUT_AWS)
    .summary('say what is wrong with a cluster, and which runbook is next')
    .description(
      'Looks once at every member of a cluster that this machine reaches, and at its hosts where --hosts is given. Says which incident the ' +
        'cluster has, what that rests on, and what to type next. Changes nothing, and takes no longer than 20 seconds for a cluster.\n\n' +
        'With --deployed the deployed function looks, and this machine need not reach the clusters.',
    );
  return takeLook(takeFiles(command), 'ask what is deployed to AWS')
    .addHelpText(
      'after',
      examples(
        ['diagnose orders --config clusters.json --secrets secrets.json', 'diagnose orders --deployed'],
        '0 every cluster is healthy; 1 one is not, could not be diagnosed, or is configured wrongly; 2 for a wrong use.',
      ),
    )
    .action(async (name: string | undefined, flags: LookFlags) => {
      if (!flags.deployed) return diagnose(name, flags);
      const { diagnoseDeployed } = await import('./deployed/diagnose.ts');
      return diagnoseDeployed(name, flags);
    });
}

async function diagnose(name: string | undefined, flags: LookFlags): Promise<void> {
  await lookFromHere<Diagnosed>(name, flags, {
    doing: 'Diagnosing',
    preparation: 'Bundling the steps',
    at: async (platform, { cluster: { name }, progress }) => {
      const look = platform.invokeStep(STEP, { cluster: name }) as Promise<Diagnosis>;
      try {
        const diagnosis = await progress.during('Diagnose', name, look, ({ incident }) => incident);
        return { cluster: name, diagnosis };
      } catch (thrown) {
        if (!(thrown instanceof ExecutionError)) throw thrown;
        return { cluster: name, diagnosis: null, error: thrown.error, cause: messageOf(thrown.cause) };
      }
    },
    outcomeOf: diagnosedAs,
    describe: (clusters, found) =>
      describeFleet(found, (each, index) =>
        each.diagnosis
          ? describeDiagnosis(clusters[index] as Cluster, each.diagnosis, flags)
          : describeUndiagnosed(each),
      ),
  });
}
