import { type Chain, Choice, Condition, type IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../step-function.ts';
import { REPORTS, reportFromEveryHost } from './on-every-host.ts';
import { stepState } from './step-state.ts';

export interface PlanReplacementProps {
  steps: { planReplacement: Step; runHostCommands: Step };
  /** What the plan is made from, besides what the assessment and the hosts say. */
  request: Record<string, unknown>;
  /** Where nothing is left to do: what had failed has come back. */
  cameBack: IChainable;
  /** Once there is a plan. */
  next: IChainable;
  onError: IChainable;
}

/**
 * Inspects the hosts of the members that are to be replaced, and where a spare host takes the place of one, that one's own as well; and
 * plans. Nothing is changed. Reads the variable `assessment`, and sets `plan`.
 */
export function planReplacement(scope: Construct, props: PlanReplacementProps): Chain {
  const { steps, request, cameBack, next, onError } = props;
  const plan = stepState(scope, 'Plan replacement', {
    step: steps.planReplacement,
    input: {
      ...request,
      targets: '{% [$assessment.readings.targets] %}',
      inspections: '{% [$inspections.{"member": member, "inspection": result}] %}',
      oldHost: '{% [$oldHost] %}',
    },
    assign: { plan: '{% $states.result.Payload %}' },
    onError,
  });
  // Both are looked at together, those of which nothing is changed behind the others: whatever becomes of that, the plan weighs it.
  const whose = (isOldHost: string) =>
    `{% [$filter(${REPORTS}, function($each, $at) {$at ${isOldHost} $count($assessment.inspections)})] %}`;
  const inspectHosts = reportFromEveryHost(scope, 'Inspect hosts', {
    step: steps.runHostCommands,
    command: 'inspect-host',
    commands: '$append($assessment.inspections, $assessment.oldHost)',
    atOnce: 5,
    assign: { inspections: whose('<'), oldHost: whose('>=') },
    onError,
  });
  const isAnythingLeft = Choice.jsonata(scope, 'Is anything left to do?')
    .when(Condition.jsonata('{% $count($plan.targets) = 0 %}'), cameBack)
    .otherwise(next);
  const didAnInspectionFail = Choice.jsonata(scope, 'Did an inspection fail?')
    .when(Condition.jsonata("{% $count($inspections[error != '']) > 0 %}"), onError, {
      outputs: {
        error: "{% $inspections[error != ''][0].error %}",
        cause: "{% $join($inspections[error != ''].(member & ': ' & problem), '\\n') %}",
      },
    })
    .otherwise(plan.next(isAnythingLeft));
  return inspectHosts.next(didAnInspectionFail);
}
