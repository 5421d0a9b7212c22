import { Chain, Choice, Condition, type IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { ERROR_NAMES } from '../../../../core/errors.ts';
import type { Step } from '../../../step-function.ts';
import { REPORTS, reportFromEveryHost, withObject } from '../on-every-host.ts';
import { ERROR, stepState } from '../step-state.ts';

export interface SalvageProps {
  steps: { runHostCommands: Step; transferSnapshots: Step; findRecoveryBackup: Step; planRecovery: Step };
  onError: IChainable;
}

/**
 * Takes a snapshot of what each host holds, from a copy, looks into the backup that is named, or into the newest of the cluster's own that is not damaged
 * where nothing as new is left, and plans. What the hosts have in place is only read. Sets the variables `plan` and `discard`.
 */
export function salvageData(scope: Construct, { steps, onError }: SalvageProps): Chain {
  const { runHostCommands, transferSnapshots, findRecoveryBackup, planRecovery } = steps;
  const left = {
    cluster: '{% $cluster %}',
    parameters: '{% $parameters %}',
    dryRun: '{% $dryRun %}',
    members: '{% [$assessment.members] %}',
    inspections: '{% [$inspections] %}',
    salvaged: '{% [$salvaged] %}',
    launched: '{% [$launched] %}',
    execution: '{% $states.context.Execution.Name %}',
  };
  const salvage = reportFromEveryHost(scope, 'Snapshot data on every host', {
    step: runHostCommands,
    command: 'snapshot-data-dir',
    commands: '$recovery.commands',
    assign: {
      salvaged: `{% [${REPORTS}] %}`,
      backup: null,
      damaged: [],
      backupKey: "{% $exists($parameters.snapshot) ? $parameters.snapshot.key : '' %}",
      examine: '{% $recovery.examine %}',
    },
    onError,
  });
  const examine = reportFromEveryHost(scope, 'Fetch the backup', {
    step: transferSnapshots,
    command: 'fetch-backup',
    commands: `$examine = null ? [] : ${withObject('$examine', BACKUP)}`,
    assign: { examined: `{% $count(${REPORTS}) = 0 ? null : ${REPORTS}[0] %}` },
    onError,
  });
  const plan = stepState(scope, 'Plan recovery', {
    step: planRecovery,
    input: { ...left, examined: '{% $examined %}', backup: '{% $backup %}', restartProblem: '{% $restartProblem %}' },
    assign: { plan: '{% $states.result.Payload %}', discard: '{% [$states.result.Payload.commands.discard] %}' },
    onError,
  });
  const find = stepState(scope, 'Look for backups', {
    step: findRecoveryBackup,
    input: { ...left, damaged: '{% [$damaged] %}' },
    assign: {
      backup:
        "{% $sift($states.result.Payload, function($value, $field) { $field in ['chosen', 'backups', 'problem'] }) %}",
      backupKey: "{% $states.result.Payload.chosen = null ? '' : $states.result.Payload.chosen.key %}",
      examine: '{% $states.result.Payload.examine %}',
    },
    // What is left on hosts needs no bucket.
    onError: examine,
    caught: { assign: { backup: { chosen: null, backups: [], problem: ERROR.cause } } },
  });
  const isOneToBeFound = Choice.jsonata(scope, 'Is a backup to be found?', {
    comment: "None was named, and the cluster's own are made",
  })
    .when(Condition.jsonata('{% $examine = null and $exists($cluster.backups.everyMinutes) %}'), find.next(examine))
    .otherwise(examine);
  const isItDamaged = Choice.jsonata(scope, 'Is the backup damaged?', {
    comment:
      'Then the next older one is fetched, which the plan and its approval name. Of three that are damaged a person has to know',
  })
    .when(Condition.jsonata(IS_DAMAGED), find, { assign: { damaged: `{% $append($damaged, [${DAMAGED}]) %}` } })
    .otherwise(plan);
  examine.next(isItDamaged);
  salvage.next(isOneToBeFound);
  return Chain.custom(salvage, [plan], plan);
}

/** JSONata: whether the host says of one of the cluster's own that it is not what was backed up. */
const IS_DAMAGED =
  `{% $backup != null and $backup.chosen != null and $examined != null and $examined.error = '${ERROR_NAMES.UnsafeToProceed}' and ` +
  '$count($damaged) < 2 %}';
const DAMAGED = '{"name": $backup.chosen.name, "problem": $examined.problem}';

/** JSONata: the backup that is named, or that was chosen. */
const BACKUP = '{"access": "read-backup", "bucket": $cluster.backups.bucket, "key": $backupKey}';
