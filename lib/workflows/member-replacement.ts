import {
  type Chain,
  Choice,
  Condition,
  type IChainable,
  Pass,
  type StateMachine,
  Succeed,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ERROR_NAMES } from '../../core/errors.ts';
import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import { memberReplacement } from '../../core/member-replacement/runbook.ts';
import { BEFORE } from '../../core/text/format.ts';
import type { Step } from '../step-function.ts';
import { explainChanges } from './parts/explain-changes.ts';
import { loadCluster } from './parts/load-cluster.ts';
import { FAILURE, HAS_FAILED, onEveryHost, REPORTS, reportFromEveryHost } from './parts/on-every-host.ts';
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
 * 4. Ask what is next, do that one thing, and ask again. In order: stop the service, remove the member, move its data aside, add it,
 *    write the membership and start it, wait until it is caught up, promote it.
 * 5. Compare the members' hashes at one revision, and prove a write through every voter.
 *
 * Four commands in a row on hosts, and one more for a second member. Between each two of them something is asked or changed in etcd: the plan
 * after the inspection, the removal before data is moved, the addition before a member starts empty.
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
    const work = {
      cluster: '{% $plan.cluster %}',
      replaced: '{% $plan.replaced %}',
      targets: '{% [$plan.targets] %}',
      done: '{% [$done] %}',
      waits: '{% $waits %}',
      turn: '{% $turn %}',
      execution: '{% $states.context.Execution.Name %}',
    };
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
        stopped: [],
        done: [],
        archived: [],
        changes: [],
        waits: 0,
        turn: 0,
        lastIndex: 'none',
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
    const planReplacement = stepState(this, 'Plan replacement', {
      step: steps.planReplacement,
      input: {
        ...request,
        targets: '{% [$assessment.readings.targets] %}',
        inspections: '{% [$inspections.{"member": member, "inspection": result}] %}',
        oldHost: '{% [$oldHost] %}',
      },
      assign: { plan: '{% $states.result.Payload %}' },
      onError: stop,
    });
    // Both are looked at together, those of which nothing is changed behind the others: whatever becomes of that, the plan weighs it.
    const whose = (isOldHost: string) =>
      `{% [$filter(${REPORTS}, function($each, $at) {$at ${isOldHost} $count($assessment.inspections)})] %}`;
    const inspectHosts = reportFromEveryHost(this, 'Inspect hosts', {
      step: steps.runHostCommands,
      command: 'inspect-host',
      commands: '$append($assessment.inspections, $assessment.oldHost)',
      atOnce: 5,
      assign: { inspections: whose('<'), oldHost: whose('>=') },
      onError: stop,
    });
    const chooseNextChange = stepState(this, 'Choose next change', {
      step: steps.chooseNextChange,
      input: work,
      assign: { next: '{% $states.result.Payload %}', turn: '{% $turn + 1 %}' },
      onError,
    });
    const changeMembership = (name: string, assign?: Record<string, unknown>) =>
      stepState(this, name, {
        step: steps.changeMembership,
        input: { ...work, change: '{% $next.action %}' },
        assign: {
          ...assign,
          changes:
            "{% [$append($changes, $states.result.Payload.changed ? {'action': $next.action, 'member': $states.result.Payload.member, " +
            "'id': $states.result.Payload.id} : [])] %}",
        },
        onError,
      }).next(chooseNextChange);
    // A member that is gone has nothing to start for. The step may have removed another one than was chosen, the first time's
    // answer being lost.
    const forget = { stopped: '{% [$stopped[$not(member in [$next.member, $states.result.Payload.member])]] %}' };
    const forgetNext = { stopped: '{% [$stopped[member != $next.member]] %}' };
    const waitForMember = stepState(this, 'Wait for member', {
      step: steps.waitForMember,
      input: { cluster: '{% $plan.cluster %}', member: '{% $next.member %}' },
      assign: {
        lastIndex: '{% $states.result.Payload.raftAppliedIndex %}',
        waits: '{% $states.result.Payload.raftAppliedIndex = $lastIndex ? $waits + 1 : 0 %}',
      },
      onError,
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
    const didTheCommandFail = Choice.jsonata(this, 'Did the command fail?')
      .when(HAS_FAILED, onError, { outputs: FAILURE, assign: { changes: CHANGES } })
      .when(Condition.jsonata("{% $states.input.failed = '' %}"), chooseNextChange, {
        assign: {
          done: "{% [$append($done, $states.input.reports.($next.action & ' ' & member))] %}",
          archived:
            "{% [$append($archived, $next.action = 'ArchiveDataDir' ? $states.input.reports.{'member': member, 'host': host, " +
            "'dataDir': result.dataDir, 'walDir': result.walDir} : [])] %}",
          changes: CHANGES,
        },
      });
    const onHosts = (name: string, command: HostCommandName) =>
      reportFromEveryHost(this, name, {
        step: steps.runHostCommands,
        command,
        commands: '$next.commands',
        onError,
      }).next(didTheCommandFail);
    const isNext = (action: string) => Condition.jsonata(`{% $next.action = '${action}' %}`);

    const whatComesNext = Choice.jsonata(this, 'What comes next?')
      .when(isNext('StopService'), onHosts('Stop service', 'control-service'), {
        assign: { stopped: '{% [$append($stopped, $plan.targets[member in $next.commands.member and wasActive])] %}' },
      })
      .when(isNext('ArchiveDataDir'), onHosts('Move data aside', 'archive-data-dir'))
      .when(isNext('RemoveMember'), changeMembership('Remove member', forget))
      .when(isNext('AddMember'), changeMembership('Add member'), { assign: forgetNext })
      .when(isNext('JoinCluster'), onHosts('Write membership and start', 'join-cluster'), {
        assign: { waits: 0, lastIndex: 'none' },
      })
      .when(isNext('WaitForMember'), waitForMember.next(chooseNextChange))
      .when(isNext('PromoteMember'), changeMembership('Promote member'))
      .when(isNext('GiveUp'), this.#giveUp(steps.runHostCommands, onError))
      .when(isNext('Finish'), proveWrites.next(compareHashes).next(replaced));
    const isThisADryRun = Choice.jsonata(this, 'Is this a dry run?')
      .when(Condition.jsonata('{% $dryRun %}'), planned)
      .otherwise(chooseNextChange.next(whatComesNext));
    const isAnythingLeft = Choice.jsonata(this, 'Is anything left to do?')
      .when(Condition.jsonata('{% $count($plan.targets) = 0 %}'), cameBack)
      .otherwise(isThisADryRun);
    const didAnInspectionFail = Choice.jsonata(this, 'Did an inspection fail?')
      .when(Condition.jsonata("{% $count($inspections[error != '']) > 0 %}"), stop, {
        outputs: {
          error: "{% $inspections[error != ''][0].error %}",
          cause: "{% $join($inspections[error != ''].(member & ': ' & problem), '\\n') %}",
        },
      })
      .otherwise(planReplacement.next(isAnythingLeft));
    const hasAMemberFailed = Choice.jsonata(this, 'Has a member failed?')
      .when(Condition.jsonata("{% $assessment.verdict = 'NothingToDo' %}"), nothingToDo)
      .when(Condition.jsonata("{% $assessment.verdict = 'Confirm' %}"), waitBeforeReading.next(assessMembers))
      .otherwise(inspectHosts.next(didAnInspectionFail));

    this.stateMachine = runbookStateMachine(this, {
      name: memberReplacement.stateMachineName,
      comment: 'Replaces an etcd member that does not come back',
      start: start.next(assessMembers).next(hasAMemberFailed),
      // An hour for each of two members to receive a large database, and as much again for a slow host.
      timeout: Duration.hours(4),
      steps: Object.values(steps),
    });
  }

  /** The member was started and does not join: its host may say why. */
  #giveUp(step: Step, onError: IChainable): Chain {
    const fail = (name: string, cause: string) => {
      const failed = Pass.jsonata(this, name, { outputs: { error: ERROR_NAMES.VerificationFailed, cause } });
      failed.next(onError);
      return failed;
    };
    const cannotBeInspected = fail(
      'The host cannot say why',
      "{% $next.problem & ' Its host ' & $next.host & ' could not be looked at: ' & $states.input.cause %}",
    );
    const doesNotJoin = fail(
      'The member does not join',
      `{% ($unit := ${RESULT}.unit; $next.problem & ' Its service on ' & $next.host & ' is ' & $unit.activeState & ' (' & ` +
        "$unit.subState & ', ' & $unit.result & '). Find out why: \"journalctl -u ' & $next.parameters.unit & '\" there has the whole. The end of its log:\\n' & " +
        `$join([${RESULT}.log][[-10..-1]], '\\n')) %}`,
    );
    return onEveryHost(this, 'Inspect why it does not join', {
      step,
      command: 'inspect-host',
      commands: '{"member": $next.member, "host": $next.host, "parameters": $next.parameters}',
      didAnyFail: 'Did this inspection fail?',
      onError: cannotBeInspected,
    }).next(doesNotJoin);
  }
}

/** JSONata: what a look at one host has come to. */
const RESULT = '$states.input.reports[0].result';
/** With what a command has changed on each host, also where it failed then. */
const CHANGES =
  "{% [$append($changes, $states.input.reports[result != null].{'action': $next.action, 'member': member, 'host': host, 'result': result})] %}";
