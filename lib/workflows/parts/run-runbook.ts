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
import { ERROR_NAMES } from '../../../core/errors.ts';
import { INCIDENTS, type Incident, RUNBOOKS } from '../../../core/runbooks.ts';
import { WHILE_NO_EXECUTION_STARTS } from './retry-policies.ts';

export interface RunRunbookProps {
  stateMachines: Readonly<Partial<Record<Incident, StateMachine>>>;
  /** What follows a runbook that failed, with its `error` and `cause`. */
  onError: State;
}

/**
 * An execution that was ended from outside has given its lock back, and a redrive goes on in the middle of it: then nothing is run.
 * https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
 */
const IS_REDRIVEN = '$states.context.Execution.RedriveCount > 0';
const REDRIVEN =
  "'This execution was redriven. It has no lock any more, and what it has seen is old: no runbook was run. Start a new remediation.'";

/** Of a runbook's report, so that those of four rounds fit into a state's 256 KiB, and into DynamoDB's 400. */
const MAX_REPORT_CHARS = 30_000;
/** Of one that is longer: what an approval holds the runbook to, and what a person looks for first. */
const KEPT = [
  'outcome',
  'incident',
  'runbook',
  'cluster',
  'targets',
  'ladder',
  'winner',
  'loss',
  'leftOut',
  'archived',
  'remaining',
];

/**
 * A runbook's failure is JSON that describes its execution. A cause that Step Functions has cut off at its limit is not JSON. Then the
 * error is searched in the text, because the reader needs the runbook's own error.
 */
const TEXT = '$text := $string($states.errorOutput.Cause)';
const ERROR =
  `(${TEXT}; $found := $match($text, /"Error":"([^"]+)"/); $exists($found) ? $found[0].groups[0] : ` +
  '$contains($text, /"Status":"ABORTED"/) ? \'ABORTED\' : $contains($text, /"Status":"TIMED_OUT"/) ? \'TIMED_OUT\' : $states.errorOutput.Error)';
const CAUSE =
  `(${TEXT}; $contains($text, /^\\{.*"ExecutionArn":.*\\}$/) ? ($runbook := $parse($text); ` +
  "($runbook.Cause ? $runbook.Cause : 'The execution ended as ' & $runbook.Status & '.') & ' (' & $runbook.ExecutionArn & ')') : $text)";
const EXECUTION = `(${TEXT}; $found := $match($text, /"ExecutionArn":"([^"]+)"/); $exists($found) ? $found[0].groups[0] : '')`;

/**
 * A state for each runbook, which starts it with the variable `next`, under the name `runbookExecution`, and waits for its end. Its outcome is
 * then the variable `round`, also where it failed.
 * @returns what is entered, and what follows each runbook
 */
export function runRunbook(
  scope: Construct,
  { stateMachines, onError }: RunRunbookProps,
): { which: Choice; runs: StepFunctionsStartExecution[] } {
  const which = Choice.jsonata(scope, 'Which runbook?', {
    comment: 'The one for what is wrong, dry or not as $next says',
  });
  const runs = INCIDENTS.flatMap((incident) => {
    const stateMachine = stateMachines[incident];
    if (!stateMachine) return [];
    const { runbook } = RUNBOOKS[incident];
    const run = StepFunctionsStartExecution.jsonata(scope, `Run ${runbook}`, {
      comment: `The runbook for ${incident}, as an execution of its own; a dry run where $next says so`,
      stateMachine,
      integrationPattern: IntegrationPattern.RUN_JOB,
      // The same start again, its answer being lost, is one start.
      name: `{% ${IS_REDRIVEN} ? $error(${REDRIVEN}) : $runbookExecution %}`,
      input: TaskInput.fromText('{% $next.input %}'),
      outputs: '{% {"outcome": $states.result.Output.outcome, "summary": $states.result.Output.outcome} %}',
      assign: {
        round:
          `{% ($report := $states.result.Output; {'incident': $next.incident, 'runbook': $next.runbook, 'execution': $states.result.ExecutionArn, ` +
          `'outcome': $report.outcome, 'report': $length($string($report)) <= ${MAX_REPORT_CHARS} ? $report : ` +
          `$merge([$sift($report, function($value, $field) { $field in [${KEPT.map((field) => `'${field}'`).join(', ')}] }), ` +
          `{'summary': $substring($report.summary, 0, 2000) & ' … The execution of the runbook has the rest.'}])}) %}`,
      },
    });
    run.addRetry(WHILE_NO_EXECUTION_STARTS);
    run.addCatch(onError, {
      outputs: {
        error: `{% ${IS_REDRIVEN} ? '${ERROR_NAMES.UnsafeToProceed}' : ${ERROR} %}`,
        cause: `{% ${IS_REDRIVEN} ? ${REDRIVEN} : ${CAUSE} %}`,
      },
      assign: {
        round:
          `{% {'incident': $next.incident, 'runbook': $next.runbook, 'execution': ${EXECUTION}, 'outcome': ${ERROR}, ` +
          `'report': {'summary': $substring(${CAUSE}, 0, ${MAX_REPORT_CHARS})}} %}`,
      },
    });
    which.when(Condition.jsonata(`{% $next.incident = '${incident}' %}`), run);
    return [run];
  });
  return { which, runs };
}
