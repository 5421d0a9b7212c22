import {
  Choice,
  Condition,
  IntegrationPattern,
  type State,
  type StateMachine,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { Incident } from '../../../core/contracts/execution-input.ts';
import { RUNBOOKS } from '../registry.ts';
import { WHILE_NO_EXECUTION_STARTS } from './retry-policies.ts';

export interface RunRunbookProps {
  stateMachines: Readonly<Partial<Record<Incident, StateMachine>>>;
  onError: State;
}

/**
 * A runbook's failure is JSON that describes its execution. A cause that Step Functions has cut off at its limit is JSON no more: then the
 * error is looked for in the text, for whoever reads this wants the runbook's own.
 */
const FAILURE = {
  error:
    '{% ($text := $string($states.errorOutput.Cause); $found := $match($text, /"Error":"([^"]+)"/); $exists($found) ? $found[0].groups[0] : ' +
    '$contains($text, /"Status":"ABORTED"/) ? \'ABORTED\' : $contains($text, /"Status":"TIMED_OUT"/) ? \'TIMED_OUT\' : $states.errorOutput.Error) %}',
  cause:
    '{% ($text := $string($states.errorOutput.Cause); $contains($text, /^\\{.*"ExecutionArn":.*\\}$/) ? ($runbook := $parse($text); ' +
    "($runbook.Cause ? $runbook.Cause : 'The execution ended as ' & $runbook.Status & '.') & ' (' & $runbook.ExecutionArn & ')') : $text) %}",
};

/**
 * A state for each runbook, which starts it with the variable `next` and waits for its end. Its outcome is then the variable `round`.
 * @returns what is entered, and what follows each runbook
 */
export function runRunbook(
  scope: Construct,
  { stateMachines, onError }: RunRunbookProps,
): { which: Choice; runs: StepFunctionsStartExecution[] } {
  const which = Choice.jsonata(scope, 'Which runbook?', {
    comment: 'The one for what is wrong, dry or not as $next says',
  });
  const runs = Object.entries(stateMachines).map(([incident, stateMachine]) => {
    const { runbook } = RUNBOOKS[incident as Incident];
    const run = StepFunctionsStartExecution.jsonata(scope, `Run ${runbook}`, {
      comment: `The runbook for ${incident}, as an execution of its own; a dry run where $next says so`,
      stateMachine,
      integrationPattern: IntegrationPattern.RUN_JOB,
      input: TaskInput.fromText('{% $next.input %}'),
      outputs: '{% $states.result.Output %}',
      assign: {
        round:
          "{% {'incident': $next.incident, 'runbook': $next.runbook, 'execution': $states.result.ExecutionArn, " +
          "'outcome': $states.result.Output.outcome, 'report': $states.result.Output} %}",
      },
    });
    run.addRetry(WHILE_NO_EXECUTION_STARTS);
    run.addCatch(onError, { outputs: FAILURE });
    which.when(Condition.jsonata(`{% $next.incident = '${incident}' %}`), run);
    return run;
  });
  return { which, runs };
}
