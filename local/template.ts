import { readFileSync } from 'node:fs';
import { join, resolve as resolvePath } from 'node:path';
import type { CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import { stateMachineArn } from './asl/arn.ts';
import type { Table } from './aws/dynamodb.ts';
import type { Role } from './aws/iam.ts';
import type { Statement } from './aws/policy.ts';
import { readAlarm, readRule, readSchedule } from './event-sources.ts';
import type { LambdaFunction } from './lambda/host.ts';

const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'local',
  'AWS::AccountId': '000000000000',
};

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

type Resources = Readonly<Record<string, Resource>>;

/** The parts of a stack that the embedded platform runs. */
export type Template = ReturnType<typeof readTemplate>;

/** Reads the functions and their roles, those of clusters, state machines, rules, schedules, alarms, topics, tables, buckets, SSM parameters and command documents of one synthesized stack. */
export function readTemplate(stack: CloudFormationStackArtifact) {
  const resources = stack.template.Resources as Resources;
  const assets = readAssets(stack);
  const of = (type: string) => Object.entries(resources).filter(([, resource]) => resource.Type === type);
  const resolveHere = (value: unknown) => resolveValue(value, resources);
  const schedules = of('AWS::Scheduler::Schedule').map(([, { Properties }]) => readSchedule(Properties, resolveHere));
  return {
    functions: of('AWS::Lambda::Function').map(([logicalId, { Properties }]) =>
      readFunction(
        logicalId,
        resolve(Properties, resources, [
          'FunctionName',
          'Role',
          'Code',
          'Handler',
          'Timeout',
          'MemorySize',
          'Environment',
        ]),
        assets,
      ),
    ),
    roles: readRoles(resources),
    stateMachines: Object.fromEntries(
      of('AWS::StepFunctions::StateMachine').map(([, { Properties }]) => {
        const { StateMachineName, DefinitionSubstitutions } = resolve(Properties, resources, [
          'StateMachineName',
          'DefinitionSubstitutions',
        ]);
        const text = definitionText(Properties, assets);
        const values = (DefinitionSubstitutions ?? {}) as Record<string, string>;
        return [StateMachineName as string, JSON.parse(substitute(text, values)) as unknown];
      }),
    ),
    rules: of('AWS::Events::Rule').map(([, { Properties }]) => readRule(Properties, resolveHere)),
    schedules: schedules.filter((each) => 'functionArn' in each),
    starts: schedules.filter((each) => 'stateMachineArn' in each),
    alarms: of('AWS::CloudWatch::Alarm').map(([, { Properties }]) => readAlarm(Properties, resolveHere)),
    topics: of('AWS::SNS::Topic').map(([logicalId]) => topicArn(logicalId, resources)),
    tables: of('AWS::DynamoDB::Table').map(([logicalId, { Properties }]) => ({
      TableName: tableName(logicalId),
      ...(resolve(Properties, resources, ['KeySchema', 'AttributeDefinitions', 'BillingMode']) as Omit<
        Table,
        'TableName'
      >),
    })),
    buckets: of('AWS::S3::Bucket').map(([logicalId]) => bucketName(logicalId)),
    parameters: Object.fromEntries(
      of('AWS::SSM::Parameter').map(([, { Properties }]) => {
        const { Name, Value } = resolve(Properties, resources, ['Name', 'Value']);
        return [Name as string, Value as string];
      }),
    ),
    documents: Object.fromEntries(
      of('AWS::SSM::Document')
        .filter(([, { Properties }]) => Properties.DocumentType === 'Command')
        .map(([, { Properties }]) => {
          const { Name, Content } = resolve(Properties, resources, ['Name', 'Content']);
          return [Name as string, Content];
        }),
    ),
  };
}

function readFunction(
  logicalId: string,
  properties: Record<string, unknown>,
  assets: ReadonlyMap<string, string>,
): LambdaFunction {
  const { FunctionName, Role, Code, Handler, Timeout, MemorySize, Environment } = properties as {
    FunctionName?: string;
    Role: string;
    Code: { S3Key: string };
    Handler: string;
    Timeout: number;
    MemorySize: number;
    Environment?: { Variables: Record<string, string> };
  };
  const codeDir = assets.get(Code.S3Key);
  if (!codeDir) throw new Error(`The code of ${logicalId} (${Code.S3Key}) is not among the assets of its stack.`);
  return {
    name: logicalId,
    arn: functionArn(FunctionName ?? logicalId),
    roleArn: Role,
    codeDir,
    handler: Handler,
    timeoutSeconds: Timeout,
    memoryMiB: MemorySize,
    environment: Environment?.Variables ?? {},
  };
}

