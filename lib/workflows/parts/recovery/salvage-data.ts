import type { Chain, IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../../step-function.ts';
import { REPORTS, reportFromEveryHost, withObject } from '../on-every-host.ts';
import { stepState } from '../step-state.ts';

export interface SalvageProps {
  steps: { runHostCommands: Step; transferSnapshots: Step; planRecovery: Step };
  onError: IChainable;
}

/**
 * Takes a snapshot of what each host holds, from a copy, looks into the backup if one is named, and plans. What the hosts have in
 * place is only read. Sets the variables `plan` and `discard`.
 */
export function salvageData(scope: Construct, { steps, onError }: SalvageProps): Chain {
  const { runHostCommands, transferSnapshots, planRecovery } = steps;
  const salvage = reportFromEveryHost(scope, 'Snapshot data on every host', {
    step: runHostCommands,
    command: 'snapshot-data-dir',
    commands: '$recovery.commands',
    assign: { salvaged: `{% [${REPORTS}] %}` },
    onError,
  });
  const examine = reportFromEveryHost(scope, 'Fetch the backup', {
    step: transferSnapshots,
    command: 'fetch-backup',
    commands: `$recovery.examine = null ? [] : ${withObject('$recovery.examine', BACKUP)}`,
    assign: { examined: `{% $count(${REPORTS}) = 0 ? null : ${REPORTS}[0] %}` },
    onError,
  });
  const plan = stepState(scope, 'Plan recovery', {
    step: planRecovery,
    input: {
      cluster: '{% $cluster %}',
      parameters: '{% $parameters %}',
      dryRun: '{% $dryRun %}',
      members: '{% [$assessment.members] %}',
      inspections: '{% [$inspections] %}',
      salvaged: '{% [$salvaged] %}',
      examined: '{% $examined %}',
      restartProblem: '{% $restartProblem %}',
      launched: '{% [$launched] %}',
      execution: '{% $states.context.Execution.Name %}',
    },
    assign: { plan: '{% $states.result.Payload %}', discard: '{% [$states.result.Payload.commands.discard] %}' },
    onError,
  });
  return salvage.next(examine).next(plan);
}

/** JSONata: the backup that is named. */
const BACKUP = '{"access": "read-backup", "bucket": $cluster.backups.bucket, "key": $parameters.snapshot.key}';
