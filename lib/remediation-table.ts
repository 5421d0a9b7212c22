import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import {
  Errors,
  type IChainable,
  IntegrationPattern,
  type TaskStateJsonataBaseProps,
} from 'aws-cdk-lib/aws-stepfunctions';
import { CallAwsService } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { LOCK_ID, PAGED_ID, type RecordItem } from '../core/remediation/remediation-items.ts';
import {
  CONDITION_FAILED,
  ONCE_ONLY,
  WHILE_AWS_IS_AWAY,
  WHILE_DYNAMODB_IS_AWAY,
} from './workflows/parts/retry-policies.ts';
import { ERROR } from './workflows/parts/step-state.ts';

/** The name of an attribute that DynamoDB keeps for itself. */
const OWNER = { '#owner': 'owner' };

interface CallProps extends Pick<TaskStateJsonataBaseProps, 'assign' | 'outputs' | 'taskTimeout'> {
  comment: string;
  action: 'getItem' | 'putItem' | 'updateItem' | 'deleteItem';
  parameters: Record<string, unknown>;
  /** Where the call goes on when its condition does not hold. */
  onConditionFailed?: IChainable;
  /** Where every other error goes that no retry has cured. */
  onError: IChainable;
  /** Whether the state waits for an answer to its token; and where it goes on when none has come in time. */
  waitsForAnswer?: boolean;
  onTimeout?: IChainable;
}

/** Which remediation each cluster is at, and how every remediation ended: see core/remediation/remediation-items.ts. */
export class RemediationTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'cluster', type: AttributeType.STRING },
      sortKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // It is the record of who did what to which cluster.
      removalPolicy: RemovalPolicy.RETAIN,
      deletionProtection: true,
    });
  }

  /** A state that calls DynamoDB with this table. */
  call(scope: Construct, name: string, props: CallProps): CallAwsService {
    const { comment, action, parameters, onConditionFailed, onError, waitsForAnswer, onTimeout, ...leaving } = props;
    const state = CallAwsService.jsonata(scope, name, {
      comment,
      service: 'dynamodb',
      action,
      iamAction: `dynamodb:${action[0]?.toUpperCase()}${action.slice(1)}`,
      iamResources: [this.table.tableArn],
      parameters: { TableName: this.table.tableName, ...parameters },
      ...(waitsForAnswer && { integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN }),
      ...leaving,
    });
    if ('ConditionExpression' in parameters) state.addRetry(ONCE_ONLY);
    state.addRetry(waitsForAnswer ? WHILE_DYNAMODB_IS_AWAY : WHILE_AWS_IS_AWAY);
    if (onConditionFailed) state.addCatch(onConditionFailed, { errors: CONDITION_FAILED, outputs: ERROR });
    if (onTimeout) state.addCatch(onTimeout, { errors: [Errors.TIMEOUT], outputs: {} });
    state.addCatch(onError, { outputs: ERROR });
    return state;
  }
}

/** A record of core/remediation/remediation-items.ts; each value JSONata. */
export function recordItem(record: Record<Exclude<keyof RecordItem, 'id'>, string>) {
  const item: RecordItem = { ...record, id: `${record.startedAt} & '#' & ${record.remediation}` };
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, { S: `{% ${value} %}` }]));
}

/** @param cluster JSONata */
export function lockKey(cluster: string) {
  return { cluster: { S: `{% ${cluster} %}` }, id: { S: LOCK_ID } };
}

/** The key of what says that a person was called. @param cluster JSONata */
export function pagedKey(cluster: string) {
  return { cluster: { S: `{% ${cluster} %}` }, id: { S: PAGED_ID } };
}

/** The condition that the lock is this one's. @param owner JSONata: an execution's ARN */
export function ownedBy(owner: string, values: Record<string, unknown> = {}) {
  return {
    ConditionExpression: '#owner = :owner',
    ExpressionAttributeNames: OWNER,
    ExpressionAttributeValues: { ':owner': { S: `{% ${owner} %}` }, ...values },
  };
}

/** The condition that the lock is still that holder's, or this one's already. */
export function takenFrom(holder: string, owner: string) {
  return {
    ConditionExpression: '#owner = :holder OR #owner = :owner',
    ExpressionAttributeNames: OWNER,
    ExpressionAttributeValues: { ':holder': { S: `{% ${holder} %}` }, ':owner': { S: `{% ${owner} %}` } },
  };
}

/** The condition that the lock is nobody's, or this one's already: a call whose answer was lost is made again. */
export function freeFor(owner: string) {
  return {
    ConditionExpression: 'attribute_not_exists(id) OR #owner = :owner OR expiresAt < :now',
    ExpressionAttributeNames: OWNER,
    ExpressionAttributeValues: {
      ':owner': { S: `{% ${owner} %}` },
      ':now': { N: '{% $string($floor($millis() / 1000)) %}' },
    },
  };
}
