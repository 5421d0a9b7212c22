import { Choice, Condition, type IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../step-function.ts';
import { stepState } from './step-state.ts';

/**
 * An error that stops a replacement says what was changed before it, and how the cluster stands. Whatever happens here, it goes on with the
 * error that brought it here.
 *
 * Reads the variables `plan` and `changes`.
 */
export function explainChanges(scope: Construct, step: Step, next: IChainable): Choice {
  const explain = stepState(scope, 'Explain what was changed', {
    step,
    input: {
      error: '{% $states.input.error %}',
      cause: '{% $states.input.cause %}',
      cluster: '{% $plan.cluster %}',
      targets: '{% [$plan.targets] %}',
      changes: '{% [$changes] %}',
    },
    onError: next,
    caught: { outputs: '{% $states.input %}' },
  });
  explain.next(next);
  return Choice.jsonata(scope, 'Was anything changed?')
    .when(Condition.jsonata('{% $count($changes) > 0 %}'), explain)
    .otherwise(next);
}
