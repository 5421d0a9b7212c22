import type { Chain, IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../../step-function.ts';
import { reportFromEveryHost } from '../on-every-host.ts';
import { stepState } from '../step-state.ts';

export interface SalvageProps {
  steps: { runHostCommand: Step; transferSnapshot: Step; planRecovery: Step };
  onError: IChainable;
}

/**
 * Takes a snapshot of what each host holds, from a copy, looks into the backup if one is named, and plans. What the hosts have in
 * place is only read. Sets the variables `plan` and `discard`.
 */
export function salvageData(scope: Construct, { steps, onError }: SalvageProps): Chain {
  const { runHostCommand, transferSnapshot, planRecovery } = steps;
  const salvage = reportFromEveryHost(scope, {
    step: runHostCommand,
    every: 'Salvage data on every host',
    one: 'Salvage data',
    subject: 'the salvage',
    command: 'salvage-data-dir',
    commands: '$rescue.commands',
    assign: { salvaged: '{% [$states.result] %}' },
    onError,
  });
  const examine = reportFromEveryHost(scope, {
    step: transferSnapshot,
    every: 'Look into the backup',
    one: 'Examine backup',
    subject: 'the examination',
    command: 'examine-snapshot',
    commands: '$rescue.examine = null ? [] : $rescue.examine',
    object: '{% {"access": "read-backup", "bucket": $cluster.backups.bucket, "key": $parameters.snapshot.key} %}',
    assign: { examined: '{% $count($states.result) = 0 ? null : $states.result[0] %}' },
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
