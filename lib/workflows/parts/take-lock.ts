import { Choice, Condition, type IChainable, type State } from 'aws-cdk-lib/aws-stepfunctions';
import { CallAwsService } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { LOCK_ID } from '../../../core/remediation/remediation-items.ts';
import { freeFor, lockKey, ownedBy, type RemediationTable, takenFrom } from '../../remediation-table.ts';
import { ONCE_ONLY, WHILE_AWS_IS_AWAY } from './retry-policies.ts';
import { ERROR } from './step-state.ts';

export interface TakeLockProps {
  table: RemediationTable;
  /** The executions that a lock may belong to, as an ARN with a wildcard for the name. */
  executions: string;
  /** How long this one may last. */
  timeout: Duration;
  taken: State;
  inProgress: State;
  onError: IChainable;
}

const ME = '$states.context.Execution.Id';
/** An execution that looks this often at a lock that changes hands each time will not get it. */
const MAX_LOOKS = 5;
/** What an alarm starts a remediation with. */
const MISSED =
  "$merge([{'cluster': $cluster.name, 'alarm': $alarm}, $exists($request.incident) ? {'incident': $request.incident} : {}])";
/** A step of an execution that has just timed out may still be at work. */
const SPARE = Duration.hours(1);

/**
 * Takes the cluster's lock, so that one remediation at a time acts on a cluster. If an execution is
 * stopped, an EventBridge rule releases its lock. Delivery is best-effort, so a stale lock is also taken over.
 *
 * CloudWatch reports an alarm once. So where an alarm has started this one and another has the lock, word is left in it: see
 * {@link giveLockBack}.
 *
 * Reads the variables `cluster`, `request` and `alarm`, and sets `holder` where another one has the lock.
 */
export function takeLock(scope: Construct, props: TakeLockProps): State {
  const { table, executions, timeout, taken, inProgress, onError } = props;
  const item = {
    cluster: { S: '{% $cluster.name %}' },
    id: { S: LOCK_ID },
    owner: { S: `{% ${ME} %}` },
    remediation: { S: '{% $states.context.Execution.Name %}' },
    startedAt: { S: '{% $states.context.Execution.StartTime %}' },
    expiresAt: { N: `{% $string($floor($millis() / 1000) + ${timeout.plus(SPARE).toSeconds()}) %}` },
  };
  const whoHoldsIt = table.call(scope, 'Who holds the lock?', {
    comment: 'Another remediation has this cluster. Which one?',
    action: 'getItem',
    parameters: { Key: lockKey('$cluster.name'), ConsistentRead: true },
    assign: {
      holder:
        "{% ($lock := $states.result.Item; $exists($lock) ? {'execution': $lock.owner.S, 'remediation': $lock.remediation.S, " +
        "'startedAt': $lock.startedAt.S} : {'execution': '', 'remediation': '', 'startedAt': ''}) %}",
      looks: '{% $looks + 1 %}',
    },
    onError,
  });
  const take = table.call(scope, 'Take the lock', {
    comment: 'One remediation at a time acts on a cluster: a conditional put, which only one of many can make',
    action: 'putItem',
    parameters: { Item: item, ...freeFor(ME) },
    onConditionFailed: whoHoldsIt,
    onError,
  });
  const takeOver = table.call(scope, 'Take over the lock', {
    comment:
      'Its holder has ended without giving the lock back: an event of AWS that would have done it did not arrive',
    action: 'putItem',
    parameters: { Item: item, ...takenFrom('$holder.execution', ME) },
    onConditionFailed: whoHoldsIt,
    onError,
  });
  const lookAtHolder = CallAwsService.jsonata(scope, 'Look at the holder', {
    comment: 'Does the remediation that has the lock still run?',
    service: 'sfn',
    action: 'describeExecution',
    iamAction: 'states:DescribeExecution',
    iamResources: [executions],
    parameters: { ExecutionArn: '{% $holder.execution %}' },
    outputs: { status: '{% $states.result.Status %}' },
  });
  const gone = ['Sfn.ExecutionDoesNotExistException'];
  lookAtHolder.addRetry({ ...ONCE_ONLY, errors: gone });
  lookAtHolder.addRetry(WHILE_AWS_IS_AWAY);
  lookAtHolder.addCatch(takeOver, { errors: gone, outputs: ERROR });
  lookAtHolder.addCatch(onError, { outputs: ERROR });
  const leaveWord = table.call(scope, 'Pass the alarm on to the holder', {
    comment: 'In the lock: the release of the lock starts another remediation for the alarm',
    action: 'updateItem',
    parameters: {
      Key: lockKey('$cluster.name'),
      // One that was told its incident sees to nothing else, so it does not take the place of one that was not.
      UpdateExpression:
        "{% 'SET missed = ' & ($exists($request.incident) ? 'if_not_exists(missed, :missed)' : ':missed') %}",
      ...ownedBy('$holder.execution', { ':missed': { S: `{% $string(${MISSED}) %}` } }),
    },
    // The lock has changed hands just now.
    onConditionFailed: whoHoldsIt,
    onError,
  });
  leaveWord.next(inProgress);
  const didAnAlarmStartIt = Choice.jsonata(scope, 'Did an alarm start it?', {
    comment:
      'An alarm sends one event. A person or a program reads that another remediation has the cluster, and may start again',
  })
    .when(Condition.jsonata("{% $alarm != '' %}"), leaveWord)
    .otherwise(inProgress);
  const isItAtWork = Choice.jsonata(scope, 'Is the holder running?', { comment: 'A holder that runs is left alone' })
    .when(Condition.jsonata("{% $states.input.status = 'RUNNING' %}"), didAnAlarmStartIt)
    .otherwise(takeOver);
  const isItHeld = Choice.jsonata(scope, 'Is the lock held?', { comment: 'It may have been given back meanwhile' })
    .when(Condition.jsonata(`{% $looks >= ${MAX_LOOKS} %}`), inProgress)
    .when(Condition.jsonata("{% $holder.execution = '' %}"), take)
    .otherwise(lookAtHolder);
  whoHoldsIt.next(isItHeld);
  lookAtHolder.next(isItAtWork);
  take.next(taken);
  takeOver.next(taken);
  return take;
}
