import { Choice, Condition, Pass, type StateMachine, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { authTokenReset } from '../../core/auth-token-reset/runbook.ts';
import { BEFORE } from '../../core/text/format.ts';
import type { Pages } from '../pages.ts';
import type { Step } from '../step-function.ts';
import { addChangesToCause, NOTHING_TO_UNDO } from './parts/add-changes-to-cause.ts';
import { enableAuthenticationAgain } from './parts/enable-authentication.ts';
import { loadCluster } from './parts/load-cluster.ts';
import { FAILURE, HAS_FAILED, REPORTS, reportFromEveryHost } from './parts/on-every-host.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { raiseAgain, stepState } from './parts/step-state.ts';

export interface AuthTokenResetSteps {
  loadCluster: Step;
  assessTokens: Step;
  planTokenReset: Step;
  chooseNextTokenAction: Step;
  toggleAuthentication: Step;
  enableAuthentication: Step;
  verifyTokens: Step;
  runHostCommands: Step;
  proveWrites: Step;
}

/**
 * The runbook for `auth-token-invalid`: a member that rejects every token takes them again.
 *
 * 1. Load the cluster's configuration and check the execution input.
 * 2. Assess, three times over the confirmation time: which members reject tokens that were issued a moment ago? An old token, a follower that
 *    lags, a wrong password or other signing keys only look like it.
 * 3. Inspect the hosts of those, and plan: after the first reading, so that what stands against a cure is told at once, and the plan once more
 *    after the last. So far nothing was changed; a dry run ends here.
 * 4. Ask what is next, do that one thing, and ask again: restart one member, wait for it; and where that does not help, disable
 *    authentication and enable it again, in one step.
 * 5. Prove it: fresh tokens taken and strangers refused by every member, and a write through every voter.
 *
 * Invariant: no member is restarted that the quorum needs. From the moment in which authentication may have been disabled, every way out leads
 * through enabling it; and where the execution itself is ended, AuthenticationGuard does it.
 */
export class AuthTokenReset extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, steps: AuthTokenResetSteps, pages: Pages) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const explain = addChangesToCause(this, { changes: CHANGES, now: NOTHING_TO_UNDO }, stop);
    const request = { cluster: '{% $cluster %}', parameters: '{% $parameters %}' };
    const work = {
      ...request,
      rejecting: '{% [$assessment.rejecting] %}',
      restartable: '{% [$plan.restartable] %}',
      mayToggle: '{% $plan.mayToggle %}',
      done: '{% [$done] %}',
      waits: '{% $waits %}',
      turn: '{% $turn %}',
      execution: '{% $states.context.Execution.Name %}',
    };
    const report = {
      incident: authTokenReset.incident,
      runbook: authTokenReset.runbook,
      cluster: '{% $cluster.name %}',
      reason: '{% $reason %}',
      requestedBy: '{% $requestedBy %}',
      membersBefore: '{% [$assessment.members] %}',
    };

    const start = loadCluster(this, {
      step: steps.loadCluster,
      incident: authTokenReset.incident,
      assign: {
        readings: { statuses: [], equal: 0, total: 0 },
        inspections: null,
        done: [],
        waits: 0,
        turn: 0,
        window: null,
        toggled: false,
        enabledBefore: null,
        paged: false,
        enabled: { changed: false },
        failure: { error: '', cause: '' },
      },
      onError: stop,
    });
    const assessTokens = stepState(this, 'Assess tokens', {
      step: steps.assessTokens,
      input: { ...request, readings: '{% $readings %}' },
      assign: { assessment: '{% $states.result.Payload %}', readings: '{% $states.result.Payload.readings %}' },
      onError: stop,
    });
    const waitBeforeReading = Wait.jsonata(this, 'Wait before the next reading', {
      time: WaitTime.seconds('{% $ceil($parameters.confirmSeconds / 2) %}'),
    });

    const wasThereAnError = Choice.jsonata(this, 'Was there an error?', {
      assign: { window: '{% $enabled.changed ? $enabled.window : $window %}' },
    })
      .when(Condition.jsonata("{% $failure.error != '' %}"), explain, {
        outputs: { error: '{% $failure.error %}', cause: "{% $failure.cause & ' ' & $enabled.summary %}" },
      })
      .otherwise(assessTokens);
    const enable = enableAuthenticationAgain(this, {
      step: steps.enableAuthentication,
      pages,
      endOf: "{% $failure.error = '' ? '' : $states.context.Execution.Name %}",
      certain: wasThereAnError,
    });
    const keepError = Pass.jsonata(this, 'Keep the error', {
      assign: { failure: { error: '{% $states.input.error %}', cause: '{% $states.input.cause %}' } },
    });
    const onError = Choice.jsonata(this, 'Was authentication to be disabled?')
      .when(Condition.jsonata('{% $toggled %}'), keepError.next(enable))
      .otherwise(explain);

    const inspectHosts = reportFromEveryHost(this, 'Inspect hosts', {
      step: steps.runHostCommands,
      command: 'inspect-host',
      commands: '$assessment.inspections',
      assign: { inspections: `{% [${REPORTS}] %}` },
      onError: stop,
    });
    const planCure = stepState(this, 'Plan token reset', {
      step: steps.planTokenReset,
      input: { ...request, rejecting: '{% [$assessment.rejecting] %}', inspections: '{% [$inspections] %}' },
      assign: { plan: '{% $states.result.Payload %}' },
      onError: stop,
    });
    const chooseNextTokenAction = stepState(this, 'Choose next token action', {
      step: steps.chooseNextTokenAction,
      input: work,
      assign: { next: '{% $states.result.Payload %}', turn: '{% $turn + 1 %}' },
      onError,
    });
    const waitForMember = Wait.jsonata(this, 'Wait for the restarted member', {
      time: WaitTime.duration(Duration.seconds(5)),
      assign: { waits: '{% $waits + 1 %}' },
    });
    const didTheRestartFail = Choice.jsonata(this, 'Did the restart fail?')
      .when(HAS_FAILED, onError, { outputs: FAILURE })
      .when(Condition.jsonata("{% $states.input.failed = '' %}"), chooseNextTokenAction, {
        assign: { done: "{% [$append($done, $next.action & ' ' & $next.member)] %}", waits: 0 },
      });
    const restart = reportFromEveryHost(this, 'Restart service', {
      step: steps.runHostCommands,
      command: 'control-service',
      commands: '{"member": $next.member, "host": $next.host, "parameters": $next.parameters}',
      onError,
    }).next(didTheRestartFail);
    const toggle = stepState(this, 'Toggle authentication', {
      step: steps.toggleAuthentication,
      input: work,
      assign: {
        window: '{% $states.result.Payload.window %}',
        done: "{% [$append($done, $states.result.Payload.toggled ? 'ToggleAuthentication' : [])] %}",
      },
      onError,
    }).next(chooseNextTokenAction);
    const verifyTokens = stepState(this, 'Verify tokens', {
      step: steps.verifyTokens,
      input: { cluster: '{% $cluster %}', execution: '{% $states.context.Execution.Name %}' },
      assign: { verified: '{% $states.result.Payload %}' },
      onError,
    });
    const proveWrites = stepState(this, 'Prove writes on every member', {
      step: steps.proveWrites,
      input: {
        cluster: '{% $cluster %}',
        members: '{% [$verified.healthy] %}',
        execution: '{% $states.context.Execution.Name %}',
      },
      onError,
    });

    const nothingToDo = Succeed.jsonata(this, 'Nothing to do', {
      outputs: { outcome: 'NothingToDo', ...report, summary: '{% $assessment.summary %}' },
    });
    const enabledAgain = Succeed.jsonata(this, 'Authentication is enabled again', {
      outputs: {
        outcome: 'Remediated',
        ...report,
        summary: "{% $enabled.summary & ' ' & $assessment.summary %}",
        window: WINDOW,
        tokens: TOKENS,
      },
    });
    const planned = Succeed.jsonata(this, 'Planned', {
      outputs: {
        outcome: 'Planned',
        ...report,
        summary: '{% $assessment.summary %}',
        ladder: '{% $plan.ladder %}',
        plan: '{% $plan.steps %}',
        advice: '{% $plan.advice %}',
      },
    });
    const enablingPlanned = Succeed.jsonata(this, 'Enabling is planned', {
      outputs: {
        outcome: 'Planned',
        ...report,
        summary: '{% $assessment.summary %}',
        plan: ['enable authentication, and assess the tokens then'],
      },
    });
    const cured = Succeed.jsonata(this, 'Tokens are taken', {
      outputs: {
        outcome: 'Remediated',
        ...report,
        summary: `{% $verified.summary & ' ${BEFORE} ' & $assessment.summary %}`,
        ladder: '{% $plan.ladder %}',
        done: '{% $done %}',
        window: WINDOW,
        tokens: TOKENS,
        advice: '{% $plan.advice %}',
        remaining: '{% $verified.remaining %}',
        members: '{% $verified.members %}',
      },
    });

    const isNext = (...actions: string[]) =>
      Condition.jsonata(`{% $next.action in [${actions.map((action) => `'${action}'`).join(', ')}] %}`);
    const whatComesNext = Choice.jsonata(this, 'What comes next?')
      .when(isNext('RestartService'), restart)
      .when(isNext('WaitForMember'), waitForMember.next(chooseNextTokenAction))
      .when(isNext('ToggleAuthentication', 'EnableAuthentication'), toggle, { assign: { toggled: true } })
      .when(isNext('Finish'), verifyTokens.next(proveWrites).next(cured));
    const isThisADryRun = Choice.jsonata(this, 'Is this a dry run?')
      .when(Condition.jsonata('{% $dryRun %}'), planned)
      .otherwise(chooseNextTokenAction.next(whatComesNext));
    const mayItBeEnabled = Choice.jsonata(this, 'May it be enabled now?')
      .when(Condition.jsonata('{% $dryRun %}'), enablingPlanned)
      .otherwise(enable);
    waitBeforeReading.next(assessTokens);
    const isItConfirmed = Choice.jsonata(this, 'Is it confirmed?')
      .when(Condition.jsonata("{% $assessment.verdict = 'Cure' %}"), isThisADryRun)
      .otherwise(waitBeforeReading);
    const doesAMemberRejectTokens = Choice.jsonata(this, 'Does a member reject tokens?')
      .when(Condition.jsonata("{% $assessment.verdict = 'NothingToDo' and $enabled.changed %}"), enabledAgain)
      .when(Condition.jsonata("{% $assessment.verdict = 'NothingToDo' %}"), nothingToDo)
      .when(Condition.jsonata("{% $assessment.verdict = 'Enable' %}"), mayItBeEnabled)
      .when(
        Condition.jsonata('{% $count($assessment.rejecting) > 0 and ($readings.equal = 1 or $inspections = null) %}'),
        inspectHosts.next(planCure).next(isItConfirmed),
      )
      .when(Condition.jsonata("{% $assessment.verdict = 'Confirm' %}"), waitBeforeReading)
      .otherwise(planCure);

    this.stateMachine = runbookStateMachine(this, {
      name: authTokenReset.stateMachineName,
      comment: 'Lets an etcd member take tokens again that rejects every one',
      start: start.next(assessTokens).next(doesAMemberRejectTokens),
      // An hour of confirmation, which is as long as may be asked for; then three minutes for each of seven members to start, and as much
      // again for slow hosts.
      timeout: Duration.hours(2),
      steps: Object.values(steps),
    });
  }
}

/** What was done, in words: `RestartService m1`, `ToggleAuthentication`. */
const CHANGES =
  "[$map($done, function($change) { $contains($change, 'RestartService ') ? 'the service of ' & $substringAfter($change, ' ') & ' was restarted' : " +
  "'authentication was disabled and enabled again' })]";
const WINDOW =
  "{% $window = null ? null : {'ms': $window.enabledAt - $window.disabledAt, 'disabledAt': $fromMillis($window.disabledAt), " +
  "'enabledAt': $fromMillis($window.enabledAt)} %}";
const TOKENS =
  "{% $window = null ? 'Those issued before a member was restarted are invalid there; clients that use one are refused once, and log in " +
  "again.' : 'Every token issued before ' & $fromMillis($window.enabledAt) & ' is invalid in the whole cluster: clients log in again.' %}";
