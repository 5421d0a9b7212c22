import {
  Choice,
  Condition,
  type IChainable,
  type State,
  type StateMachine,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { COPY_LEFT } from '../../core/backups/by-host.ts';
import { BACKUP_STATE_MACHINE, POSTPONED } from '../../core/backups/contracts.ts';
import type { Step } from '../step-function.ts';
import { FAILED_HOSTS, REPORTS, reportFromEveryHost } from './parts/on-every-host.ts';
import { WHILE_ETCD_SETTLES_ONCE } from './parts/retry-policies.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { ERROR, MESSAGE, raiseAgain, stepState } from './parts/step-state.ts';

export interface BackupSteps {
  loadRemediation: Step;
  backUpCluster: Step;
  copyDatabase: Step;
  sendBackup: Step;
  completeBackup: Step;
  runHostCommands: Step;
  pruneBackups: Step;
}

/** JSONata: why the host's part came to nothing, from what the state before has left: an error, or the reports of a phase; null where it did not. */
const FAILURE =
  "($exists($states.input.error) ? {'error': $states.input.error, 'cause': $states.input.cause} : " +
  "$states.input.failed != '' ? {'error': $states.input.failed, 'cause': $states.input.problems} : null)";

/** JSONata: what the last state has failed with, behind what the backup had come to nothing for before, and before what was left on the host, if so. */
const ALL_ERRORS = {
  error: '{% $states.input.failure ? $states.input.failure.error : $states.errorOutput.Error %}',
  cause:
    "{% ($states.input.failure ? $states.input.failure.cause & ' Then what was sent of it could not be removed from the bucket: ' : '') & " +
    `${MESSAGE} & ` +
    `($copyLeft != '' ? '${COPY_LEFT}' & $copyLeft : '') %}`,
};

/**
 * A backup of a cluster. It takes no lock, for it changes nothing in etcd, and gives way to whatever its member has to do.
 *
 * 1. Load the cluster's configuration.
 * 2. Back up the database of a follower into the bucket, and write beside it what is known of it.
 * 3. If that takes longer than a function may, its host goes on: copy the database there, send the copy in parts, and remove it.
 * 4. Remove the backups that are kept no longer.
 *
 * Where another backup works on that host, this one is put off.
 *
 * Invariant: nothing is removed before a new backup is whole, and the newest that is whole never is. Whatever becomes of a copy, it does not stay on
 * the host.
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
    prune.next(backedUp);
    const backUp = stepState(this, 'Back up cluster', {
      step: steps.backUpCluster,
      input: { cluster: '{% $cluster %}', execution: '{% $states.context.Execution.Name %}' },
      assign: {
        backup: '{% $states.result.Payload.backup %}',
        member: '{% $states.result.Payload.member %}',
        remove: '{% [$states.result.Payload.remove] %}',
        copied: null,
        etags: [],
        copyLeft: '',
      },
      onError: stop,
    });
    const isItDone = Choice.jsonata(this, 'Does its host go on?')
      .when(Condition.jsonata("{% $states.input.action = 'GoOnByHost' %}"), goOnByHost(this, steps, { prune, stop }))
      .otherwise(prune);
    this.stateMachine = runbookStateMachine(this, {
      name: BACKUP_STATE_MACHINE,
      comment: 'Backs up an etcd cluster, and changes nothing in it. Start it with {"cluster":"orders"}',
      start: start.next(backUp).next(isItDone),
      // What a function does takes a quarter of an hour; a host may send for five hours. What is ended by this leaves its copy on the host.
      timeout: Duration.hours(8),
      steps: Object.values(steps),
    });
  }
}

/** The host of the member goes on. Its copy is removed before anything else is done, and also where it was not sent. */
function goOnByHost(
  scope: Construct,
  steps: Pick<BackupSteps, 'copyDatabase' | 'sendBackup' | 'completeBackup' | 'runHostCommands'>,
  { prune, stop }: { prune: IChainable; stop: IChainable },
): State {
  const putOff = Succeed.jsonata(scope, 'Backup was put off', {
    comment: 'The next one on the schedule tries again',
    outputs: { outcome: POSTPONED, cluster: '{% $cluster.name %}', summary: '{% $states.input.cause %}' },
  });
  const isItWhole = Choice.jsonata(scope, 'Is the backup whole?')
    .when(Condition.jsonata(`{% $states.input.error = '${POSTPONED}' %}`), putOff)
    .when(Condition.jsonata("{% $states.input.error != '' %}"), stop)
    .otherwise(prune);
  const complete = stepState(scope, 'Complete backup', {
    comment: 'Or discard what was sent of it',
    step: steps.completeBackup,
    input: {
      cluster: '{% $cluster %}',
      copied: '{% $copied %}',
      etags: '{% [$etags] %}',
      failure: '{% $states.input.failure %}',
      copyLeft: '{% $copyLeft %}',
    },
    assign: { backup: '{% $states.result.Payload.backup %}' },
    onError: isItWhole,
    caught: { outputs: ALL_ERRORS },
  });
  complete.next(isItWhole);
  const discard = reportFromEveryHost(scope, 'Discard copy on host', {
    step: steps.runHostCommands,
    command: 'mark-recovery',
    commands: '$remove',
    outputs: { failure: `{% ${FAILURE} %}` },
    assign: { copyLeft: `{% ${FAILED_HOSTS} %}` },
    onError: complete,
    // The backup is as good.
    caught: { outputs: { failure: `{% ${FAILURE} %}` }, assign: { copyLeft: ERROR.cause } },
  });
  discard.next(complete);
  const send = reportFromEveryHost(scope, 'Send copy from host', {
    step: steps.sendBackup,
    command: 'send-snapshot',
    commands: '$copied.parts',
    atOnce: 1,
    assign: { etags: `{% [${REPORTS}.(error = '' ? result.etag : '')] %}` },
    onError: discard,
  });
  const copy = stepState(scope, 'Copy database on host', {
    step: steps.copyDatabase,
    input: {
      cluster: '{% $cluster %}',
      member: '{% $member %}',
      execution: '{% $states.context.Execution.Name %}',
      visit: '{% $states.context.State.EnteredTime %}',
      attempt: '{% $states.context.State.RetryCount %}',
    },
    assign: { copied: '{% $states.result.Payload.copied %}' },
    onError: discard,
    whileEtcdSettles: WHILE_ETCD_SETTLES_ONCE,
  });
  send.next(discard);
  const isAnotherAtWork = Choice.jsonata(scope, 'Does another backup work there?')
    .when(Condition.jsonata("{% $states.input.action = 'Postpone' %}"), discard, {
      outputs: { error: POSTPONED, cause: '{% $states.input.summary %}' },
    })
    .otherwise(send);
  copy.next(isAnotherAtWork);
  return copy;
}
