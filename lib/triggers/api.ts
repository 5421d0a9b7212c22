import {
  AccessLogField,
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { JOBS } from '../../core/api/jobs.ts';
import { registryParameterName } from '../../core/cluster/clusters.ts';
import { RUNBOOKS } from '../../core/runbooks.ts';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { executionArns, stateMachineArnOf } from '../arns.ts';
import { named } from '../names.ts';
import { StepFunction } from '../step-function.ts';
import { answerRefusalsWithProblems } from './gateway-problems.ts';

export interface RemediationApiProps {
  /** The folder of the bundle `api`. */
  bundle: string;
  /** The entry workflow's. */
  stateMachineArn: string;
  /** Of `core/remediation/remediation-items.ts`. */
  table: Pick<ITable, 'tableArn' | 'tableName'>;
  /** Of the step `diagnose-cluster`. */
  diagnoseFunction: IFunction;
  /** Of the step `list-backups`. */
  backupsFunction: IFunction;
  /** The folder of the reports. */
  reports: string;
}

/** What API Gateway itself waits for at most. The longest that an answer is tried again for, and a diagnosis, fit into it. */
const TIMEOUT = Duration.seconds(29);
const MEMORY_MIB = 512;
/** People and their tools, a request each now and then; the rest is a mistake, and has to leave Step Functions' own limits to remediations. */
const REQUESTS_PER_SECOND = 10;
const BURST = 20;

/** A line of JSON for each request: who asked for what, and what came of it. Nothing that a body holds. */
const ACCESS_LOG_FORMAT = AccessLogFormat.custom(
  JSON.stringify({
    requestId: AccessLogField.contextRequestId(),
    time: AccessLogField.contextRequestTime(),
    caller: AccessLogField.contextIdentityUserArn(),
    address: AccessLogField.contextIdentitySourceIp(),
    method: AccessLogField.contextHttpMethod(),
    path: AccessLogField.contextPath(),
    status: AccessLogField.contextStatus(),
    latencyMs: AccessLogField.contextResponseLatency(),
    error: AccessLogField.contextErrorMessage(),
  }),
);

/**
 * The API for incident tooling: each request is signed by a principal of IAM. API Gateway finds out whose it is, and whether that one may ask for this
 * method and path; it hands on every path to one function, which answers as `core/api/operations.ts` describes it.
 */
export class RemediationApi extends Construct {
  constructor(scope: Construct, id: string, props: RemediationApiProps) {
    super(scope, id);
    const { bundle, stateMachineArn, table, diagnoseFunction, backupsFunction, reports } = props;
    const handler = new StepFunction(this, 'Function', {
      bundle,
      description: 'Answers the API: starts, follows, approves of and stops remediations',
      timeout: TIMEOUT,
      memoryMiB: MEMORY_MIB,
    });
    handler.function.addEnvironment('STATE_MACHINE_ARN', stateMachineArn);
    handler.function.addEnvironment('TABLE_NAME', table.tableName);
    handler.function.addEnvironment('DIAGNOSE_FUNCTION', diagnoseFunction.functionArn);
    handler.function.addEnvironment('BACKUPS_FUNCTION', backupsFunction.functionArn);
    handler.function.addEnvironment('REPORTS', reports);
    this.#grant(handler, { stateMachineArn, table, diagnoseFunction, backupsFunction });
    this.#createApi(handler);
  }

  #createApi(handler: StepFunction): void {
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.SIX_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const api = new RestApi(this, 'RestApi', {
      restApiName: named(this, 'etcd-remediation'),
      description: 'Remediation of etcd incidents; GET /openapi.json describes it',
      endpointTypes: [EndpointType.REGIONAL],
      // Without a role in the account's settings no stage may log. Whichever stack sets it, it is one for all: it stays when this one goes.
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
      // One permission for the function, and not one for each of the methods.
      defaultIntegration: new LambdaIntegration(handler.function, { scopePermissionToMethod: false }),
      defaultMethodOptions: { authorizationType: AuthorizationType.IAM },
      deployOptions: {
        stageName: 'v1',
        throttlingRateLimit: REQUESTS_PER_SECOND,
        throttlingBurstLimit: BURST,
        tracingEnabled: true,
        loggingLevel: MethodLoggingLevel.ERROR,
        // Bodies are nobody's but the caller's.
        dataTraceEnabled: false,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: ACCESS_LOG_FORMAT,
      },
    });
    // It takes the root as well.
    api.root.addProxy();
    answerRefusalsWithProblems(api);
    Validations.of(api).acknowledge(
      {
        id: 'AwsSolutions-APIG2',
        reason:
          'The function checks every request, and tells of each problem where it is: all that gets here are its paths.',
      },
      {
        id: 'AwsSolutions-APIG3',
        reason: 'Only principals of IAM are let in, and they are throttled: a web ACL would find nothing to refuse.',
      },
      {
        id: 'AwsSolutions-COG4',
        reason: 'Each method asks for a signature of IAM: tooling has roles, and no user pool.',
      },
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
        reason: "API Gateway accepts no role in the account's settings that may do less.",
      },
    );
  }

  #grant(
    { function: handler }: StepFunction,
    { stateMachineArn, table, diagnoseFunction, backupsFunction }: Resources,
  ): void {
    const entry = executionArns(this, ENTRY_STATE_MACHINE);
    const runbooks = Object.values(RUNBOOKS).map(({ stateMachineName }) => executionArns(this, stateMachineName));
    const jobs = Object.values(JOBS).map(({ stateMachineName }) => stateMachineName);
    const ofJobs = jobs.map((name) => executionArns(this, name));
    const registry = Stack.of(this).formatArn({
      service: 'ssm',
      resource: 'parameter',
      resourceName: named(this, registryParameterName('')).slice(1, -1),
    });
    const allow = (actions: string[], resources: string[]) =>
      handler.addToRolePolicy(new PolicyStatement({ actions, resources }));

    // A token is one of a state machine's executions, as grantTaskResponse of the CDK has it.
    allow(['states:StartExecution', 'states:SendTaskSuccess'], [stateMachineArn]);
    allow(['states:DescribeExecution', 'states:StopExecution'], [entry]);
    allow(['states:GetExecutionHistory'], [entry, ...runbooks]);
    allow(
      ['states:StartExecution'],
      jobs.map((name) => stateMachineArnOf(this, name)),
    );
    allow(['states:DescribeExecution', 'states:GetExecutionHistory'], ofJobs);
    allow(['dynamodb:GetItem', 'dynamodb:Query'], [table.tableArn]);
    // Which clusters there are is asked for by their path, for each is of a stack of its own.
    allow(['ssm:GetParameter', 'ssm:GetParametersByPath'], [registry, `${registry}/*`]);
    allow(['lambda:InvokeFunction'], [diagnoseFunction.functionArn, backupsFunction.functionArn]);
    const shown = [
      ...[ENTRY_STATE_MACHINE, ...Object.values(RUNBOOKS).map(({ stateMachineName }) => stateMachineName), ...jobs].map(
        (name) => `states:<AWS::Region>:<AWS::AccountId>:execution:${named(this, name)}:*`,
      ),
      `ssm:<AWS::Region>:<AWS::AccountId>:parameter${named(this, registryParameterName('*'))}`,
    ];
    for (const resource of shown) {
      Validations.of(handler.role as IRole).acknowledge({
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:${resource}]`,
        reason: 'Which execution, or which cluster, it is, is for the caller to say: any of this one kind.',
      });
    }
  }
}

type Resources = Omit<RemediationApiProps, 'bundle' | 'reports'>;
