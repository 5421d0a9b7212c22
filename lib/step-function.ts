import type { ISecurityGroup, ISubnet, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { Aws, type Duration, RemovalPolicy, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { type FunctionAccess, pathOfFunctions } from '../core/cluster/cluster-role.ts';
import { Logs } from './logs.ts';
import { named, prefixOf } from './names.ts';
import type { StepName } from './steps.ts';

/** Where steps run: the VPC's subnets, with a security group of their own. */
export interface StepNetwork {
  vpc: IVpc;
  subnets: ISubnet[];
  securityGroups: ISecurityGroup[];
}

export interface StepFunctionProps {
  /** The folder of its bundle. */
  bundle: string;
  /** By which another stack invokes it; CloudFormation's own where none does. */
  functionName?: string;
  description: string;
  timeout: Duration;
  memoryMiB: number;
  /** None where it talks to AWS alone. */
  network?: StepNetwork;
  /** What it may assume the roles of clusters for, which trust its role by its path. */
  access?: FunctionAccess;
}

/**
 * Of the versions that state machines invoke. A deploy that changes a function publishes a new one and leaves the old one alone, for executions
 * may be at work with it. A version whose deploy is rolled back goes: Lambda publishes no code twice in a row, and would refuse the next try.
 * Nothing else removes them but the end of the function. They share the account's 75 GB of code in a region with all others; a bundle has less
 * than 200 KB, compressed, so that it takes ten thousand deploys that change every step to fill them.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 * https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
 */
const VERSIONS = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** A step, and the function that runs it. */
export interface Step {
  name: StepName;
  runsIn: StepFunction;
}

/**
 * A Lambda function for steps that share their permissions, or for the API. Its role may write the functions' log, send traces, and attach to the
 * VPC if it has one. All other permissions of its steps are granted by name where it is composed.
 */
export class StepFunction extends Construct {
  readonly function: LambdaFunction;
  readonly access: FunctionAccess | undefined;

  constructor(
    scope: Construct,
    id: string,
    { bundle, functionName, description, timeout, memoryMiB, network, access }: StepFunctionProps,
  ) {
    super(scope, id);
    this.access = access;
    const logGroup = Logs.of(this).functions;
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      ...(access && { path: named(this, pathOfFunctions(Aws.REGION, access)) }),
    });
    this.function = new LambdaFunction(this, 'Function', {
      ...(functionName && { functionName }),
      description,
      code: Code.fromAsset(bundle),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMiB,
      timeout,
      tracing: Tracing.ACTIVE,
      logGroup,
      role,
      currentVersionOptions: { removalPolicy: VERSIONS },
      ...(network && {
        vpc: network.vpc,
        vpcSubnets: { subnets: network.subnets },
        securityGroups: network.securityGroups,
      }),
    });
    logGroup.grantWrite(role);
    const prefix = prefixOf(this);
    if (prefix) this.function.addEnvironment('ETCD_REMEDIATION_PREFIX', prefix);
    if (network) grantNetworkInterfaces(role);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        "Network interfaces of Lambda, X-Ray's traces and, where host commands run, the questions after a command have no " +
        'resource that a policy could name.',
    });
  }
}

function grantNetworkInterfaces(role: Role): void {
  // These actions know no resource that could be named: the network interfaces are made by Lambda.
  // https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
    }),
  );
}
