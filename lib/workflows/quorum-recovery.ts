import {
  Choice,
  Condition,
  type Fail,
  Pass,
  type State,
  type StateMachine,
  Succeed,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { READINGS } from '../../core/cluster/confirmation.ts';
import { quorumRecovery } from '../../core/quorum-recovery/runbook.ts';
import { BEFORE } from '../../core/text/format.ts';
import type { Step } from '../step-function.ts';
import { loadCluster } from './parts/load-cluster.ts';
import { FAILED_HOSTS, reportFromEveryHost } from './parts/on-every-host.ts';
import { proveRecovery } from './parts/recovery/prove-recovery.ts';
import { restoreCluster } from './parts/recovery/restore-cluster.ts';
import { restoreQuorum } from './parts/recovery/restore-quorum.ts';
import { salvageData } from './parts/recovery/salvage-data.ts';
import { undoRecovery } from './parts/recovery/undo-recovery.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { raiseAgain, stepState } from './parts/step-state.ts';

export interface QuorumRecoverySteps {
  loadCluster: Step;
  assessQuorum: Step;
  chooseRecovery: Step;
  waitForQuorum: Step;
  findRecoveryBackup: Step;
  planRecovery: Step;
  verifyRecovery: Step;
  runHostCommands: Step;
  stageSnapshot: Step;
  transferSnapshots: Step;
  compareHashes: Step;
  proveWrites: Step;
}

/**
 * The runbook for `quorum-lost`: from no leader to a healthy cluster, losing as little as what is left allows.
 *
 * 1. Load the cluster's configuration and check the execution input.
 * 2. Assess, three times over the confirmation time: does no member agree with a quorum on anything? The hosts are inspected right before the last time.
 * 3. Start the services where a quorum has its data. Nothing is lost then, and no data is touched.
 * 4. Else salvage: take a snapshot of what each host holds, from a copy, and plan. So far no data was changed; a dry run ends here.
 * 5. Send the newest to every host, and restore it there beside the data. Look once more whether a quorum has come back.
 * 6. On every host stop the service, move the old data aside and the restored into its place, and write one new membership.
 * 7. Once all have done so, start all together; each says right before that the restored data is kept.
 * 8. Compare the members' hashes at one revision, and prove a write through each. Only then the hosts forget the recovery.
 *
 * Invariant: before a member is started, either every host has the restored data in place or every host has its own. Each host keeps on its own
 * disk how far it is. An execution that was stopped anywhere is undone or kept as a whole by the next one. Data is moved aside and
 * never deleted.
 */
export class QuorumRecovery extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, steps: QuorumRecoverySteps) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const waysOut = undoRecovery(this, steps, stop);
    const report = {
      incident: quorumRecovery.incident,
      runbook: quorumRecovery.runbook,
      cluster: '{% $cluster.name %}',
      reason: '{% $reason %}',
      requestedBy: '{% $requestedBy %}',
      membersBefore: '{% $assessment.members %}',
    };
    const planned = {
      ladder: '{% $plan.ladder %}',
      candidates: '{% $plan.candidates %}',
      backups: '{% [$plan.backups] %}',
      winner: '{% $plan.winner %}',
      loss: `{% $kept = '' ? $plan.loss : $merge([$plan.loss, {"atMostWrites": null, "explanation": ${LOSS}}]) %}`,
      leftOut: '{% $plan.leftOut %}',
      plan: '{% $plan.steps %}',
      archives: '{% $plan.archives %}',
    };

    const start = loadCluster(this, {
      step: steps.loadCluster,
      incident: quorumRecovery.incident,
      assign: {
        readings: { lost: 0, total: 0, committed: {} },
        restarted: false,
        restartProblem: '',
        restartReason: '',
        launched: [],
        launchFailed: [],
        inspections: [],
        running: [],
        waits: 0,
        turn: 0,
        discard: [],
        scratchLeft: '',
        staged: { key: '', uploadId: '' },
        unreverted: [],
        undone: [],
        written: [],
        unsure: [],
        kept: '',
        interrupted: [],
      },
      onError: stop,
    });
    const assessQuorum = stepState(this, 'Assess quorum', {
      step: steps.assessQuorum,
      input: { cluster: '{% $cluster %}', parameters: '{% $parameters %}', readings: '{% $readings %}' },
      assign: {
        assessment: '{% $states.result.Payload %}',
        readings: '{% $states.result.Payload.readings %}',
        nextReadingMs:
          '{% $toMillis($states.context.State.EnteredTime) + 1000 * $ceil($parameters.confirmSeconds / 2) %}',
      },
      onError: stop,
    });
    const waitBeforeReading = Wait.jsonata(this, 'Wait before the next reading', {
      time: WaitTime.timestamp('{% $fromMillis($nextReadingMs) %}'),
    });
    const waitBeforeInspection = Wait.jsonata(this, 'Wait before the hosts are inspected', {
      comment: 'The last reading is due when they have been looked at',
      time: WaitTime.timestamp(`{% $fromMillis($nextReadingMs - ${INSPECTION_MS}) %}`),
    });

    const nothingToDo = Succeed.jsonata(this, 'Nothing to do', {
      outputs: { outcome: 'NothingToDo', ...report, summary: '{% $assessment.summary %}' },
    });
    const cameBack = Succeed.jsonata(this, 'Quorum came back', {
      outputs: {
        outcome: 'NothingToDo',
        ...report,
        summary: `{% ${joined("'A quorum has come back.'", UNCHANGED, '$kept')} %}`,
        ...EARLIER,
        scratchLeft: '{% $scratchLeft %}',
      },
    });
    const dryRunEnds = Succeed.jsonata(this, 'Planned', {
      outputs: {
        outcome: 'Planned',
        ...report,
        ...planned,
        summary: `{% ${assessedAnd('$recovery.summary', LOSS)} %}`,
      },
    });
    const finishEarlier = Succeed.jsonata(this, 'Planned to finish an earlier recovery', {
      outputs: {
        outcome: 'Planned',
        ...report,
        summary: '{% $recovery.summary %}',
        winner: null,
        leftOut: [],
        plan: '{% [$recovery.steps] %}',
      },
    });
    const restartEnds = Succeed.jsonata(this, 'Quorum restarted', {
      outputs: {
        outcome: 'Remediated',
        ...report,
        summary: `{% ${joined('$verified.summary', '$kept', '$restartReason', WHAT_WAS_WRONG)} %}`,
        ladder: [{ rung: 'restart', serves: true, why: `{% ${joined('$kept', '$restartReason')} %}` }],
        // What is lost with an earlier recovery is known to nobody here.
        loss: {
          keptRevision: '{% $compared.revision %}',
          atMostWrites: "{% $kept = '' ? 0 : null %}",
          explanation:
            `{% ${joined('$kept', "'The members have started with the data that they had, and a quorum has all that was acknowledged'")} & ` +
            "($kept = '' ? '.' : ' since.') %}",
        },
        ...EARLIER,
        scratchLeft: '{% $scratchLeft %}',
        ...PROOFS,
      },
    });
    const restoreEnds = Succeed.jsonata(this, 'Cluster restored', {
      outputs: {
        outcome: 'Remediated',
        ...report,
        ...planned,
        summary: `{% ${joined('$verified.summary', RESTORED, LOSS, LEFT_OUT, WHAT_WAS_WRONG)} %}`,
        ...EARLIER,
        archived: '{% $archived %}',
        configured: '{% [$written] %}',
        scratchLeft: '{% $scratchLeft %}',
        ...PROOFS,
      },
    });

    const discardStaged = stepState(this, 'Discard staged snapshot', {
      step: steps.stageSnapshot,
      input: { action: 'Discard', key: '{% $staged.key %}', uploadId: '{% $staged.uploadId %}' },
      // The bucket's own rule removes it after a day.
      onError: restoreEnds,
    });
    const wasDataRestored = Choice.jsonata(this, 'Was data restored?')
      .when(Condition.jsonata('{% $goal.restored %}'), discardStaged.next(restoreEnds))
      .otherwise(restartEnds);
    const onErrorAfterStart = this.#explainWhatIsKept(stop);
    // The mark is no longer needed. A host on which it cannot be removed does no harm, and is only reported.
    const forget = reportFromEveryHost(this, 'Clear the recovery marks', {
      step: steps.runHostCommands,
      command: 'mark-recovery',
      commands: '$goal.restored ? $plan.commands.forget : $discard',
      assign: { scratchLeft: `{% ${FAILED_HOSTS} %}` },
      onError: wasDataRestored,
    });
    forget.next(wasDataRestored);
    const prove = proveRecovery(this, { steps, proven: forget, onError: onErrorAfterStart });

    const restore = restoreCluster(this, { steps, waysOut, cameBack, onErrorAfterStart }).next(prove);
    const isThisADryRun = Choice.jsonata(this, 'Is this a dry run?')
      .when(Condition.jsonata('{% $dryRun %}'), dryRunEnds)
      .otherwise(restore);
    const salvage = salvageData(this, { steps, onError: waysOut.untouched }).next(isThisADryRun);
    waitBeforeReading.next(assessQuorum);
    const { inspectHosts, choose } = restoreQuorum(this, {
      ...{ steps, led: prove, cameBack, salvage, finishEarlier, onError: stop },
      confirm: waitBeforeReading,
    });
    const isTheQuorumLost = Choice.jsonata(this, 'Is the quorum lost?')
      .when(Condition.jsonata("{% $assessment.verdict = 'NothingToDo' %}"), nothingToDo)
      .when(
        Condition.jsonata(`{% $assessment.verdict = 'Confirm' and $readings.lost = ${READINGS - 1} %}`),
        waitBeforeInspection.next(inspectHosts),
      )
      .when(Condition.jsonata("{% $assessment.verdict = 'Confirm' %}"), waitBeforeReading)
      .when(Condition.jsonata(`{% ${SEEN_AS_IT_IS} %}`), choose)
      .otherwise(inspectHosts);

    this.stateMachine = runbookStateMachine(this, {
      name: quorumRecovery.stateMachineName,
      comment: 'Brings back an etcd cluster that has lost its quorum',
      start: start.next(assessQuorum).next(isTheQuorumLost),
      // Five commands may take an hour each, for a database of 8 GiB that is copied, compressed and moved; and an hour for each GiB on its way
      // to the staging bucket would be too slow to wait for.
      timeout: Duration.hours(13),
      steps: Object.values(steps),
    });
  }

  /** A member may have been started, and it is unknown what it has written: nothing is moved any more. */
  #explainWhatIsKept(stop: Fail): State {
    const kept = Pass.jsonata(this, 'Explain what is kept', {
      outputs: {
        error: '{% $states.input.error %}',
        cause:
          "{% $states.input.cause & '\\n' & ($goal.restored ? 'The restored data stays in place, for members may have started with it. Look at the " +
          "services and their logs, correct what they say, and start again: the next execution starts what is in place. The data that was there before is kept: ' & ($exists($archived[dataDir != '']) ? $join([$archived[dataDir != ''].(member & ' ' & " +
          "dataDir & (walDir = '' ? '' : ' and ' & walDir))], ', ') : 'no host had any') & '. The membership was written into the configuration of etcd: ' & $join($written, '; ') & '.' : " +
          `${joined(UNCHANGED, "'The services that were started run on.'")}) %}`,
      },
    });
    kept.next(stop);
    return kept;
  }
}

