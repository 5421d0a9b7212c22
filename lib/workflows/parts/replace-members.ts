import { type Chain, Choice, Condition, type IChainable, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { ERROR_NAMES } from '../../../core/errors.ts';
import type { HostCommandName } from '../../../core/hosts/host-commands.ts';
import type { Step } from '../../step-function.ts';
import { FAILURE, HAS_FAILED, onEveryHost, reportFromEveryHost } from './on-every-host.ts';
import { stepState } from './step-state.ts';

interface ReplaceMembersSteps {
  chooseNextChange: Step;
  changeMembership: Step;
  waitForMember: Step;
  runHostCommands: Step;
}

export interface ReplaceMembersProps {
  steps: ReplaceMembersSteps;
  /** What the choice is asked with besides the plan. */
  request?: Record<string, unknown>;
  /** What else may come next: what does it, for each action. */
  more?: Readonly<Record<string, Chain | LambdaInvoke>>;
  /** Once nothing is left to change. */
  finish: IChainable;
  onError: IChainable;
}

/** The variables that it begins with. */
export const BEFORE_REPLACING = {
  stopped: [],
  done: [],
  archived: [],
  changes: [],
  waits: 0,
  turn: 0,
  lastIndex: 'none',
};

/**
 * Ask what is next, do that one thing, and ask again. In order: stop the service, remove the member, move its data aside, add it, write the
 * membership and start it, wait until it is caught up, promote it.
 *
 * Four commands in a row on hosts with the inspection, and one more for a second member. Between each two of them something is asked or
 * changed in etcd: the plan after the inspection, the removal before data is moved, the addition before a member starts empty.
 *
 * Reads the variable `plan`, and those of {@link BEFORE_REPLACING}.
 */
export function replaceMembers(scope: Construct, props: ReplaceMembersProps): Chain {
  const { steps, request, more = {}, finish, onError } = props;
  const work = {
    cluster: '{% $plan.cluster %}',
    replaced: '{% $plan.replaced %}',
    targets: '{% [$plan.targets] %}',
    done: '{% [$done] %}',
    waits: '{% $waits %}',
    turn: '{% $turn %}',
    execution: '{% $states.context.Execution.Name %}',
    ...request,
  };
  const chooseNextChange = stepState(scope, 'Choose next change', {
    step: steps.chooseNextChange,
    input: work,
    assign: { next: '{% $states.result.Payload %}', turn: '{% $turn + 1 %}' },
    onError,
  });
  const changeMembership = (name: string, assign?: Record<string, unknown>) =>
    stepState(scope, name, {
      step: steps.changeMembership,
      input: { ...work, change: '{% $next.action %}' },
      assign: {
        ...assign,
        changes:
          "{% [$append($changes, $states.result.Payload.changed ? {'action': $next.action, 'member': $states.result.Payload.member, " +
          "'id': $states.result.Payload.id} : [])] %}",
      },
      onError,
    }).next(chooseNextChange);
  // A member that is gone has nothing to start for. The step may have removed another one than was chosen, the first time's
  // answer being lost.
  const forget = { stopped: '{% [$stopped[$not(member in [$next.member, $states.result.Payload.member])]] %}' };
  const forgetNext = { stopped: '{% [$stopped[member != $next.member]] %}' };
  const waitForMember = stepState(scope, 'Wait for member', {
    step: steps.waitForMember,
    input: { cluster: '{% $plan.cluster %}', member: '{% $next.member %}' },
    assign: {
      lastIndex: '{% $states.result.Payload.raftAppliedIndex %}',
      waits: '{% $states.result.Payload.raftAppliedIndex = $lastIndex ? $waits + 1 : 0 %}',
    },
    onError,
  });
  const didTheCommandFail = Choice.jsonata(scope, 'Did the command fail?')
    .when(HAS_FAILED, onError, { outputs: FAILURE, assign: { changes: CHANGES } })
    .when(Condition.jsonata("{% $states.input.failed = '' %}"), chooseNextChange, {
      assign: {
        done: "{% [$append($done, $states.input.reports.($next.action & ' ' & member))] %}",
        archived:
          "{% [$append($archived, $next.action = 'ArchiveDataDir' ? $states.input.reports.{'member': member, 'host': host, " +
          "'dataDir': result.dataDir, 'walDir': result.walDir} : [])] %}",
        changes: CHANGES,
      },
    });
  const onHosts = (name: string, command: HostCommandName) =>
    reportFromEveryHost(scope, name, {
      step: steps.runHostCommands,
      command,
      commands: '$next.commands',
      onError,
    }).next(didTheCommandFail);
  const isNext = (action: string) => Condition.jsonata(`{% $next.action = '${action}' %}`);

  const whatComesNext = Choice.jsonata(scope, 'What comes next?')
    .when(isNext('StopService'), onHosts('Stop service', 'control-service'), {
      assign: { stopped: '{% [$append($stopped, $plan.targets[member in $next.commands.member and wasActive])] %}' },
    })
    .when(isNext('ArchiveDataDir'), onHosts('Move data aside', 'archive-data-dir'))
    .when(isNext('RemoveMember'), changeMembership('Remove member', forget))
    .when(isNext('AddMember'), changeMembership('Add member'), { assign: forgetNext })
    .when(isNext('JoinCluster'), onHosts('Write membership and start', 'join-cluster'), {
      assign: { waits: 0, lastIndex: 'none' },
    })
    .when(isNext('WaitForMember'), waitForMember.next(chooseNextChange))
    .when(isNext('PromoteMember'), changeMembership('Promote member'))
    .when(isNext('GiveUp'), giveUp(scope, steps.runHostCommands, onError));
  for (const [action, state] of Object.entries(more)) whatComesNext.when(isNext(action), state.next(chooseNextChange));
  whatComesNext.when(isNext('Finish'), finish);
  return chooseNextChange.next(whatComesNext);
}

/** The member was started and does not join: its host may say why. */
function giveUp(scope: Construct, step: Step, onError: IChainable): Chain {
  const fail = (name: string, cause: string) => {
    const failed = Pass.jsonata(scope, name, { outputs: { error: ERROR_NAMES.VerificationFailed, cause } });
    failed.next(onError);
    return failed;
  };
  const cannotBeInspected = fail(
    'The host cannot say why',
    "{% $next.problem & ' Its host ' & $next.host & ' could not be looked at: ' & $states.input.cause %}",
  );
  const doesNotJoin = fail(
    'The member does not join',
    `{% ($unit := ${RESULT}.unit; $next.problem & ' Its service on ' & $next.host & ' is ' & $unit.activeState & ' (' & ` +
      "$unit.subState & ', ' & $unit.result & '). Find out why: \"journalctl -u ' & $next.parameters.unit & '\" there has the whole. The end of its log:\\n' & " +
      `$join([${RESULT}.log][[-10..-1]], '\\n')) %}`,
  );
  return onEveryHost(scope, 'Inspect why it does not join', {
    step,
    command: 'inspect-host',
    commands: '{"member": $next.member, "host": $next.host, "parameters": $next.parameters}',
    didAnyFail: 'Did this inspection fail?',
    onError: cannotBeInspected,
  }).next(doesNotJoin);
}

/** JSONata: what a look at one host has come to. */
const RESULT = '$states.input.reports[0].result';
/** With what a command has changed on each host, also where it failed then. */
const CHANGES =
  "{% [$append($changes, $states.input.reports[result != null].{'action': $next.action, 'member': member, 'host': host, 'result': result})] %}";
