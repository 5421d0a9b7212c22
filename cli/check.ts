import { Command } from 'commander';
import { type Cluster, hostsOf } from '../core/cluster/clusters.ts';
import { CHECK_STATE_MACHINE, type CheckReport } from '../core/diagnosis/check.ts';
import { type Checked, checkOutcomeOf, describeChecks } from './check-report.ts';
import { takeFiles } from './files.ts';
import { type LookFlags, lookFromHere, takeLook } from './look.ts';
import { examples, WITHOUT_AWS } from './options.ts';
import { stagingAddressOption } from './staging-address.ts';

/** `etcd-remediation check`: says on a quiet day what would keep a remediation from its work. */
export function checkCommand(): Command {
  const command = new Command('check')
    .helpGroup(WITHOUT_AWS)
    .summary('say on a quiet day what would keep a remediation from its work')
    .description(
      'Checks everything that a remediation needs: the configuration, the secrets, the certificates, who answers at each address, the ' +
        'login, the quota and the releases. With --hosts it also checks whether each host is fit for a replacement and for a quorum recovery. Prints a ' +
        'line for each thing that has to be corrected, and for each that is well. Changes nothing. Run it first, and after every change.\n\n' +
        'With --deployed the deployed functions check, and this machine need not reach the clusters and hosts.',
    );
  takeFiles(command).addOption(
    stagingAddressOption('each host is asked whether it could fetch the snapshot of a quorum recovery from there'),
  );
  return takeLook(command, 'let what is deployed to AWS check')
    .addHelpText(
      'after',
      examples(
        [
          'check --config clusters.json --secrets secrets.json --hosts hosts.json --staging-address 10.0.1.5',
          'check orders --config clusters.json --secrets secrets.json',
          'check orders --deployed',
        ],
        '0 nothing has to be corrected; 1 something has, or could not be looked at; 2 for a wrong use.',
      ),
    )
    .action(async (name: string | undefined, flags: LookFlags) => {
      if (!flags.deployed) return check(name, flags);
      const { checkDeployed } = await import('./deployed/check.ts');
      return checkDeployed(name, flags);
    });
}

async function check(name: string | undefined, flags: LookFlags): Promise<void> {
  await lookFromHere<Checked>(name, flags, {
    doing: 'Checking',
    preparation: 'Synthesizing the workflow and bundling its steps',
    at: (platform, { cluster, progress }) => {
      const { ended } = platform.executions.start({
        stateMachineName: CHECK_STATE_MACHINE,
        input: { cluster: cluster.name },
      });
      const check = ended.then((end): Checked => {
        if (end.status === 'SUCCEEDED') return explainUnchecked(end.output as unknown as CheckReport, cluster, flags);
        return { outcome: 'NotChecked', cluster: cluster.name, error: end.error, cause: end.cause };
      });
      return progress.during('Check', cluster.name, check, (checked) =>
        checked.outcome === 'NotChecked' ? checked.outcome : checked.summary,
      );
    },
    outcomeOf: checkOutcomeOf,
    describe: (_, checked) => describeChecks(checked),
  });
}

function explainUnchecked(report: CheckReport, cluster: Cluster, { hosts }: LookFlags): CheckReport {
  const blind = {
    hosts: hostsOf(cluster).length > 0 && hosts === undefined,
    backups: cluster.backups !== undefined,
  };
  const messages: Record<string, string> = {
    hosts: 'not looked at: --hosts FILE says how each is reached',
    backups: `not looked at from here: "check --deployed" looks into s3://${cluster.backups?.bucket}/${cluster.backups?.prefix}`,
  };
  return {
    ...report,
    unchecked: report.unchecked.map((line) =>
      blind[line.area as keyof typeof blind] ? { ...line, message: messages[line.area] ?? line.message } : line,
    ),
  };
}
