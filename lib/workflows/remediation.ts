import { Choice, Condition, Fail, Pass, QueryLanguage, StateMachine, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { ERROR_NAMES } from '../../core/errors.ts';
import type { Incident } from '../../core/runbooks.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { executionArns } from '../arns.ts';
import { named, prefixOption } from '../names.ts';
import type { Pages } from '../pages.ts';
import type { RemediationTable } from '../remediation-table.ts';
import type { Reports } from '../reports.ts';
import type { Step } from '../step-function.ts';
import { acknowledgeExecutions } from './parts/acknowledge-wildcards.ts';
import { askForApproval } from './parts/ask-for-approval.ts';
import { giveLockBack } from './parts/give-lock-back.ts';
import { runRunbook } from './parts/run-runbook.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { raiseAgain, stepState } from './parts/step-state.ts';
import { takeLock } from './parts/take-lock.ts';

export interface RemediationProps {
  steps: { loadRemediation: Step; diagnoseCluster: Step; chooseRunbook: Step };
  table: RemediationTable;
  pages: Pages;
  reports: Reports;
  /** Of the runbooks that there are. */
  runbooks: Readonly<Partial<Record<Incident, StateMachine>>>;
}

/** Four rounds: two of the runbook that may take thirteen hours, two of those that take four, and an approval of four hours before each: 50 hours. */
const TIMEOUT = Duration.hours(60);
const APPROVAL_WITHIN = Duration.hours(4);
const LOOK_AGAIN_EVERY = Duration.minutes(10);

/** What a runbook may end with where another incident has come in its way, as a store that fills up while a member is replaced. */
const MAY_BE_ANOTHER_INCIDENT = `['${[
  ERROR_NAMES.PreconditionFailed,
  ERROR_NAMES.EtcdUnavailable,
  ERROR_NAMES.HostCommandFailed,
  ERROR_NAMES.HostUnreachable,
  ERROR_NAMES.VerificationFailed,
].join("', '")}']`;

/**
 * JSONata: the name of a runbook's execution, by which `lambdas/executions.ts` knows whose it is. An execution's name has at most 80 characters, and a
 * cluster's 63: 16 are left for what is new each time.
 */
const RUNBOOK_EXECUTION = "$cluster.name & '_' & $substring($replace($uuid(), '-', ''), 0, 16)";

/** JSONata: the incidents whose plan a person reads again once their runbook has failed. */
const ASKED_ANEW = JSON.stringify(
  Object.values(RUNBOOKS).flatMap(({ incident, asksAnewAfterFailure }) => (asksAnewAfterFailure ? [incident] : [])),
).replaceAll('"', "'");

/** JSONata: of which cluster somebody has asked for a remediation, or an alarm is; empty where the input names none. */
const CLUSTER_OF_INPUT =
  "($in := $states.context.Execution.Input; $type($in.cluster) = 'string' ? $in.cluster : $type($in.alarm) = 'string' and " +
  "$contains($in.alarm, '/') ? $split($in.alarm, '/')[1] : '')";

/** `round` is the newest. */
const ROUNDS_WITH_THIS = '{% [$append($rounds, $round)] %}';

/** Of a person, nor approved by one. */
const NO_QUESTION = { question: null, approved: null };

/**
 * The entry workflow: every start is a start of this one, and of nothing else.
 *
 * 1. Load: check the input, and load the cluster's configuration.
 * 2. Lock: one remediation at a time acts on a cluster; another one ends `AlreadyInProgress`.
 * 3. Diagnose, and choose the runbook for what is wrong. Nothing is: go to 7.
 * 4. Where someone wants a dry run or has to approve, let the runbook say what it would do; ask, and wait for the answer. Go to 3 with it: the
 *    runbook is held to the plan that was approved.
 * 5. Run the runbook, as an execution of its own.
 * 6. Go to 3: a full store that has also lost a member takes two. So does a runbook which fails, where another incident has stopped it.
 * 7. Record how it ended, and give the lock back: on every way out, an error too, which is raised again under its own name.
 *
 * Invariant: nothing acts on a cluster before the lock is taken, and no state after that leads to an end that does not give it back.
 */
export class Remediation extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { steps, table, pages, reports, runbooks }: RemediationProps) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const notBegun = pages.page(this, 'Page that it could not begin', {
      comment: 'Nothing else starts it again: the person on call does, once it can begin',
      subject: "'CRITICAL: a remediation of an etcd cluster could not begin'",
      kind: 'not-begun',
      severity: 'critical',
      cluster: CLUSTER_OF_INPUT,
      execution: '$states.context.Execution.Id',
      parts: [
        {
          says: `'A remediation of ' & (${CLUSTER_OF_INPUT} = '' ? 'an etcd cluster' : ${CLUSTER_OF_INPUT}) & ' could not begin. Nothing was changed.'`,
          most: 200,
        },
        { says: "$states.input.error & ': ' & $states.input.cause", most: 500 },
        {
          says: `'Correct that, then start it again: npx --no etcd-remediation start ' & (${CLUSTER_OF_INPUT} = '' ? 'CLUSTER' : ${CLUSTER_OF_INPUT}) & ' --watch${prefixOption(this)}'`,
          most: 250,
        },
      ],
      passOn: true,
    });
    notBegun.addCatch(stop, { outputs: '{% $states.input %}' });
    notBegun.next(stop);
    const wasInputWrong = Choice.jsonata(this, 'Was the input wrong?', {
      comment:
        'A person who typed a wrong input reads the refusal. An alarm has no reader, so a page goes to the person on call',
    })
      .when(
        Condition.jsonata(
          `{% $states.input.error = '${ERROR_NAMES.InvalidInput}' and $not($exists($states.context.Execution.Input.alarm)) %}`,
        ),
        stop,
      )
      .otherwise(notBegun);

    // By its name, for it is this very state machine.
    const itself = StateMachine.fromStateMachineName(this, 'Itself', named(this, ENTRY_STATE_MACHINE));
    const ending = giveLockBack(this, { table, pages, reports, ended: this.endings(), remediation: itself });
    const onError = ending.afterError;

    const stayFailed = Pass.jsonata(this, 'End with the error of the runbook', {
      comment: 'No other incident is known to have stopped it: its own error is how this ends',
      outputs: { error: '{% $rounds[-1].outcome %}', cause: '{% $rounds[-1].report.summary %}' },
    });
    stayFailed.next(onError);
    const wasItToExplainAFailure = Choice.jsonata(this, 'Had a runbook failed before?', {
      comment: 'Then the failure is reported, and not that nothing more can be seen',
    })
      .when(Condition.jsonata(`{% $rounds[-1].outcome in ${MAY_BE_ANOTHER_INCIDENT} %}`), stayFailed)
      .otherwise(onError);
    const diagnose = stepState(this, 'Diagnose cluster', {
      step: steps.diagnoseCluster,
      comment: 'Every member, every host, every alarm: what is wrong with it now?',
      input: { cluster: '{% $cluster.name %}' },
      outputs: { summary: "{% $states.result.Payload.(incident & ': ' & summary) %}" },
      assign: { diagnosis: '{% $states.result.Payload %}' },
      onError: wasItToExplainAFailure,
    });
    const choose = stepState(this, 'Choose runbook', {
      step: steps.chooseRunbook,
      comment: 'What is remediated next, or how it ends. It goes on from what has been done so far',
      input: {
        cluster: '{% $cluster %}',
        request: '{% $request %}',
        diagnosis:
          "{% {'incident': $diagnosis.incident, 'summary': $diagnosis.summary, 'others': [$diagnosis.others], 'warnings': [$diagnosis.warnings]} %}",
        maintenance: '{% $maintenance %}',
        question: '{% $question %}',
        healthyLooks: '{% $healthyLooks %}',
        approved: '{% $approved %}',
        rounds: '{% [$rounds.{"incident": incident, "runbook": runbook, "outcome": outcome}] %}',
        enteredAt: '{% $states.context.State.EnteredTime %}',
        runbooks: Object.fromEntries(
          Object.keys(runbooks).map((incident) => {
            const { runbook, policy } = RUNBOOKS[incident as Incident];
            return [incident, { runbook, policy }];
          }),
        ),
      },
      assign: {
        next: '{% $states.result.Payload %}',
        healthyLooks: "{% $diagnosis.incident = 'healthy' ? $healthyLooks + 1 : 0 %}",
        runbookExecution: `{% ${RUNBOOK_EXECUTION} %}`,
      },
      onError,
    });
    const noteFailure = Pass.jsonata(this, 'Record the failure', {
      comment: 'It runs again once its obstacle is removed. An approval stays valid if the runbook still holds to it',
      outputs: {},
      assign: {
        rounds: ROUNDS_WITH_THIS,
        approved: `{% $round.incident in ${ASKED_ANEW} ? null : $approved %}`,
      },
    });
    noteFailure.next(diagnose);
    const mayAnotherHaveStoppedIt = Choice.jsonata(this, 'May another incident have stopped it?', {
      comment: 'A new diagnosis decides, unless the error says what it was, or no other incident was to be remediated',
    })
      .when(
        Condition.jsonata(
          `{% $states.input.error in ${MAY_BE_ANOTHER_INCIDENT} and $not($exists($request.incident) or $request.dryRun) %}`,
        ),
        noteFailure,
      )
      .otherwise(onError);
    const { which, runs } = runRunbook(this, { stateMachines: runbooks, onError: mayAnotherHaveStoppedIt });
    const noteRound = Pass.jsonata(this, 'Record the round', {
      comment: 'Then the cluster is diagnosed again: there may be more than one incident',
      outputs: {},
      assign: {
        rounds: ROUNDS_WITH_THIS,
        // What was asked or approved of another incident still is: this one came in between.
        question: '{% $question.incident = $round.incident ? null : $question %}',
        approved: '{% $approved.incident = $round.incident ? null : $approved %}',
      },
    });
    noteRound.next(diagnose);
    const approval = askForApproval(this, {
      table,
      pages,
      within: APPROVAL_WITHIN,
      every: LOOK_AGAIN_EVERY,
      lookAgain: diagnose,
      onError,
    });
    const isAPlanAllThatIsWanted = Choice.jsonata(this, 'Was a dry run asked for?', {
      comment: 'A dry run ends here. Otherwise the policy asks for an approval',
    })
      .when(
        Condition.jsonata('{% $request.dryRun %}'),
        ending.with(this, 'Record the plan', 'Planned', {
          summary: '{% $next.problem %}',
          rounds: ROUNDS_WITH_THIS,
          remaining: "{% $diagnosis.incident = 'healthy' ? [] : [$append([$diagnosis.incident], $diagnosis.others)] %}",
        }),
      )
      .otherwise(approval.ask);
    const wasItADryRun = Choice.jsonata(this, 'Did the runbook only plan?', { comment: 'Then nothing was changed yet' })
      .when(Condition.jsonata("{% $round.outcome = 'Planned' %}"), isAPlanAllThatIsWanted)
      .otherwise(noteRound);
    for (const run of runs) run.next(wasItADryRun);
    which.otherwise(
      Pass.jsonata(this, 'There is no such runbook', {
        comment: 'The step that chooses names only those that are here',
        outputs: {
          error: ERROR_NAMES.PreconditionFailed,
          cause: "{% 'There is no runbook for ' & $next.incident & ' in this deployment. Nothing was changed.' %}",
        },
      }).next(onError),
    );
    const isAnythingLeft = Choice.jsonata(this, 'Is there anything to do?', { comment: 'A runbook, or the end' })
      .when(Condition.jsonata("{% $next.action = 'Run' %}"), which)
      .when(Condition.jsonata("{% $next.action = 'Ask' %}"), approval.wait)
      .when(Condition.jsonata("{% $next.action = 'Stop' %}"), stayFailed)
      .otherwise(
        ending.with(this, 'Record the outcome', '{% $next.outcome %}', {
          summary: '{% $next.summary %}',
          rounds: '{% $rounds %}',
          remaining: '{% [$next.remaining] %}',
        }),
      );
    diagnose.next(choose).next(isAnythingLeft);

    const start = stepState(this, 'Load cluster', {
      step: steps.loadRemediation,
      comment:
        'Nothing is read but the input and the configuration: a wrong one ends here, and says what a right one looks like',
      input: { execution: '{% $states.context.Execution.Name %}', input: '{% $states.input %}' },
      assign: {
        cluster: '{% $states.result.Payload.cluster %}',
        request: '{% $states.result.Payload.request %}',
        alarm: '{% $states.result.Payload.alarm %}',
        maintenance: '{% $states.result.Payload.maintenance %}',
        rounds: [],
        approvals: [],
        ...NO_QUESTION,
        questions: 0,
        looks: 0,
        healthyLooks: 0,
      },
      onError: wasInputWrong,
    });
    start.next(
      takeLock(this, {
        table,
        executions: executionArns(this, ENTRY_STATE_MACHINE),
        timeout: TIMEOUT,
        taken: diagnose,
        inProgress: Succeed.jsonata(this, 'Already in progress', {
          comment: 'Another remediation has this cluster',
          outputs: {
            outcome: 'AlreadyInProgress',
            cluster: '{% $cluster.name %}',
            holder: '{% $holder %}',
            summary:
              "{% $holder.execution = '' ? 'Other remediations of this cluster began and ended meanwhile.' : 'The remediation ' & $holder.remediation & ' has been " +
              "at it since ' & $holder.startedAt & '.' %}",
          },
        }),
        onError: wasInputWrong,
      }),
    );

    this.stateMachine = runbookStateMachine(this, {
      name: ENTRY_STATE_MACHINE,
      comment:
        'Finds out what is wrong with an etcd cluster and lets the runbooks remediate it. Start it with {"cluster":"orders"}; to look first, with ' +
        '{"cluster":"orders","dryRun":true}; for one incident and no other, with {"cluster":"orders","incident":"member-failed"}',
      start,
      timeout: TIMEOUT,
      steps: Object.values(steps),
    });
    acknowledgeExecutions(this.stateMachine, { own: ENTRY_STATE_MACHINE, nested: Object.values(runbooks) });
  }

  /** How it may end, by outcome; what is none of these is an error. */
  private endings(): Choice {
    const report = (outcome: string) => ({
      outcome,
      cluster: '{% $cluster.name %}',
      reason: '{% $request.reason %}',
      requestedBy: '{% $request.requestedBy %}',
      summary: '{% $ended.summary %}',
      rounds: '{% $ended.rounds %}',
      approvals: '{% $approvals %}',
      diagnosis: '{% $diagnosis %}',
      remaining: '{% $ended.remaining %}',
    });
    const is = (outcome: string) => Condition.jsonata(`{% $ended.outcome = '${outcome}' %}`);
    const succeed = (name: string, outcome: string, comment: string) =>
      Succeed.jsonata(this, name, { comment, outputs: report(outcome) });
    return Choice.jsonata(this, 'How did it end?', { comment: 'An outcome, or the error that stopped it' })
      .when(is('Remediated'), succeed('Remediated', 'Remediated', 'A runbook has done its work, and proved it'))
      .when(
        is('NothingToDo'),
        succeed('Nothing to do', 'NothingToDo', 'No incident was found, or its runbook had nothing to do'),
      )
      .when(is('Planned'), succeed('Planned', 'Planned', 'Nothing was changed: this was the dry run'))
      .otherwise(
        Fail.jsonata(this, 'Stop with the error that ended it', {
          comment: 'As it was raised',
          queryLanguage: QueryLanguage.JSONATA,
          error: '{% $ended.outcome %}',
          cause: '{% $substring($ended.summary, 0, 32000) %}',
        }),
      );
  }
}
