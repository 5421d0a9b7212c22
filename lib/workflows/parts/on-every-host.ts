import { type Chain, Choice, Condition, type IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { HostCommandName } from '../../../core/hosts/host-commands.ts';
import type { Step } from '../../step-function.ts';
import { WHILE_COMMANDS_RUN } from './retry-policies.ts';
import { type StepStateProps, stepState } from './step-state.ts';

export interface OnEveryHostProps {
  /** run-host-commands; or transfer-snapshots, each of whose commands has an `object`. */
  step: Step;
  command: HostCommandName;
  /** JSONata: a list with `member`, `host` and `parameters` for each command. */
  commands: string;
  /** How many at once; all, if not said: members that start have to wait for each other. */
  atOnce?: number;
  /** What the next state gets: the step's output, if not said. */
  outputs?: Record<string, unknown>;
  /** Variables to set from {@link REPORTS} or {@link FAILED_HOSTS}. */
  assign?: Record<string, unknown>;
  /** Where an error of the step itself goes: then it is known of no host how far it is. */
  onError: IChainable;
  /** What it finds there, where that is not the error alone; and variables to set. */
  caught?: StepStateProps['caught'];
}

/** JSONata: a report `{member, host, result, error, problem}` for each command, in their order; and the problems of those that failed. */
export const REPORTS = '$states.result.Payload.reports';
export const FAILED_HOSTS = '$states.result.Payload.problems';

/** JSONata: what the next state finds of a phase in which a command has failed, as an error. */
export const FAILURE = { error: '{% $states.input.failed %}', cause: '{% $states.input.problems %}' };
export const HAS_FAILED = Condition.jsonata("{% $states.input.failed != '' %}");

/** JSONata: {@link FAILED_HOSTS}, with no more than so many characters of each. */
export function shortProblems(maxChars: number): string {
  return `$join([${REPORTS}[error != ''].(member & ': ' & $substring(problem, 0, ${maxChars}))], '\\n')`;
}

/** JSONata: the commands, each with the object that it reads or writes. */
export function withObject(commands: string, object: string): string {
  return `$map(${commands}, function($each) {$merge([$each, {"object": ${object}}])})`;
}

/** JSONata: for an inspection. There is no such object: it is asked for to see whether the host gets an answer at all. */
export const REACHED = '{"access": "read", "key": $cluster.name & "/" & $states.context.Execution.Name & ".reached"}';

/**
 * One phase: a state that runs one command on every host, and is asked again until all have ended. Each ends with a report, whatever comes of it
 * on the others. The state's output: see {@link HostReports}.
 */
export function reportFromEveryHost(scope: Construct, name: string, props: OnEveryHostProps): LambdaInvoke {
  const { step, command, commands, atOnce, outputs, assign, onError, caught } = props;
  const state = stepState(scope, name, {
    step,
    input: {
      cluster: '{% $cluster.name %}',
      command,
      commands: `{% [${commands}] %}`,
      ...(atOnce && { atOnce }),
      execution: '{% $states.context.Execution.Name %}',
      // By this a retry finds what was sent before it.
      visit: '{% $states.context.State.EnteredTime %}',
      attempt: '{% $states.context.State.RetryCount %}',
    },
    ...(outputs && { outputs }),
    ...(assign && { assign }),
    onError,
    ...(caught && { caught }),
  });
  state.addRetry(WHILE_COMMANDS_RUN);
  return state;
}

/** As {@link reportFromEveryHost}; goes on only if all ended well, and else, once all have ended, to `onError`. */
export function onEveryHost(
  scope: Construct,
  name: string,
  { didAnyFail, ...props }: OnEveryHostProps & { /** The question: `Did a stop fail?` */ didAnyFail: string },
): Chain {
  const choice = Choice.jsonata(scope, didAnyFail).when(HAS_FAILED, props.onError, { outputs: FAILURE });
  return reportFromEveryHost(scope, name, props).next(choice.afterwards({ includeOtherwise: true }));
}