/** The roles that functions have, or assume: what others may do is not looked at. */
function readRoles(resources: Resources): Role[] {
  const ofType = (type: string) => Object.values(resources).filter(({ Type }) => Type === type);
  const policies = [...ofType('AWS::IAM::Policy'), ...ofType('AWS::IAM::ManagedPolicy')];
  return Object.entries(resources).flatMap(([logicalId, { Type, Properties }]) => {
    if (Type !== 'AWS::IAM::Role') return [];
    const trust = statementsOf(resolveValue(Properties.AssumeRolePolicyDocument, resources));
    if (!trust.some(({ Principal }) => Principal?.AWS || Principal?.Service === 'lambda.amazonaws.com')) return [];
    const inline = (Properties.Policies ?? []) as { PolicyDocument: unknown }[];
    const attached = policies.filter(({ Properties: { Roles } }) =>
      (Roles as { Ref?: string }[]).some(({ Ref }) => Ref === logicalId),
    );
    const documents = [
      ...inline.map(({ PolicyDocument }) => PolicyDocument),
      ...attached.map(({ Properties: { PolicyDocument } }) => PolicyDocument),
    ];
    const statements = documents.flatMap((document) => statementsOf(resolveValue(document, resources)));
    return [{ arn: roleArn(logicalId, resources), trust, statements }];
  });
}

function statementsOf(document: unknown): Statement[] {
  return (document as { Statement: Statement[] }).Statement;
}

/** A definition as its file has it: with names in the place of what the template has for them. @throws where the file is not among the assets */
export function definitionText(stateMachine: Record<string, unknown>, assets: ReadonlyMap<string, string>): string {
  const { StateMachineName, DefinitionS3Location } = stateMachine;
  const { Key } = DefinitionS3Location as { Key: string };
  const path = assets.get(Key);
  if (!path) throw new Error(`The definition of ${StateMachineName} (${Key}) is not among the assets of its stack.`);
  return readFileSync(path, 'utf8');
}

/** A definition with what stands for the names in it. @throws for a name for which nothing stands, and for what stands for no name */
export function substitute(text: string, values: Readonly<Record<string, string>>): string {
  const unused = new Set(Object.keys(values));
  const whole = text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    if (!Object.hasOwn(values, name))
      throw new Error(`A definition names ${name}, and its template has nothing for it.`);
    unused.delete(name);
    return String(values[name]);
  });
  if (unused.size > 0)
    throw new Error(`A template has ${[...unused].join(', ')}, and its definition does not name it.`);
  return whole;
}

/** Where the stack's assets are, folders and files, by the S3 key that the template has for them. */
export function readAssets(stack: CloudFormationStackArtifact): ReadonlyMap<string, string> {
  const directory = stack.assembly.directory;
  const manifest = JSON.parse(readFileSync(join(directory, `${stack.id}.assets.json`), 'utf8')) as {
    files: Record<string, { source: { path: string }; destinations: Record<string, { objectKey: string }> }>;
  };
  return new Map(
    Object.values(manifest.files).flatMap(({ source, destinations }) =>
      Object.values(destinations).map(({ objectKey }): [string, string] => [
        objectKey,
        resolvePath(directory, source.path),
      ]),
    ),
  );
}

function resolve(properties: Record<string, unknown>, resources: Resources, names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, resolveValue(properties[name], resources)]));
}

