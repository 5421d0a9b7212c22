import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Choice, Condition, type StateMachine, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ERROR_NAMES } from '../../core/errors.ts';
import type { Pages } from '../pages.ts';
import type { StepFunction } from '../step-function.ts';
import { enableAuthentication } from './parts/enable-authentication.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { stepState } from './parts/step-state.ts';

export interface AuthenticationGuardProps {
  steps: { loadCluster: StepFunction; enableAuthentication: StepFunction };
  pages: Pages;
  /** The runbook that disables authentication for a moment. */
  guarded: StateMachine;
}

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
    const isThereACluster = Choice.jsonata(this, 'Is there such a cluster?')
      .when(Condition.jsonata(`{% $states.input.error = '${ERROR_NAMES.InvalidInput}' %}`), nothingToGuard)
      .otherwise(waitForAws);
    const start = stepState(this, 'Load cluster', {
      step: steps.loadCluster,
      input: {
        incident: 'auth-token-invalid',
        execution: '{% $states.context.Execution.Input.detail.name %}',
        input: '{% $parse($states.context.Execution.Input.detail.input) %}',
      },
      assign: { cluster: '{% $states.result.Payload.cluster %}', toggled: false },
      onError: isThereACluster,
    });
    waitForAws.next(start);
    const enable = enableAuthentication(this, { step: steps.enableAuthentication, pages, certain: isEnabled });
    const stateMachine = runbookStateMachine(this, {
      name: 'etcd-remediation-authentication-guard',
      comment: 'Enables authentication where an auth token reset was ended before it could',
      start: start.next(enable),
      // With its pages, as long as a history may be: 25,000 events at 50 in three minutes.
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
