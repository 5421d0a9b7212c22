import { Choice, Condition, type Fail, Map as MapState, Pass, ProvideItems } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { StepFunction } from '../../step-function.ts';
import { HostCommands } from './host-commands.ts';

/**
 * The data of a failed member that was not removed may still be the best there is: it goes back into its place, and a service that
 * ran before runs again. Whatever happens here, the execution ends with the error that brought it here.
 *
 * The workflow's variable `touched` lists the planned targets whose service was to be stopped.
 */
export function moveDataBack(scope: Construct, step: StepFunction, stop: Fail): Choice {
  // One host that cannot be put back does not keep the others from it.
  const notBack = Pass.jsonata(scope, 'Data is not back', {
    outputs: { problem: "{% $states.context.Map.Item.Value.member & ': ' & $states.input.cause %}" },
  });
  const undo = new HostCommands(scope, 'Undo', {
    step,
    variable: 'undoing',
    subject: 'moving back',
    onError: notBack,
  });
  const start = undo.send('Start service again', {
    command: 'control-service',
    host: '{% $undone.host %}',
    parameters: '{% {"unit": $undone.revert.unit, "action": "start"} %}',
    assign: { undone: '{% $merge([$undone, {"wasActive": false}]) %}' },
  });
  const back = Pass.jsonata(scope, 'Data is back', { outputs: {} });
  undo.hasItEnded.when(undo.endedAnd('$undone.wasActive'), start).when(undo.ended, back);
  const map = MapState.jsonata(scope, 'Move data back', {
    items: ProvideItems.jsonata('{% [$touched] %}'),
    outputs: {
      error: '{% $states.input.error %}',
      cause:
        "{% $states.input.cause & ($exists($states.result.problem) ? ' Not every host could be put back as it was: ' & " +
        "$join([$states.result.problem], ' ') : ' The data of members that were not removed from etcd is in its place.') %}",
    },
  });
  map.itemProcessor(
    undo.send('Move data dir back', {
      command: 'revert-data-dir',
      host: '{% $states.input.host %}',
      parameters: '{% $merge([$states.input.revert, {"execution": $states.context.Execution.Name}]) %}',
      assign: { undone: '{% $states.input %}' },
    }),
  );
  map.addCatch(stop, { outputs: '{% $states.input %}' });
  return Choice.jsonata(scope, 'Is there data to move back?')
    .when(Condition.jsonata('{% $count($touched) > 0 %}'), map.next(stop))
    .otherwise(stop);
}
