import type { Duration } from 'aws-cdk-lib';
import { Choice, Condition, Pass, type State, Timeout } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { WORKFLOW_ERRORS } from '../../../core/errors.ts';
import type { Pages } from '../../pages.ts';
import { lockKey, ownedBy, type RemediationTable } from '../../remediation-table.ts';

export interface AskForApprovalProps {
  table: RemediationTable;
  pages: Pages;
  /** How long a person has. */
  within: Duration;
  approved: State;
  onError: State;
}

const ME = '$states.context.Execution.Id';

/**
 * Asks a person whether the runbook that was planned may run, and waits for the answer: whoever answers finds the question, with the token that
 * ends the wait, in the cluster's lock.
 *
 * Reads the variables `cluster`, `next`, `round` (the dry run), `rounds` and `approvals`, and adds to `approvals`; `next` is then no dry run.
 */
export function askForApproval(scope: Construct, props: AskForApprovalProps): State {
  const { table, pages, within, approved, onError } = props;
  // One question for each round: whoever has read the first does not approve of the second.
  const id = '$string($count($rounds) + 1)';
  const page = pages.page(scope, 'Page that an approval is wanted', {
    comment: 'With the plan, for whoever is on call; who watches the execution sees the question without it',
    subject: 'APPROVAL WANTED: an etcd cluster waits for its remediation',
    message:
      "{% 'The etcd cluster ' & $cluster.name & ' has the incident ' & $next.incident & ': ' & $next.summary & ' What would be done: ' & " +
      "$substring($string($round.report), 0, 20000) & ' It waits for an answer: npx etcd-remediation approve ' & $states.context.Execution.Name & " +
      "', or reject. Nothing is changed meanwhile, and it ends by itself after " +
      `${within.toHours()} hours.' %}`,
  });
  const tooLate = Pass.jsonata(scope, 'Nobody has answered', {
    comment: 'It ends without having changed anything: whoever looks later starts it again',
    outputs: {
      error: WORKFLOW_ERRORS.ApprovalTimedOut,
      cause:
        `{% 'Nobody has answered within ${within.toHours()} hours whether the runbook for ' & $next.incident & ' may run. Nothing was changed; ` +
        "start again. ' & $next.summary %}",
    },
  });
  const wait = table.call(scope, 'Wait for an approval', {
    comment: 'Until somebody approves or rejects: with etcd-remediation approve, or through the API',
    action: 'updateItem',
    waitsForAnswer: true,
    taskTimeout: Timeout.duration(within),
    parameters: {
      Key: lockKey('$cluster.name'),
      UpdateExpression: 'SET approval = :approval',
      ...ownedBy(ME, {
        ':approval': {
          M: {
            id: { S: `{% ${id} %}` },
            token: { S: '{% $states.context.Task.Token %}' },
            incident: { S: '{% $next.incident %}' },
            runbook: { S: '{% $next.runbook %}' },
            summary: { S: '{% $next.summary %}' },
            plan: { S: '{% $string($round.report) %}' },
            expiresAt: { S: `{% $fromMillis($millis() + ${within.toMilliseconds()}) %}` },
          },
        },
      }),
    },
    outputs: '{% $states.result %}',
    assign: {
      answer:
        "{% {'incident': $next.incident, 'decision': $states.result.decision, 'by': $states.result.by, 'reason': $states.result.reason, " +
        "'at': $now()} %}",
    },
    onTimeout: tooLate,
    onError,
  });
  const rejected = Pass.jsonata(scope, 'It was rejected', {
    comment: 'A person does not want it',
    outputs: {
      error: WORKFLOW_ERRORS.ApprovalRejected,
      cause:
        "{% $answer.by & ' has rejected the runbook for ' & $answer.incident & ($answer.reason = '' ? '.' : ': ' & $answer.reason) & ' Nothing " +
        "was changed by it.' %}",
    },
    assign: { approvals: '{% [$append($approvals, $answer)] %}' },
  });
  const closeQuestion = table.call(scope, 'Take the question back', {
    comment: 'It was answered: nobody is asked any more',
    action: 'updateItem',
    parameters: { Key: lockKey('$cluster.name'), UpdateExpression: 'REMOVE approval', ...ownedBy(ME) },
    outputs: {},
    assign: {
      approvals: '{% [$append($approvals, $answer)] %}',
      next: "{% $merge([$next, {'input': $merge([$next.input, {'dryRun': false}])}]) %}",
    },
    onError,
  });
  page.addCatch(wait);
  page.next(wait);
  wait.next(
    Choice.jsonata(scope, 'Is it approved?', { comment: 'Anything but a yes is a no' })
      .when(Condition.jsonata("{% $answer.decision = 'approve' %}"), closeQuestion.next(approved))
      .otherwise(rejected.next(onError)),
  );
  tooLate.next(onError);
  return page;
}