/** Replaces CloudFormation's intrinsic functions. @throws for one that the stacks did not use so far */
function resolveValue(value: unknown, resources: Resources): unknown {
  if (Array.isArray(value)) return value.map((item) => resolveValue(item, resources));
  if (typeof value !== 'object' || value === null) return value;
  const [[key, argument] = [], ...others] = Object.entries(value);
  if (key === undefined || others.length > 0 || (key !== 'Ref' && !key.startsWith('Fn::'))) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolveValue(item, resources)]));
  }
  if (key === 'Ref' && typeof argument === 'string') {
    const referred = resolveRef(argument, resources);
    if (referred !== undefined) return referred;
  }
  if (key === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map((part) => String(resolveValue(part, resources))).join(separator);
  }
  if (key === 'Fn::GetAtt') {
    const [logicalId, attribute] = argument as [string, string];
    const type = typeOf(logicalId, resources);
    if (type === 'AWS::Lambda::Function' && attribute === 'Arn') return arnOfFunction(logicalId, resources);
    if (type === 'AWS::SQS::Queue' && attribute === 'QueueName') return `local-${logicalId}`;
    if (attribute === 'Arn') {
      const arn = arnOf(logicalId, type, resources);
      if (arn !== undefined) return arn;
    }
  }
  if (key === 'Fn::Sub' && typeof argument === 'string') {
    return argument.replace(/\$\{([^}]+)\}/g, (_, name: string) => String(resolveValue({ Ref: name }, resources)));
  }
  throw new Error(`The embedded platform does not know ${JSON.stringify(value)}.`);
}

function resolveRef(name: string, resources: Resources): string | undefined {
  if (Object.hasOwn(PSEUDO_PARAMETERS, name)) return PSEUDO_PARAMETERS[name];
  switch (typeOf(name, resources)) {
    case 'AWS::S3::Bucket':
      return bucketName(name);
    case 'AWS::DynamoDB::Table':
      return tableName(name);
    case 'AWS::SNS::Topic':
      return topicArn(name, resources);
    case 'AWS::Lambda::Version':
      return arnOfVersion(name, resources);
    case 'AWS::StepFunctions::StateMachine':
      return stateMachineArn(String(resources[name]?.Properties.StateMachineName));
    default:
      return undefined;
  }
}

function arnOf(logicalId: string, type: string | undefined, resources: Resources): string | undefined {
  switch (type) {
    case 'AWS::IAM::Role':
      return roleArn(logicalId, resources);
    case 'AWS::S3::Bucket':
      return `arn:aws:s3:::${bucketName(logicalId)}`;
    case 'AWS::DynamoDB::Table':
      return `arn:aws:dynamodb:local:000000000000:table/${tableName(logicalId)}`;
    case 'AWS::SQS::Queue':
      return `arn:aws:sqs:local:000000000000:local-${logicalId}`;
    case 'AWS::Logs::LogGroup':
      return `arn:aws:logs:local:000000000000:log-group:${logicalId}:*`;
    default:
      return undefined;
  }
}

function roleArn(logicalId: string, resources: Resources): string {
  const { Path = '/', RoleName = logicalId } = resources[logicalId]?.Properties ?? {};
  return `arn:aws:iam::000000000000:role${resolveValue(Path, resources)}${resolveValue(RoleName, resources)}`;
}

function typeOf(logicalId: string, resources: Resources): string | undefined {
  return Object.hasOwn(resources, logicalId) ? resources[logicalId]?.Type : undefined;
}

function arnOfFunction(logicalId: string, resources: Resources): string {
  return functionArn(String(resources[logicalId]?.Properties.FunctionName ?? logicalId));
}

/** That of its function: what was synthesized is the one version that this machine has. */
function arnOfVersion(logicalId: string, resources: Resources): string | undefined {
  const { FunctionName, ...others } = resources[logicalId]?.Properties ?? {};
  const { Ref: name } = (FunctionName ?? {}) as { Ref?: string };
  if (name === undefined || typeOf(name, resources) !== 'AWS::Lambda::Function') return undefined;
  return Object.keys(others).length === 0 ? arnOfFunction(name, resources) : undefined;
}

/** The stacks name no bucket themselves, so that CloudFormation gives each a name that is free. */
function bucketName(logicalId: string): string {
  return `local-${logicalId.toLowerCase()}`;
}

function tableName(logicalId: string): string {
  return `local-${logicalId}`;
}

function functionArn(name: string): string {
  return `arn:aws:lambda:local:000000000000:function:${name}`;
}

function topicArn(logicalId: string, resources: Resources): string {
  return `arn:aws:sns:local:000000000000:${resources[logicalId]?.Properties.TopicName ?? logicalId}`;
}
