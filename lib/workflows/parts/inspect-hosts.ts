import { type IChainable, Map as MapState, Pass, ProvideItems } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../step-function.ts';
import { HostCommands } from './host-commands.ts';
import { ERROR } from './step-state.ts';

/** All hosts at once, before anything is changed. Its output: an inspection for each failed member. */
export function inspectHosts(scope: Construct, step: Step, onError: IChainable): MapState {
  const inspect = new HostCommands(scope, 'Inspection', {
    step,
    variable: 'inspection',
    subject: 'the inspection',
  });
  const keep = Pass.jsonata(scope, 'Keep the inspection', {
    outputs: { member: '{% $inspected %}', inspection: '{% $inspection.result %}' },
  });
  inspect.hasItEnded.when(inspect.ended, keep);
  const map = MapState.jsonata(scope, 'Inspect hosts', {
    items: ProvideItems.jsonata('{% [$assessment.inspections] %}'),
    maxConcurrency: 5,
  });
  map.itemProcessor(
    inspect.send('Inspect host', {
      command: 'inspect-host',
      host: '{% $states.input.host %}',
      parameters: '{% $states.input.parameters %}',
      assign: { inspected: '{% $states.input.member %}' },
    }),
  );
  map.addCatch(onError, { outputs: ERROR });
  return map;
}
