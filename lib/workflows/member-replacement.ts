import { Choice, Condition, type StateMachine, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { memberReplacement } from '../../core/member-replacement/runbook.ts';
import { BEFORE } from '../../core/text/format.ts';
import type { Step } from '../step-function.ts';
import { explainChanges } from './parts/explain-changes.ts';
import { loadCluster } from './parts/load-cluster.ts';
import { planReplacement } from './parts/plan-replacement.ts';
import { BEFORE_REPLACING, replaceMembers } from './parts/replace-members.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { startServicesAgain } from './parts/start-services-again.ts';
import { raiseAgain, stepState } from './parts/step-state.ts';

export interface MemberReplacementSteps {
  loadCluster: Step;
  assessMembers: Step;
  planReplacement: Step;
  chooseNextChange: Step;
  changeMembership: Step;
  waitForMember: Step;
  runHostCommands: Step;
  compareHashes: Step;
  proveWrites: Step;
  explainChanges: Step;
}

/**
 * The runbook for `member-failed`: a member that does not come back is replaced by one that starts empty.
 *
 * 1. Load the cluster's configuration and check the execution input.
 * 2. Assess, three times over the confirmation time: who has failed, and does the cluster work without them?
 * 3. Inspect the hosts of those, and where a spare host takes the place of one, that one's own as well; and plan. So far nothing was changed; a dry run ends here.
 * 4. Ask what is next, do that one thing, and ask again: see {@link replaceMembers}.
 * 5. Prove a write through every voter, and compare the members' hashes at one revision.
 *
 * Invariant: the healthy voters without the failed ones are a quorum before every change. An ID that etcd
 * lists and an empty data dir never meet. Data is moved aside and never deleted. An execution that was stopped anywhere leaves a
 * cluster which the next one finds as it is, and finishes.
 */
export class MemberReplacement extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, steps: MemberReplacementSteps) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const onError = explainChanges(this, steps.explainChanges, startServicesAgain(this, steps.runHostCommands, stop));
    const request = { cluster: '{% $cluster %}', parameters: '{% $parameters %}', member: '{% $member %}' };
    const report = {
      incident: memberReplacement.incident,
      runbook: memberReplacement.runbook,
      cluster: '{% $cluster.name %}',
      reason: '{% $reason %}',
      requestedBy: '{% $requestedBy %}',
      summary: '{% $assessment.summary %}',
      membersBefore: '{% $assessment.members %}',
    };

    const start = loadCluster(this, {
      step: steps.loadCluster,
      incident: memberReplacement.incident,
      assign: {
        member: '{% $states.result.Payload.member %}',
        readings: { targets: [], equal: 0, total: 0 },
        ...BEFORE_REPLACING,
      },
      onError: stop,
    });
    const assessMembers = stepState(this, 'Assess members', {
      step: steps.assessMembers,
      input: { ...request, readings: '{% $readings %}' },
      assign: { assessment: '{% $states.result.Payload %}', readings: '{% $states.result.Payload.readings %}' },
      onError: stop,
    });
    const waitBeforeReading = Wait.jsonata(this, 'Wait before the next reading', {
      time: WaitTime.seconds('{% $ceil($parameters.confirmSeconds / 2) %}'),
    });
    const compareHashes = stepState(this, 'Compare hashes', {
      step: steps.compareHashes,
      input: { cluster: '{% $plan.cluster %}' },
      assign: { compared: '{% $states.result.Payload %}' },
      onError,
    });
    const proveWrites = stepState(this, 'Prove writes on every member', {
      step: steps.proveWrites,
      input: { cluster: '{% $plan.cluster %}', execution: '{% $states.context.Execution.Name %}' },
      assign: { proven: '{% $states.result.Payload %}' },
      onError,
    });

    const nothingToDo = Succeed.jsonata(this, 'Nothing to do', { outputs: { outcome: 'NothingToDo', ...report } });
    const cameBack = Succeed.jsonata(this, 'All came back', {
      outputs: {
        outcome: 'NothingToDo',
        ...report,
        summary: 'What had failed has come back. Nothing was changed.',
      },
    });
    const planned = Succeed.jsonata(this, 'Planned', {
      outputs: {
        outcome: 'Planned',
        ...report,
        targets: '{% [$assessment.readings.targets.member] %}',
        removeIds: '{% [$plan.targets.removeIds] %}',
        plan: '{% $plan.steps %}',
        archives: '{% $plan.archives %}',
      },
    });
    const replaced = Succeed.jsonata(this, 'Member replaced', {
      outputs: {
        outcome: 'Remediated',
        ...report,
        // How it is now comes first, for readers who stop there.
        summary:
          "{% $join([$plan.targets.member], ', ') & ($count($plan.targets) > 1 ? ' are' : ' is') & ' back: every voter took a write, and all " +
          `hold the same data at revision ' & $compared.revision & '. ${BEFORE} ' & $assessment.summary %}`,
        plan: '{% $plan.steps %}',
        archived: '{% $archived %}',
        archives: '{% $plan.archives %}',
        hash: '{% $compared %}',
        members: '{% $proven.members %}',
      },
    });
    const replace = replaceMembers(this, {
      steps,
      finish: proveWrites.next(compareHashes).next(replaced),
      onError,
    });
    const isThisADryRun = Choice.jsonata(this, 'Is this a dry run?')
      .when(Condition.jsonata('{% $dryRun %}'), planned)
      .otherwise(replace);
    const plan = planReplacement(this, { steps, request, cameBack, next: isThisADryRun, onError: stop });
    const hasAMemberFailed = Choice.jsonata(this, 'Has a member failed?')
      .when(Condition.jsonata("{% $assessment.verdict = 'NothingToDo' %}"), nothingToDo)
      .when(Condition.jsonata("{% $assessment.verdict = 'Confirm' %}"), waitBeforeReading.next(assessMembers))
      .otherwise(plan);

    this.stateMachine = runbookStateMachine(this, {
      name: memberReplacement.stateMachineName,
      comment: 'Replaces an etcd member that does not come back',
      start: start.next(assessMembers).next(hasAMemberFailed),
      // An hour for each of two members to receive a large database, and as much again for a slow host.
      timeout: Duration.hours(4),
      steps: Object.values(steps),
    });
  }
}
