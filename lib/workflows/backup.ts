import { type StateMachine, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { BACKUP_STATE_MACHINE } from '../../core/backups/contracts.ts';
import type { Step } from '../step-function.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { raiseAgain, stepState } from './parts/step-state.ts';

export interface BackupSteps {
  loadRemediation: Step;
  backUpCluster: Step;
  pruneBackups: Step;
}

/**
 * A backup of a cluster. It takes no lock, for it changes nothing in etcd, and gives way to whatever its member has to do.
 *
 * 1. Load the cluster's configuration.
 * 2. Back up the database of a follower into the bucket, and write beside it what is known of it.
 * 3. Remove the backups that are kept no longer.
 *
 * Invariant: nothing is removed before a new backup is whole, and the newest that is whole never is.
 */
export class Backup extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, steps: BackupSteps) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const start = stepState(this, 'Load cluster', {
      step: steps.loadRemediation,
      input: {
        execution: '{% $states.context.Execution.Name %}',
        input: '{% {"cluster": $states.input.cluster} %}',
      },
      assign: { cluster: '{% $states.result.Payload.cluster %}' },
      onError: stop,
    });
    const backUp = stepState(this, 'Back up cluster', {
      step: steps.backUpCluster,
      input: { cluster: '{% $cluster %}' },
      assign: {
        backup: "{% $sift($states.result.Payload, function($value, $field) { $field != 'summary' }) %}",
      },
      onError: stop,
    });
    const prune = stepState(this, 'Remove expired backups', {
      step: steps.pruneBackups,
      input: { cluster: '{% $cluster %}' },
      onError: stop,
    });
    const backedUp = Succeed.jsonata(this, 'Backed up', {
      outputs: {
        outcome: 'BackedUp',
        cluster: '{% $cluster.name %}',
        backup: '{% $backup %}',
        removed: '{% [$states.input.removed] %}',
        kept: '{% $states.input.kept %}',
      },
    });
    this.stateMachine = runbookStateMachine(this, {
      name: BACKUP_STATE_MACHINE,
      comment: 'Backs up an etcd cluster, and changes nothing in it. Start it with {"cluster":"orders"}',
      start: start.next(backUp).next(prune).next(backedUp),
      timeout: Duration.hours(1),
      steps: Object.values(steps),
    });
  }
}
