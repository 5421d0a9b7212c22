import { Choice, Condition, Pass, type State, Timeout } from 'aws-cdk-lib/aws-stepfunctions';
import type { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { ERROR_NAMES, WORKFLOW_ERRORS } from '../../../core/errors.ts';
import { prefixOption } from '../../names.ts';
import type { Pages } from '../../pages.ts';
import { lockKey, ownedBy, type RemediationTable } from '../../remediation-table.ts';

export interface AskForApprovalProps {
  table: RemediationTable;
  pages: Pages;
  /** How long a person has, and how often the cluster is looked at meanwhile. */
  within: Duration;
  every: Duration;
  /** Diagnoses the cluster. */
  lookAgain: State;
  onError: State;
}

const ME = '$states.context.Execution.Id';
/** JSONata: what the plan would lose. Only a recovery puts other data in the place of a cluster's. */
const LOSS =
  "$exists($question.plan.loss.explanation) ? $question.plan.loss.explanation : $next.runbook = 'quorum-recovery' ? 'nobody knows yet.' : " +
  "'nothing that etcd has acknowledged.'";

/**
 * Asks a person whether the runbook that was planned may run, and waits for the answer: whoever answers finds the question, with the token that
 * ends the wait, in the cluster's lock.
 *
 * While nobody answers, the cluster is diagnosed again and again: another incident may have come that needs no approval and must not wait for
 * one, and this one may be over. After an answer too: what is approved is run from a fresh look, and held to the plan that was read.
 *
 * Reads the variables `cluster`, `next` and `round` (the dry run), and counts `questions`. Sets `question`, and after the answer `approved`; adds to
 * `approvals`.
 * @returns what asks, and what waits on where it was asked already
 */
export function askForApproval(scope: Construct, props: AskForApprovalProps): { ask: State; wait: State } {
  const { table, pages, within, every, lookAgain, onError } = props;
  const option = prefixOption(scope);
  const note = Pass.jsonata(scope, 'Prepare the question', {
    comment: 'With the plan that is asked about, and until when',
    outputs: {},
    assign: {
      question: `{% {'id': $string($questions + 1), 'incident': $next.incident, 'plan': $round.report, 'untilMs': $millis() + ${within.toMilliseconds()}} %}`,
      // Whoever has read the first does not approve of the second.
      questions: '{% $questions + 1 %}',
    },
  });
  const page = pages.page(scope, 'Page that an approval is wanted', {
    comment: 'With the plan, for whoever is on call; who watches the execution sees the question without it',
    subject: "'APPROVAL WANTED: the etcd cluster ' & $cluster.name & ' has ' & $next.incident",
    kind: 'approval-wanted',
    severity: 'critical',
    cluster: '$cluster.name',
    execution: ME,
    parts: [
      { says: "$cluster.name & ' has ' & $next.incident & ': ' & $next.problem", most: 300 },
      {
        says: "$count([$question.plan.plan]) = 0 ? '' : 'Plan:\\n- ' & $join([$question.plan.plan], '\\n- ')",
        most: 330,
      },
      { says: `'Loss: ' & (${LOSS})`, most: 200 },
      {
        says:
          `'Approve: npx --no etcd-remediation approve ' & $states.context.Execution.Name & '${option}\\nReject: npx --no etcd-remediation reject ' & ` +
          `$states.context.Execution.Name & ' --reason WHY${option}\\nUntil then this runbook changes nothing. It ends in ${within.toHours()} hours.'`,
        most: 380,
      },
    ],
  });
  const tooLate = Pass.jsonata(scope, 'Nobody has answered', {
    comment: 'It ends without having changed anything: whoever looks later starts it again',
    outputs: {
      error: WORKFLOW_ERRORS.ApprovalTimedOut,
      cause:
        `{% 'Nobody has answered within ${within.toHours()} hours whether the runbook for ' & $next.incident & ' may run. Nothing was changed; ` +
        "start again. ' & $next.problem %}",
    },
  });
  const isThereTimeLeft = Choice.jsonata(scope, 'Is there time left to answer?', {
    comment: 'Then the cluster is looked at again: the question may be another one by now, or none',
  })
    .when(Condition.jsonata('{% $millis() < $question.untilMs %}'), lookAgain)
    .otherwise(tooLate);
  const lockIsLost = Pass.jsonata(scope, 'The lock is lost', {
    comment: 'Another remediation has taken it over, or somebody has deleted it by hand: this one may act no more',
    outputs: {
      error: ERROR_NAMES.UnsafeToProceed,
      cause:
        "{% 'The lock of the cluster ' & $cluster.name & ' is not that of this remediation any more: another one has taken it, or it was deleted. This one does " +
        'nothing more. See what runs with npx --no etcd-remediation clusters' +
        `${option}, and start again where nothing does.' %}`,
    },
  });
  lockIsLost.next(onError);
  const wait = table.call(scope, 'Wait for an approval', {
    comment: 'Until somebody approves or rejects: with etcd-remediation approve, or through the API',
    action: 'updateItem',
    waitsForAnswer: true,
    taskTimeout: Timeout.duration(every),
    parameters: {
      Key: lockKey('$cluster.name'),
      UpdateExpression: 'SET approval = :approval',
      ...ownedBy(ME, {
        ':approval': {
          M: {
            id: { S: '{% $question.id %}' },
            token: { S: '{% $states.context.Task.Token %}' },
            incident: { S: '{% $next.incident %}' },
            runbook: { S: '{% $next.runbook %}' },
            summary: { S: '{% $next.problem %}' },
            plan: { S: '{% $string($question.plan) %}' },
            expiresAt: { S: '{% $fromMillis($question.untilMs) %}' },
          },
        },
      }),
    },
    outputs: "{% $merge([$states.result, {'summary': $states.result.decision & ', by ' & $states.result.by}]) %}",
    assign: {
      answer:
        "{% {'incident': $next.incident, 'decision': $states.result.decision, 'by': $states.result.by, 'reason': $states.result.reason, " +
        "'at': $now()} %}",
    },
    onTimeout: isThereTimeLeft,
    onConditionFailed: lockIsLost,
    onError,
  });
  const rejected = Pass.jsonata(scope, 'It was rejected', {
    comment: 'A person does not want it',
    outputs: {
      error: WORKFLOW_ERRORS.ApprovalRejected,
      cause:
        "{% ($answer.by = '' ? 'Nobody has approved of' : $answer.by & ' has rejected') & ' the runbook for ' & $answer.incident & ($answer.reason = '' ? '.' : ': ' & $answer.reason) & ' Nothing " +
        "was changed by it.' %}",
    },
    assign: { approvals: '{% [$append($approvals, $answer)] %}' },
  });
  const closeQuestion = table.call(scope, 'Withdraw the question', {
    comment: 'It was answered: nobody is asked any more',
    action: 'updateItem',
    parameters: { Key: lockKey('$cluster.name'), UpdateExpression: 'REMOVE approval', ...ownedBy(ME) },
    outputs: {},
    assign: {
      approvals: '{% [$append($approvals, $answer)] %}',
      approved: '{% $question %}',
      question: null,
    },
    onConditionFailed: lockIsLost,
    onError,
  });
  note.next(page);
  page.addCatch(wait);
  page.next(wait);
  wait.next(
    Choice.jsonata(scope, 'Is it approved?', { comment: 'Anything but a yes is a no' })
      .when(Condition.jsonata("{% $answer.decision = 'approve' %}"), closeQuestion.next(lookAgain))
      .otherwise(rejected.next(onError)),
  );
  tooLate.next(onError);
  return { ask: note, wait };
}
