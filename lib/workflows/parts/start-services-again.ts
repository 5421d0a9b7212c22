import { Choice, Condition, type Fail } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../step-function.ts';
import { FAILED_HOSTS, reportFromEveryHost } from './on-every-host.ts';

/**
 * A service that ran, and was stopped for a replacement which then had to stop itself, runs again: broken as it was, it may still
 * come back. Whatever happens here, the execution ends with the error that brought it here.
 *
 * The workflow's variable `stopped` lists the planned targets whose service ran, was to be stopped, and which are still members.
 */
export function startServicesAgain(scope: Construct, step: Step, stop: Fail): Choice {
  const start = reportFromEveryHost(scope, 'Start services again', {
    step,
    command: 'control-service',
    commands: '$stopped.{"member": member, "host": host, "parameters": start}',
    outputs: {
      error: '{% $states.input.error %}',
      cause:
        `{% $states.input.cause & (${FAILED_HOSTS} = '' ? ' The services that were stopped run again.' : ` +
        `' Not every service that was stopped runs again: ' & ${FAILED_HOSTS}) %}`,
    },
    onError: stop,
    caught: {
      outputs: {
        error: '{% $states.input.error %}',
        cause: "{% $states.input.cause & ' It is not known whether the services that were stopped run again.' %}",
      },
    },
  });
  return Choice.jsonata(scope, 'Is there a service to start again?')
    .when(Condition.jsonata('{% $count($stopped) > 0 %}'), start.next(stop))
    .otherwise(stop);
}
