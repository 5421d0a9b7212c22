import {
  type Chain,
  Choice,
  Condition,
  type IChainable,
  Map as MapState,
  Pass,
  ProvideItems,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { HostCommandName } from '../../../core/contracts/host-commands.ts';
import type { Step } from '../../step-function.ts';
import { HostCommands } from './host-commands.ts';
import { ERROR } from './step-state.ts';

export interface OnEveryHostProps {
  /** run-host-command; or transfer-snapshot, which needs an `object`. */
  step: Step;
  /** What the Map and the state in it are called: `Stop all services`, `Stop service`; and the command in the names of others: `the stop`. */
  every: string;
  one: string;
  subject: string;
  command: HostCommandName;
  /** JSONata: a list with `member`, `host` and `parameters` for each command. */
  commands: string;
  /** JSONata: the object of one command; null where it has none. */
  object?: string;
  /** How many at once; all, if not said: members that start have to wait for each other. */
  atOnce?: number;
  /** Variables to set from `$states.result`: the reports, in the order of the commands. */
  assign?: Record<string, unknown>;
  /** Where an error of the Map itself goes. */
  onError: IChainable;
}

/** JSONata: for an inspection. There is no such object: it is asked for to see whether the host gets an answer at all. */
export const REACHED =
  '{% {"access": "read", "key": $cluster.name & "/" & $states.context.Execution.Name & ".reached"} %}';

/** The reports of a Map, or those of them that tell of a failure. */
const FAILED = "$states.result[error != '']";

/** JSONata: `node1: HostCommandFailed...` for each host on which a command failed; empty where none did. */
export const PROBLEMS = `$join([${FAILED}.(member & ': ' & problem)], '\\n')`;

/** As {@link PROBLEMS}, with no more than so many characters of each. */
export function shortProblems(maxChars: number): string {
  return `$join([${FAILED}.(member & ': ' & $substring(problem, 0, ${maxChars}))], '\\n')`;
}

/** A large database takes its time: a tenth of what has passed, from 10 s to a minute, keeps the history short. */
const A_TENTH = WaitTime.seconds('{% $max([10, $min([60, $floor(($millis() - $running.sentAt) / 10000)])]) %}');

/**
 * Runs one command on every host. Each ends with a report `{member, host, result, error, problem}`, whatever comes of it: were the others
 * aborted because one has failed, their commands would still run on their hosts while this workflow already does the next thing.
 *
 * The Map's output is the first error, `{error, cause}`, with all problems in its cause; both are empty where all ended well.
 */
export function reportFromEveryHost(scope: Construct, props: OnEveryHostProps): MapState {
  const { step, every, one, subject, command, commands, object, atOnce, assign, onError } = props;
  const place = {
    member: '{% $states.context.Map.Item.Value.member %}',
    host: '{% $states.context.Map.Item.Value.host %}',
  };
  const failed = Pass.jsonata(scope, `Report the failure of ${subject}`, {
    outputs: {
      ...place,
      result: null,
      error: '{% $states.input.error %}',
      // So that those of all hosts, and what follows from them, fit into the execution's cause.
      problem: '{% $substring($states.input.cause, 0, 2000) %}',
    },
  });
  const running = new HostCommands(scope, subject, {
    step,
    variable: 'running',
    subject,
    objects: object !== undefined,
    wait: A_TENTH,
    onError: failed,
  });
  running.hasItEnded.when(
    running.ended,
    Pass.jsonata(scope, `Report ${subject}`, {
      outputs: { ...place, result: '{% $running.result %}', error: '', problem: '' },
    }),
  );
  const map = MapState.jsonata(scope, every, {
    items: ProvideItems.jsonata(`{% [${commands}] %}`),
    outputs: { error: `{% $exists(${FAILED}) ? [${FAILED}.error][0] : '' %}`, cause: `{% ${PROBLEMS} %}` },
    ...(atOnce && { maxConcurrency: atOnce }),
    ...(assign && { assign }),
  });
  map.itemProcessor(
    running.send(one, {
      command,
      host: '{% $states.input.host %}',
      parameters: '{% $states.input.parameters %}',
      ...(object && { object }),
    }),
  );
  map.addCatch(onError, { outputs: ERROR });
  return map;
}

/** As {@link reportFromEveryHost}; goes on only if all ended well, and else, once all have ended, to `onError`. */
export function onEveryHost(scope: Construct, props: OnEveryHostProps): Chain {
  const didOneFail = Choice.jsonata(scope, `Did ${props.subject} fail anywhere?`).when(
    Condition.jsonata("{% $states.input.error != '' %}"),
    props.onError,
  );
  return reportFromEveryHost(scope, props).next(didOneFail.afterwards({ includeOtherwise: true }));
}
