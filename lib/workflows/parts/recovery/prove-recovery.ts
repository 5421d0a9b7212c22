import { Choice, Condition, type IChainable, type State } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../../step-function.ts';
import { stepState } from '../step-state.ts';

export interface ProveProps {
  steps: { verifyRecovery: Step; compareHashes: Step; proveWrites: Step };
  proven: IChainable;
  onError: IChainable;
}

/**
 * Proves that the cluster is well again: its members, a write through each, and the same data on each.
 *
 * Reads the variable `goal`: the `cluster` and the `revision` that it must at least be at, the members that are `required` to be healthy, and
 * whether data was `restored`. Sets `verified` and `compared`.
 */
export function proveRecovery(scope: Construct, { steps, proven, onError }: ProveProps): State {
  // A service that was started and whose member does not join takes nothing from the others, and is member-failed from here on.
  const canOthersDoWithout = Choice.jsonata(scope, 'Can the others do without it?');
  const verify = stepState(scope, 'Verify recovery', {
    step: steps.verifyRecovery,
    input: {
      cluster: '{% $goal.cluster %}',
      revision: '{% $goal.revision %}',
      required: '{% [$goal.required] %}',
      restored: '{% $goal.restored %}',
    },
    assign: { verified: '{% $states.result.Payload %}' },
    onError: canOthersDoWithout,
  });
  canOthersDoWithout
    .when(
      Condition.jsonata(
        "{% $not($goal.restored) and $count($goal.required) > 0 and $states.input.error = 'EtcdUnavailable' %}",
      ),
      verify,
      { assign: { goal: '{% $merge([$goal, {"required": []}]) %}' } },
    )
    .otherwise(onError);
  const healthyMembers = { cluster: '{% $goal.cluster %}', members: '{% [$verified.healthy] %}' };
  const compareHashes = stepState(scope, 'Compare hashes', {
    step: steps.compareHashes,
    input: healthyMembers,
    assign: { compared: '{% $states.result.Payload %}' },
    onError,
  });
  const proveWrites = stepState(scope, 'Prove writes on every member', {
    step: steps.proveWrites,
    input: { ...healthyMembers, execution: '{% $states.context.Execution.Name %}' },
    onError,
  });
  const canItTakeWrites = Choice.jsonata(scope, 'Can it take writes?')
    // NOSPACE is in the data, so it survives; the space runbook is next, and proves writes itself.
    .when(Condition.jsonata("{% 'space-exceeded' in $verified.remaining %}"), compareHashes)
    // Before the comparison: a write moves the revision on from one that history may just have been compacted at.
    .otherwise(proveWrites.next(compareHashes));
  verify.next(canItTakeWrites);
  compareHashes.next(proven);
  return verify;
}
