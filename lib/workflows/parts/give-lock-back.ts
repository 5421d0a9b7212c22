import { type Choice, Choice as ChoiceState, Condition, Pass, type State } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Pages } from '../../pages.ts';
import { lockKey, ownedBy, type RemediationTable } from '../../remediation-table.ts';

export interface GiveLockBackProps {
  table: RemediationTable;
  pages: Pages;
  /** Says how the execution ends, by the variable `ended`. */
  ended: Choice;
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
  /** A state that notes an outcome; then it is recorded, and the lock is given back. */
  with: (scope: Construct, name: string, outcome: string, ended: Ended) => State;
}

const ME = '$states.context.Execution.Id';

/**
 * The one way out of an execution that has the lock: page where it failed, record how it ended, give the lock back. Neither a page nor a
 * record that cannot be written keeps the lock.
 *
 * Reads the variables `cluster`, `request`, `rounds`, `approvals` and `diagnosis`.
 */
export function giveLockBack(scope: Construct, { table, pages, ended }: GiveLockBackProps): Ending {
  const release = table.call(scope, 'Give the lock back', {
    comment: 'Where it cannot be given back, the next remediation finds that its holder has ended, and takes it over',
    action: 'deleteItem',
    parameters: { Key: lockKey('$cluster.name'), ...ownedBy(ME) },
    outputs: {},
    onConditionFailed: ended,
    onError: ended,
  });
  release.next(ended);
  const record = table.call(scope, 'Record how it ended', {
    comment: 'Who wanted what, who approved of it, and what came of it: kept in the table',
    action: 'putItem',
    parameters: {
      Item: {
        cluster: { S: '{% $cluster.name %}' },
        id: { S: "{% $states.context.Execution.StartTime & '#' & $states.context.Execution.Name %}" },
        remediation: { S: '{% $states.context.Execution.Name %}' },
        owner: { S: `{% ${ME} %}` },
        startedAt: { S: '{% $states.context.Execution.StartTime %}' },
        endedAt: { S: '{% $now() %}' },
        outcome: { S: '{% $ended.outcome %}' },
        report: { S: "{% $string($merge([{'request': $request, 'approvals': $approvals}, $ended])) %}" },
      },
    },
    outputs: {},
    onError: release,
  });
  record.next(release);
  const page = pages.page(scope, 'Page that it has failed', {
    comment: 'Whoever is on call learns what stopped it; where that cannot be sent, it is still recorded',
    subject: 'CRITICAL: an etcd cluster could not be remediated',
    message:
      "{% 'The remediation of the etcd cluster ' & $cluster.name & ' ended with ' & $ended.outcome & ': ' & $substring($ended.summary, 0, 20000) & ' (' & " +
      `${ME} & ')' %}`,
  });
  page.addCatch(record);
  page.next(record);
  const isAPersonToBeTold = ChoiceState.jsonata(scope, 'Has somebody only looked?', {
    comment: 'A dry run that fails is read by whoever started it',
  })
    .when(Condition.jsonata('{% $request.dryRun %}'), record)
    .otherwise(page);
  const afterError = Pass.jsonata(scope, 'Note the error', {
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
  afterError.next(isAPersonToBeTold);
  return {
    afterError,
    with: (within, name, outcome, said) => {
      const note = Pass.jsonata(within, name, {
        comment: 'It is recorded, and the lock given back',
        outputs: {},
        assign: { ended: { outcome, ...said } },
      });
      note.next(record);
      return note;
    },
  };
}
