import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Choice, Condition, type StateMachine, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ERROR_NAMES } from '../../core/errors.ts';
import type { Pages } from '../pages.ts';
import type { Step } from '../step-function.ts';
import { ANYBODY, AUTHENTICATION, BY_HAND, enableAuthenticationAgain } from './parts/enable-authentication.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { ERROR, stepState } from './parts/step-state.ts';

export interface AuthenticationGuardProps {
  steps: { loadCluster: Step; enableAuthentication: Step };
  pages: Pages;
  /** The runbook that disables authentication for a moment. */
  guarded: StateMachine;
}

/** JSONata: of which cluster the reset was; empty where its input names none. It need not be JSON: that must keep nobody from being called. */
const CLUSTER =
  '($found := $match($string($states.context.Execution.Input.detail.input), /"cluster"\\s*:\\s*"([A-Za-z0-9-]{1,63})"/); ' +
  "$exists($found) ? $found[0].groups[0] : '')";

/**
 * Watches over the runbook that disables authentication: where one of its executions was stopped, by a person or by its time limit,
 * authentication is enabled; and where it is found disabled and cannot be, a person is called again and again.
 *
 * Its input is the event that Step Functions sends when an execution ends.
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export class AuthenticationGuard extends Construct {
  constructor(scope: Construct, id: string, { steps, pages, guarded }: AuthenticationGuardProps) {
    super(scope, id);
    const isEnabled = Succeed.jsonata(this, 'No execution leaves it disabled', {
      outputs: {
        outcome: "{% $enabled.changed ? 'Remediated' : 'NothingToDo' %}",
        cluster: '{% $cluster.name %}',
        summary: '{% $enabled.summary %}',
      },
    });
    // An execution whose input cannot be read has disabled nothing.
    const nothingToGuard = Succeed.jsonata(this, 'Nothing to guard', {
      outputs: { outcome: 'NothingToDo', summary: '{% $states.input.cause %}' },
    });
    const waitForAws = Wait.jsonata(this, 'Wait before loading it again', {
      time: WaitTime.duration(Duration.seconds(30)),
    });
    const page = pages.page(this, 'Page that the cluster cannot be loaded', {
      // The loop comes by again.
      tries: false,
      subject: "'CRITICAL: authentication of an etcd cluster may be disabled'",
      kind: 'authentication-disabled',
      severity: 'critical',
      cluster: CLUSTER,
      aspect: AUTHENTICATION,
      execution: '$states.context.Execution.Id',
      parts: [
        {
          says: `'An auth token reset of ' & (${CLUSTER} = '' ? 'an etcd cluster' : ${CLUSTER}) & ' was stopped, and may have left authentication disabled: ${ANYBODY}'`,
          most: 350,
        },
        { says: `'${BY_HAND}'`, most: 200 },
        { says: "'This workflow cannot, though it tries again and again: ' & $states.input.cause", most: 400 },
      ],
      assign: { paged: '{% true %}' },
    });
    page.addCatch(waitForAws, { outputs: ERROR });
    page.next(waitForAws);
    const isThereACluster = Choice.jsonata(this, 'Is there such a cluster?')
      .when(Condition.jsonata(`{% $states.input.error = '${ERROR_NAMES.InvalidInput}' %}`), nothingToGuard)
      .otherwise(page);
    const start = stepState(this, 'Load cluster', {
      step: steps.loadCluster,
      input: {
        incident: 'auth-token-invalid',
        execution: '{% $states.context.Execution.Input.detail.name %}',
        input: '{% $parse($states.context.Execution.Input.detail.input) %}',
      },
      assign: {
        cluster: '{% $states.result.Payload.cluster %}',
        ...{ toggled: false, enabledBefore: null },
        // Where it could not be loaded at first.
        paged: '{% $exists($paged) ? $paged : false %}',
      },
      onError: isThereACluster,
    });
    waitForAws.next(start);
    const enable = enableAuthenticationAgain(this, {
      step: steps.enableAuthentication,
      pages,
      endOf: '{% $states.context.Execution.Input.detail.name %}',
      certain: isEnabled,
    });
    const stateMachine = runbookStateMachine(this, {
      name: 'etcd-remediation-authentication-guard',
      comment: 'Enables authentication where an auth token reset was ended before it could',
      start: start.next(enable),
      // A history may have 25,000 events: with 50 in three minutes of retries they last as long; where each try fails at once, at 14 in
      // 30 seconds, they end the execution after 14 hours.
      timeout: Duration.hours(24),
      steps: Object.values(steps),
    });
    new Rule(this, 'Ended', {
      description: 'An auth token reset was stopped, by a person or by its time limit',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        // One that fails has seen to it itself, on its way out.
        detail: { stateMachineArn: [guarded.stateMachineArn], status: ['ABORTED', 'TIMED_OUT'] },
      },
      targets: [new SfnStateMachine(stateMachine)],
    });
  }
}