/** About what a command takes to hosts and back, with AWS: what is decided rests on hosts that were looked at a moment ago. */
const INSPECTION_MS = 5_000;
/** JSONata: the hosts were inspected, and no member answers since that had no process then. */
const SEEN_AS_IT_IS =
  '$count($inspections) > 0 and $count($assessment.members[answering and $not(name in $running)]) = 0';
/** An earlier recovery that was brought to an end first. */
const EARLIER = { interrupted: '{% [$interrupted] %}' };
const UNCHANGED = "($count($interrupted) > 0 ? $join($interrupted, ' ') : 'No data was changed.')";
const LOSS = joined('$kept', '$plan.loss.explanation');
const RESTORED = "'The snapshot of ' & $plan.winner.member & ' (' & $plan.winner.source & ') was restored.'";
const LEFT_OUT = "($count($plan.leftOut) > 0 ? 'Left out: ' & $join([$plan.leftOut.member], ', ') & '.' : '')";

/** What proves that the cluster is well, in the reports of those executions that have brought it back. */
const PROOFS = {
  revision: '{% $compared.revision %}',
  hash: '{% $compared %}',
  members: '{% $verified.members %}',
  remaining: '{% $verified.remaining %}',
};

/** JSONata: of a success, which says first how it is now. */
const WHAT_WAS_WRONG = `'${BEFORE} ' & $assessment.summary`;

/** JSONata: what was found, and what became of it. */
function assessedAnd(...parts: string[]): string {
  return joined('$assessment.summary', ...parts);
}

/** JSONata: those of the texts that are not empty. */
function joined(...parts: string[]): string {
  return `$join($filter([${parts.join(', ')}], function($text) { $text != '' }), ' ')`;
}
