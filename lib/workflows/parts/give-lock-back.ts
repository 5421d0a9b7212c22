import {
  type Choice,
  Choice as ChoiceState,
  Condition,
  type IStateMachine,
  Pass,
  type State,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { WORKFLOW_ERRORS } from '../../../core/errors.ts';
import { prefixOption } from '../../names.ts';
import type { Pages } from '../../pages.ts';
import { lockKey, ownedBy, pagedKey, type RemediationTable, recordItem } from '../../remediation-table.ts';
import type { Reports } from '../../reports.ts';
import { WHILE_NO_EXECUTION_STARTS } from './retry-policies.ts';
import { ERROR } from './step-state.ts';

export interface GiveLockBackProps {
  table: RemediationTable;
  pages: Pages;
  reports: Reports;
  /** Says how the execution ends, by the variable `ended`. */
  ended: Choice;
  /** What is started for an alarm that has come meanwhile. */
  remediation: IStateMachine;
}

/** What an execution ends with; each value may be JSONata. */
interface Ended {
  summary: string;
  rounds: string;
  remaining: string;
}

export interface Ending {
  /** Takes `error` and `cause`, as a catcher hands them on. */
  afterError: State;
  /** A state that notes an outcome; then it is told to whoever was called, recorded, and the lock is given back. */
  with: (scope: Construct, name: string, outcome: string, ended: Ended) => State;
}

const ME = '$states.context.Execution.Id';

/**
 * The one way out of an execution that has the lock: page where it failed, or where it is well again and a person was called before; record how
 * it ended, give the lock back. Neither a page nor a record that cannot be written keeps the lock.
 *
 * An alarm that has come meanwhile has left word in the lock. This remediation may have been asked for one incident alone, or have looked for the
 * last time before: so another one is started for the alarm, once.
 *
 * Reads the variables `cluster`, `request`, `rounds`, `approvals`, `questions` and `diagnosis`.
 */
export function giveLockBack(scope: Construct, props: GiveLockBackProps): Ending {
  const { table, pages, reports, ended, remediation } = props;
  const option = prefixOption(scope);
  const release = table.call(scope, 'Give the lock back', {
    comment: 'Where it cannot be given back, the next remediation finds that its holder has ended, and takes it over',
    action: 'deleteItem',
    parameters: { Key: lockKey('$cluster.name'), ReturnValues: 'ALL_OLD', ...ownedBy(ME) },
    outputs:
      "{% {'missed': $exists($states.result.Attributes.missed) ? $parse($states.result.Attributes.missed.S) : null} %}",
    assign: { nextRemediation: "{% $substring($states.context.Execution.Name, 0, 43) & '-' & $uuid() %}" },
    onConditionFailed: ended,
    onError: ended,
  });
  const startAgain = StepFunctionsStartExecution.jsonata(scope, 'Start another one for it', {
    comment: 'It makes a diagnosis of its own, and has nothing to do where this one has seen to everything',
    stateMachine: remediation,
    name: '{% $nextRemediation %}',
    input: TaskInput.fromText('{% $states.input.missed %}'),
    outputs: {},
  });
  startAgain.addRetry(WHILE_NO_EXECUTION_STARTS);
  const notStarted = pages.page(scope, 'Page that no other one was started', {
    comment: 'CloudWatch tells of an alarm once: whoever is on call starts it',
    subject: "'CRITICAL: an alarm of the etcd cluster ' & $cluster.name & ' started nothing'",
    kind: 'not-started',
    severity: 'critical',
    cluster: '$cluster.name',
    execution: ME,
    parts: [
      { says: "'An alarm came in while a remediation was at work, and none could be started for it.'", most: 200 },
      { says: "$states.input.error & ': ' & $states.input.cause", most: 400 },
      { says: `'Start one: npx --no etcd-remediation start ' & $cluster.name & ' --watch${option}'`, most: 200 },
    ],
  });
  notStarted.addCatch(ended, { outputs: {} });
  notStarted.next(ended);
  startAgain.addCatch(notStarted, { outputs: ERROR });
  startAgain.next(ended);
  release.next(
    ChoiceState.jsonata(scope, 'Did an alarm come in meanwhile?', { comment: 'It found the lock taken, and left word' })
      .when(Condition.jsonata('{% $states.input.missed != null %}'), startAgain)
      .otherwise(ended),
  );
  const record = table.call(scope, 'Record how it ended', {
    comment: 'Who wanted what, who approved of it, and what came of it: kept in the table',
    action: 'putItem',
    parameters: {
      Item: recordItem({
        cluster: '$cluster.name',
        remediation: '$states.context.Execution.Name',
        owner: ME,
        startedAt: '$states.context.Execution.StartTime',
        endedAt: '$now()',
        outcome: '$ended.outcome',
        report: "$string($merge([{'request': $request, 'approvals': $approvals}, $ended]))",
      }),
    },
    outputs: {},
    onError: release,
  });
  record.next(release);
  const page = pages.page(scope, 'Page that it has failed', {
    comment: 'Whoever is on call learns what stopped it; where that cannot be sent, it is still recorded',
    subject: "'CRITICAL: the etcd cluster ' & $cluster.name & ' could not be remediated'",
    kind: 'failed',
    severity: 'critical',
    cluster: '$cluster.name',
    execution: ME,
    report: reports.address('$states.context.Execution.Name'),
    parts: [
      {
        says: "'The remediation of ' & $cluster.name & ' ended with ' & $ended.outcome & ': ' & $ended.summary",
        most: 620,
      },
      {
        says:
          `'Read: npx --no etcd-remediation status ' & $states.context.Execution.Name & '${option}\\nCorrect the cause, then go on: ` +
          `npx --no etcd-remediation start ' & $cluster.name & ' --watch${option}'`,
        most: 320,
      },
    ],
  });
  const notePage = table.call(scope, 'Note that a person was called', {
    comment: 'Whoever was is told once the cluster is well again, and SNS takes it',
    action: 'putItem',
    parameters: { Item: pagedKey('$cluster.name') },
    outputs: {},
    onError: record,
  });
  page.addCatch(record);
  page.next(notePage);
  notePage.next(record);
  const callOff = pages.page(scope, 'Page that it is resolved', {
    comment: 'To whoever was called for this cluster before',
    subject: `'RESOLVED: the etcd cluster ' & $cluster.name & ($ended.outcome = 'Remediated' ? ' is remediated' : ' is well again')`,
    kind: 'resolved',
    resolves: true,
    severity: 'info',
    cluster: '$cluster.name',
    execution: ME,
    report: reports.address('$states.context.Execution.Name'),
    parts: [
      { says: "$cluster.name & ': ' & $ended.summary", most: 350 },
      {
        says: "$count($ended.rounds) = 0 ? '' : 'Done:\\n- ' & $join([$ended.rounds.(runbook & ': ' & outcome)], '\\n- ')",
        most: 300,
      },
      {
        says: "$exists($ended.rounds[-1].report.loss) ? 'Loss: ' & $ended.rounds[-1].report.loss.explanation : ''",
        most: 200,
      },
    ],
  });
  // It is tried again when the next remediation finds the cluster well.
  callOff.addCatch(notePage);
  callOff.next(record);
  const wasAPersonCalled = ChoiceState.jsonata(scope, 'Was a person called before?', {
    comment: 'By a remediation that failed, or by this one for an approval',
  })
    .when(Condition.jsonata('{% $states.input.called or $questions > 0 %}'), callOff)
    .otherwise(record);
  const forgetPage = table.call(scope, 'Forget that a person was called', {
    comment: 'Where one was, it is told',
    action: 'deleteItem',
    parameters: { Key: pagedKey('$cluster.name'), ReturnValues: 'ALL_OLD' },
    outputs: { called: '{% $exists($states.result.Attributes) %}' },
    onError: record,
  });
  forgetPage.next(wasAPersonCalled);
  const isItWell = ChoiceState.jsonata(scope, 'Is anything still wrong?', {
    comment: 'Only one incident may have been asked for, or a dry run; then nobody is called off',
  })
    .when(Condition.jsonata('{% $request.dryRun or $count($ended.remaining) > 0 %}'), record)
    .otherwise(forgetPage);
  const isPageNeeded = ChoiceState.jsonata(scope, 'Is a page needed?', {
    comment: 'A dry run that fails is read by whoever started it, and who rejected a plan knows that nothing was done',
  })
    .when(Condition.jsonata(`{% $request.dryRun or $ended.outcome = '${WORKFLOW_ERRORS.ApprovalRejected}' %}`), record)
    .otherwise(page);
  const afterError = Pass.jsonata(scope, 'Record the error', {
    comment: 'It is raised again at the end',
    outputs: {},
    assign: {
      ended: {
        outcome: '{% $states.input.error %}',
        summary: '{% $states.input.cause %}',
        rounds: '{% $rounds %}',
        remaining: [],
      },
    },
  });
  afterError.next(isPageNeeded);
  return {
    afterError,
    with: (within, name, outcome, said) => {
      const note = Pass.jsonata(within, name, {
        comment: 'It is recorded, and the lock given back',
        outputs: {},
        assign: { ended: { outcome, ...said } },
      });
      note.next(isItWell);
      return note;
    },
  };
}
