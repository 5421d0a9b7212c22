import { Choice, Condition, type Fail, Map as MapState, Pass, ProvideItems } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../step-function.ts';
import { HostCommands } from './host-commands.ts';

/**
 * A service that ran, and was stopped for a replacement which then had to stop itself, runs again: broken as it was, it may still
 * come back. Whatever happens here, the execution ends with the error that brought it here.
 *
 * The workflow's variable `stopped` lists the planned targets whose service ran, was to be stopped, and which are still members.
 */
export function startServicesAgain(scope: Construct, step: Step, stop: Fail): Choice {
  // One host that cannot be reached does not keep the others from it.
  const notBack = Pass.jsonata(scope, 'Service does not run again', {
    outputs: { problem: "{% $states.context.Map.Item.Value.member & ': ' & $states.input.cause %}" },
  });
  const again = new HostCommands(scope, 'Again', {
    step,
    variable: 'starting',
    subject: 'the restart',
    onError: notBack,
  });
  again.hasItEnded.when(again.ended, Pass.jsonata(scope, 'Service runs again', { outputs: {} }));
  const map = MapState.jsonata(scope, 'Start services again', {
    items: ProvideItems.jsonata('{% [$stopped] %}'),
    outputs: {
      error: '{% $states.input.error %}',
      cause:
        "{% $states.input.cause & ($exists($states.result.problem) ? ' Not every service that was stopped runs again: ' & " +
        "$join([$states.result.problem], ' ') : ' The services that were stopped run again.') %}",
    },
  });
  map.itemProcessor(
    again.send('Start service again', {
      command: 'control-service',
      host: '{% $states.input.host %}',
      parameters: '{% {"unit": $states.input.unit, "action": "start"} %}',
    }),
  );
  map.addCatch(stop, { outputs: '{% $states.input %}' });
  return Choice.jsonata(scope, 'Is there a service to start again?')
    .when(Condition.jsonata('{% $count($stopped) > 0 %}'), map.next(stop))
    .otherwise(stop);
}
