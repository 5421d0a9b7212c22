import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { REPORTS_PREFIX, reportsIn } from '../core/incident-report/places.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../core/text/names.ts';
import { executionArns } from './arns.ts';
import { named } from './names.ts';
import { privateBucket } from './private-bucket.ts';
import { StepFunction } from './step-function.ts';

/** A year and a month, to look back at last year. */
const KEPT_FOR = Duration.days(396);
/** To draw takes a second of a core. */
const TIMEOUT = Duration.minutes(2);
const MEMORY_MIB = 1024;

/**
 * Makes the report of each remediation when it has ended, and keeps it: as JSON, and as a page. EventBridge starts it, so no remediation
 * waits for it, and a stopped one gets its report too. Delivery is best-effort: `etcd-remediation report` makes a report again.
 */
export class Reports extends Construct {
  /** `s3://BUCKET/remediations/` */
  readonly folder: string;
  readonly #bucket: Bucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const noLog = 'Only one function writes here, and its readers are people with permissions of their own.';
    this.#bucket = privateBucket(this, 'Bucket', noLog, {
      lifecycleRules: [{ expiration: KEPT_FOR, abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      // As the table: it says who did what to which cluster.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.folder = reportsIn(this.#bucket.bucketName);
  }

  /** @param bundle the folder of the bundle `reports` @param remediation the entry workflow */
  makeFor(remediation: StateMachine, bundle: string): void {
    const maker = new StepFunction(this, 'Function', {
      bundle,
      description: 'Makes the report of a remediation that has ended',
      timeout: TIMEOUT,
      memoryMiB: MEMORY_MIB,
    });
    maker.function.addEnvironment('REPORTS_BUCKET', this.#bucket.bucketName);
    this.#grant(maker);
    new Rule(this, 'Ended', {
      description: 'A remediation has ended, however that was: its report is made',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [remediation.stateMachineArn],
          status: ['SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'],
        },
      },
      targets: [new LambdaFunction(maker.function, { retryAttempts: 5, maxEventAge: Duration.hours(1) })],
    });
  }

  #grant({ function: maker }: StepFunction): void {
    const names = [ENTRY_STATE_MACHINE, ...Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName)];
    maker.addToRolePolicy(
      new PolicyStatement({
        actions: ['states:DescribeExecution', 'states:GetExecutionHistory'],
        resources: names.map((name) => executionArns(this, name)),
      }),
    );
    maker.addToRolePolicy(
      new PolicyStatement({
        actions: ['s3:PutObject'],
        resources: [this.#bucket.arnForObjects(`${REPORTS_PREFIX}*`)],
      }),
    );
    const logicalId = Stack.of(this).getLogicalId(this.#bucket.node.defaultChild as CfnBucket);
    const role = maker.role as IRole;
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${REPORTS_PREFIX}*]`,
      reason: 'Which object it is depends on the execution: any of the reports.',
    });
    for (const name of names) {
      Validations.of(role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${named(this, name)}:*]`,
        reason: 'Which execution it is, is found out only then: any of this one state machine.',
      });
    }
  }
}
