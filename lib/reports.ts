import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { WATCH_ALARM_PREFIX } from '../core/diagnosis/detection.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import { ENTRY_STATE_MACHINE, REPORTS_PREFIX, reportsIn } from '../core/text/names.ts';
import { executionArns } from './arns.ts';
import { consoleAddress } from './console.ts';
import { named } from './names.ts';
import type { Pages } from './pages.ts';
import { privateBucket } from './private-bucket.ts';
import { alarmOf, queueForPeople } from './queue-for-people.ts';
import { StepFunction } from './step-function.ts';
import { clusterAlarmRaised } from './triggers/alarm-rule.ts';

/** A year and a month, to look back at last year. */
const KEPT_FOR = Duration.days(396);
/** To draw takes a second of a core. */
const TIMEOUT = Duration.minutes(2);
const MEMORY_MIB = 1024;
/** For which EventBridge tries to hand the event over, and Lambda to run the function. */
const TRIED_FOR = Duration.hours(1);

/**
 * Makes the report of each remediation when it has ended, and keeps it: as JSON, and as a page. It is told by EventBridge, so that no remediation
 * waits for it, and one that was stopped has one as well. The event of a report that could not be made is kept in a queue, and a person is called;
 * `etcd-remediation report` makes a report again.
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

  /** The folder in the console of S3. */
  get folderAddress(): string {
    return consoleAddress(this, `/s3/buckets/${this.#bucket.bucketName}?region=REGION&prefix=${REPORTS_PREFIX}`);
  }

  /** A report's page in the console of S3, behind the console's name: JSONata. @param id JSONata: the remediation's */
  address(id: string): string {
    return `'/s3/object/${this.#bucket.bucketName}?region=REGION&prefix=${REPORTS_PREFIX}' & ${id} & '.html'`;
  }

  /** @param bundle the folder of the bundle `reports` @param remediation the entry workflow */
  makeFor(remediation: StateMachine, { bundle, pages }: { bundle: string; pages: Pages }): void {
    const maker = new StepFunction(this, 'Function', {
      bundle,
      description: 'Makes the report of a remediation that has ended',
      timeout: TIMEOUT,
      memoryMiB: MEMORY_MIB,
    });
    maker.function.addEnvironment('REPORTS_BUCKET', this.#bucket.bucketName);
    this.#grant(maker);
    const lost = queueForPeople(this, 'Lost');
    // EventBridge is done when Lambda has taken the event: a function that fails is Lambda's to run again.
    maker.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: TRIED_FOR,
      onFailure: new SqsDestination(lost),
    });
    pages.pageOn(
      alarmOf(lost, {
        name: named(this, `${WATCH_ALARM_PREFIX}reports`),
        description:
          'A remediation has ended and its report could not be made: the message in the queue names it. What to do: docs/runbooks.md#alarm-reports',
      }),
    );
    const target = new LambdaFunction(maker.function, {
      ...{ retryAttempts: 5, maxEventAge: TRIED_FOR, deadLetterQueue: lost },
    });
    new Rule(this, 'Raised', {
      description: 'An alarm of an etcd cluster is raised: how long that took is measured',
      eventPattern: clusterAlarmRaised(this),
      targets: [target],
    });
    new Rule(this, 'Ended', {
      description: 'A remediation has begun, which is measured, or has ended, however that was: its report is made',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [remediation.stateMachineArn],
          status: ['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'],
        },
      },
      targets: [target],
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
