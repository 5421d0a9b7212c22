import { Choice, Condition, type StateMachine, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { memberRepair } from '../../core/member-repair/runbook.ts';
import { BEFORE } from '../../core/text/format.ts';
import type { Step } from '../step-function.ts';
import type { MemberReplacementSteps } from './member-replacement.ts';
import { explainChanges } from './parts/explain-changes.ts';
import { loadCluster } from './parts/load-cluster.ts';
import { planReplacement } from './parts/plan-replacement.ts';
import { BEFORE_REPLACING, replaceMembers } from './parts/replace-members.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { startServicesAgain } from './parts/start-services-again.ts';
import { raiseAgain, stepState } from './parts/step-state.ts';

export interface MemberRepairSteps extends Omit<MemberReplacementSteps, 'assessMembers'> {
  assessData: Step;
  moveLeadership: Step;
  disarmCorruption: Step;
}

/**
 * The runbook for `data-corrupt`: a member whose data differ from those of a majority is replaced by one that copies them.
 *
 * 1. Load the cluster's configuration and check the execution input.
 * 2. Assess, three times over the confirmation time: whose hash differs at one revision from that of a majority of all voters? At the last
 *    reading, since which revision.
 * 3. Inspect the hosts of those, and plan: as a member replacement does. So far nothing was changed; a dry run ends here.
 * 4. Ask what is next, do that one thing, and ask again: move leadership away from one that differs, then see {@link replaceMembers}.
 * 5. Compare the data of all voters, and disarm CORRUPT only if they are the same. Where they were from the start, that is all there is to
 *    do.
 * 6. Prove a write through every voter, and compare their hashes once more.
 *
 * Invariant: besides those of a member replacement, no new member copies one that differs from the majority, and writes are let through
 * only when nobody does.
 */
export class MemberRepair extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, steps: MemberRepairSteps) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const onError = explainChanges(this, steps.explainChanges, startServicesAgain(this, steps.runHostCommands, stop));
    const recordChange = (change: string) => ({ changes: `{% [$append($changes, ${change})] %}` });
    const condemned = '{% [$assessment.condemned] %}';
    const report = {
      incident: memberRepair.incident,
      runbook: memberRepair.runbook,
      cluster: '{% $cluster.name %}',
      reason: '{% $reason %}',
      requestedBy: '{% $requestedBy %}',
      summary: '{% $assessment.summary %}',
      membersBefore: '{% $assessment.members %}',
      compared: '{% $assessment.compared %}',
    };
    const plan = '{% [$append($append($assessment.stepsBefore, $plan.steps), $assessment.stepsAfter)] %}';

    const start = loadCluster(this, {
      step: steps.loadCluster,
      incident: memberRepair.incident,
      assign: {
        readings: { targets: [], equal: 0, total: 0 },
        plan: {
          cluster: '{% $states.result.Payload.cluster %}',
          replaced: null,
          targets: [],
          steps: [],
          archives: {},
        },
        ...BEFORE_REPLACING,
      },
      onError: stop,
    });
    const assessData = stepState(this, 'Compare the data of all voters', {
      step: steps.assessData,
      input: { cluster: '{% $cluster %}', parameters: '{% $parameters %}', readings: '{% $readings %}' },
      assign: { assessment: '{% $states.result.Payload %}', readings: '{% $states.result.Payload.readings %}' },
      onError: stop,
    });
    const waitBeforeReading = Wait.jsonata(this, 'Wait before the next reading', {
      time: WaitTime.seconds('{% $ceil($parameters.confirmSeconds / 2) %}'),
    });
    const moveLeadership = stepState(this, 'Move leadership', {
      step: steps.moveLeadership,
      input: {
        cluster: '{% $plan.cluster %}',
        member: '{% $next.member %}',
        transferee: '{% $next.transferee %}',
      },
      assign: recordChange("{'action': 'MoveLeadership', 'member': $next.member, 'transferee': $next.transferee}"),
      onError,
    });
    const disarmCorruption = stepState(this, 'Compare and disarm', {
      step: steps.disarmCorruption,
      input: { cluster: '{% $plan.cluster %}' },
      assign: {
        disarmed: '{% $states.result.Payload.disarmed %}',
        ...recordChange("$states.result.Payload.disarmed.{'action': 'DisarmAlarm', 'member': memberId}"),
      },
      onError,
    });
    const proveWrites = stepState(this, 'Prove writes on every member', {
      step: steps.proveWrites,
      input: { cluster: '{% $plan.cluster %}', execution: '{% $states.context.Execution.Name %}' },
      assign: { proven: '{% $states.result.Payload %}' },
      onError,
    });
    const compareHashes = stepState(this, 'Compare hashes', {
      step: steps.compareHashes,
      input: { cluster: '{% $plan.cluster %}' },
      assign: { hash: '{% $states.result.Payload %}' },
      onError,
    });

    const nothingToDo = Succeed.jsonata(this, 'Nothing to do', { outputs: { outcome: 'NothingToDo', ...report } });
    const cameBack = Succeed.jsonata(this, 'All came back', {
      outputs: {
        outcome: 'NothingToDo',
        ...report,
        summary: 'What did not answer has come back, and has to be compared first. Nothing was changed; start again.',
      },
    });
    const planned = Succeed.jsonata(this, 'Planned', {
      outputs: {
        outcome: 'Planned',
        ...report,
        targets: '{% [$assessment.readings.targets.member] %}',
        removeIds: '{% [$plan.targets.removeIds] %}',
        plan,
        archives: '{% $plan.archives %}',
      },
    });
    const repaired = Succeed.jsonata(this, 'Data are the same', {
      outputs: {
        outcome: 'Remediated',
        ...report,
        // How it is now comes first, for readers who stop there.
        summary:
          "{% 'All voters hold the same data at revision ' & $hash.revision & ', and every one took a write.' & ($count($plan.targets) = 0 ? '' : " +
          "' Replaced: ' & $join([$plan.targets.member], ', ') & '.') & ($count($disarmed) = 0 ? '' : ' CORRUPT is disarmed.') & " +
          `' ${BEFORE} ' & $assessment.summary %}`,
        plan,
        differences: '{% $assessment.differences %}',
        disarmed: '{% $disarmed %}',
        archived: '{% $archived %}',
        archives: '{% $plan.archives %}',
        hash: '{% $hash %}',
        members: '{% $proven.members %}',
      },
    });

    const prove = disarmCorruption.next(proveWrites).next(compareHashes).next(repaired);
    const replace = replaceMembers(this, {
      steps,
      request: { condemned },
      more: { MoveLeadership: moveLeadership },
      finish: prove,
      onError,
    });
    const isThisADryRun = Choice.jsonata(this, 'Is this a dry run?')
      .when(Condition.jsonata('{% $dryRun %}'), planned)
      .when(Condition.jsonata("{% $assessment.verdict = 'Disarm' %}"), disarmCorruption)
      .otherwise(replace);
    const planIt = planReplacement(this, {
      steps,
      request: { cluster: '{% $cluster %}', parameters: '{% $parameters %}', member: '', condemned },
      cameBack,
      next: isThisADryRun,
      onError: stop,
    });
    const doDataDiffer = Choice.jsonata(this, 'Do data differ?')
      .when(Condition.jsonata("{% $assessment.verdict = 'NothingToDo' %}"), nothingToDo)
      .when(Condition.jsonata("{% $assessment.verdict = 'Confirm' %}"), waitBeforeReading.next(assessData))
      .when(Condition.jsonata("{% $assessment.verdict = 'Disarm' %}"), isThisADryRun)
      .otherwise(planIt);

    this.stateMachine = runbookStateMachine(this, {
      name: memberRepair.stateMachineName,
      comment: 'Replaces an etcd member whose data differ from those of a majority',
      start: start.next(assessData).next(doDataDiffer),
      // As a replacement: members are compared within minutes.
      timeout: Duration.hours(4),
      steps: Object.values(steps),
    });
  }
}
