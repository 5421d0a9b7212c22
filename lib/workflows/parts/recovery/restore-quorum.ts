import { Choice, Condition, type IChainable, type State } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Step } from '../../../step-function.ts';
import { FAILED_HOSTS, onEveryHost, REACHED, REPORTS, reportFromEveryHost, withObject } from '../on-every-host.ts';
import { stepState } from '../step-state.ts';

export interface RestoreQuorumProps {
  steps: {
    chooseRecovery: Step;
    waitForQuorum: Step;
    runHostCommands: Step;
    transferSnapshots: Step;
  };
  /** Where a quorum leads again, of services that were started here; or by itself. */
  led: IChainable;
  cameBack: IChainable;
  /** Where nothing is left but to make the most of the data. */
  salvage: IChainable;
  /** In a dry run: an earlier recovery would come to its end first. */
  finishEarlier: IChainable;
  /** Where the loss is still to be confirmed by a reading. */
  confirm: IChainable;
  onError: IChainable;
}

/** What the hosts' logs say of how far the cluster was. */
export const HELD =
  '{% [$inspections[$exists(result.clusterId)].result.{"clusterId": clusterId, "commitIndex": raftLog.commitIndex, "commitTerm": raftLog.commitTerm}] %}';

const TELL = { assign: { interrupted: '{% [$append($interrupted, $recovery.summary)] %}' } };

/**
 * Asks what may bring the quorum back, does that, looks at the hosts again, and asks again: the cheapest first. An earlier recovery that
 * was interrupted is brought to an end before anything else. Services that were started are waited for at once, if enough started.
 *
 * Sets the variables `inspections`, `running`, `recovery`, `discard`, `kept` and `interrupted`; and `goal` where a quorum leads.
 * @returns where it begins: with a look at the hosts; or, where they were looked at a moment ago, with the choice
 */
export function restoreQuorum(
  scope: Construct,
  { steps, led, cameBack, salvage, finishEarlier, confirm, onError }: RestoreQuorumProps,
): { inspectHosts: State; choose: State } {
  const { chooseRecovery, waitForQuorum, runHostCommands, transferSnapshots } = steps;
  const inspectHosts = reportFromEveryHost(scope, 'Inspect hosts', {
    step: transferSnapshots,
    command: 'inspect-host',
    commands: withObject('$assessment.inspections', REACHED),
    assign: { inspections: `{% [${REPORTS}] %}`, running: `{% [${REPORTS}[result.unit.mainPid > 0].member] %}` },
    onError,
  });
  const choose = stepState(scope, 'Choose recovery', {
    step: chooseRecovery,
    input: {
      cluster: '{% $cluster %}',
      parameters: '{% $parameters %}',
      dryRun: '{% $dryRun %}',
      members: '{% [$assessment.members] %}',
      inspections: '{% [$inspections] %}',
      restarted: '{% $restarted %}',
      restartProblem: '{% $restartProblem %}',
      launchFailed: '{% [$launchFailed] %}',
      waits: '{% $waits %}',
      turn: '{% $turn %}',
      execution: '{% $states.context.Execution.Name %}',
    },
    assign: {
      recovery: '{% $states.result.Payload %}',
      discard: '{% [$states.result.Payload.discard] %}',
      kept: '{% $states.result.Payload.kept %}',
      turn: '{% $turn + 1 %}',
    },
    onError,
  });

  const moveBack = onEveryHost(scope, 'Undo the interrupted recovery', {
    step: runHostCommands,
    didAnyFail: 'Did undoing fail anywhere?',
    command: 'revert-data-dir',
    commands: '$recovery.commands',
    onError,
  });
  const clear = onEveryHost(scope, 'Finish the interrupted recovery', {
    step: runHostCommands,
    didAnyFail: 'Did finishing fail anywhere?',
    command: 'mark-recovery',
    commands: "$recovery.action = 'Keep' ? $recovery.commands : $recovery.discard",
    onError,
  });
  const stopForgetful = onEveryHost(scope, 'Stop what has lost its data', {
    step: runHostCommands,
    didAnyFail: 'Did a stop of these fail?',
    command: 'control-service',
    commands: '$recovery.commands',
    onError,
  });
  const launch = reportFromEveryHost(scope, 'Start what has data', {
    step: runHostCommands,
    command: 'control-service',
    commands: '$recovery.commands',
    assign: {
      restarted: true,
      restartReason: '{% $recovery.summary %}',
      restartProblem: `{% ${FAILED_HOSTS} %}`,
      launched: `{% [${REPORTS}.member] %}`,
      launchFailed: `{% [${REPORTS}[error != ''].member] %}`,
      running: `{% [$append($running, ${REPORTS}[error = ''].member)] %}`,
    },
    onError,
  });
  const wait = stepState(scope, 'Wait for quorum', {
    step: waitForQuorum,
    input: { cluster: '{% $cluster %}', held: HELD, waitSeconds: 15 },
    assign: { waits: '{% $waits + 1 %}' },
    onError,
  });
  const doesAQuorumLead = Choice.jsonata(scope, 'Does a quorum follow a leader?')
    .when(Condition.jsonata('{% $states.input.led and $not($restarted) %}'), cameBack)
    .when(Condition.jsonata('{% $states.input.led %}'), led, {
      assign: {
        goal: {
          cluster: '{% $cluster %}',
          revision: '0',
          required: '{% [$filter($running, function($member) { $not($member in $launchFailed) })] %}',
          restored: false,
        },
      },
    })
    .otherwise(inspectHosts);

  // The hosts are not looked at again for this: a quorum that leads is all that is wanted of the start.
  const didEnoughStart = Choice.jsonata(scope, 'Did enough start for a quorum?')
    .when(Condition.jsonata('{% $count($launched) - $count($launchFailed) >= $recovery.mustStart %}'), wait)
    .otherwise(inspectHosts);

  const isNext = (action: string) => Condition.jsonata(`{% $recovery.action = '${action}' %}`);
  const whatMayHelp = Choice.jsonata(scope, 'What may bring the quorum back?')
    .when(isNext('MoveBack'), moveBack, TELL)
    .when(isNext('Keep'), clear, TELL)
    .when(isNext('Stop'), stopForgetful)
    .when(isNext('Restart'), launch)
    .when(isNext('WaitForQuorum'), wait)
    .when(isNext('FinishEarlier'), finishEarlier)
    .when(isNext('Salvage'), salvage);
  moveBack.next(clear);
  clear.next(inspectHosts);
  stopForgetful.next(inspectHosts);
  launch.next(didEnoughStart);
  wait.next(doesAQuorumLead);
  const isTheLossConfirmed = Choice.jsonata(scope, 'Is the loss confirmed?')
    .when(Condition.jsonata("{% $assessment.verdict = 'Confirm' %}"), confirm)
    .otherwise(choose);
  inspectHosts.next(isTheLossConfirmed);
  choose.next(whatMayHelp);
  return { inspectHosts, choose };
}
