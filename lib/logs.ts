import { type ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Aws, Fn, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { named } from './names.ts';

const KEPT = { retention: RetentionDays.SIX_MONTHS, removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE };
const ID = 'Logs';

/**
 * The two logs of a platform, in which whoever looks for an execution finds all of it: what the functions have written, and the histories of all
 * executions. Lambda names each stream after its function, and Step Functions writes the execution into each event.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
 */
export class Logs extends Construct {
  readonly functions: ILogGroup;
  readonly workflows: ILogGroup;

  constructor(scope: Construct) {
    super(scope, ID);
    this.functions = new LogGroup(this, 'Functions', KEPT);
    this.workflows = new LogGroup(this, 'Workflows', {
      logGroupName: `/aws/vendedlogs/states/${named(this, 'etcd-remediation-workflows')}-${idOfStack()}`,
      ...KEPT,
    });
  }

  /** Those of the platform around a construct. @throws Error where there are none */
  static of(scope: Construct): Logs {
    for (const around of scope.node.scopes.toReversed()) {
      const found = around.node.tryFindChild(ID);
      if (found instanceof Logs) return found;
    }
    throw new Error(`There are no logs around ${scope.node.path}.`);
  }
}

/**
 * Each log group that Step Functions writes to takes a place in a policy of the account, which has 5,120 characters for all of its workflows; not
 * those below the prefix `/aws/vendedlogs/`. The stack's own ID makes the name a new one where the stack is made again, for the old log stays.
 * https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
 */
function idOfStack(): string {
  // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID
  return Fn.select(2, Fn.split('/', Aws.STACK_ID));
}
