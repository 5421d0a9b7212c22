import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { stateMachineArn } from '../asl/arn.ts';
import type { Permission } from './policy.ts';

/** Which permissions a request takes: those that the Service Authorization Reference lists for its action. */

type Request = Readonly<Record<string, unknown>>;

const SSM = 'arn:aws:ssm:local:000000000000';

const NEEDED: Readonly<Record<string, (request: Request) => string[]>> = {
  'AmazonSSM.GetParameter': ({ Name }) => [`${SSM}:parameter${Name}`],
  'AmazonSSM.GetParametersByPath': ({ Path }) => [`${SSM}:parameter${String(Path).replace(/\/$/, '')}`],
  'AmazonSSM.SendCommand': ({ DocumentName, InstanceIds }) => [
    `${SSM}:document/${DocumentName}`,
    ...(Array.isArray(InstanceIds) ? InstanceIds.map(String) : []).map(instanceArn),
  ],
  'AmazonSSM.GetCommandInvocation': () => ['*'],
  'AmazonSSM.ListCommands': () => ['*'],
  'AmazonSSM.ListCommandInvocations': () => ['*'],
  'AmazonSSM.CancelCommand': () => ['*'],
  'AmazonSSM.DescribeInstanceInformation': () => ['*'],
  'secretsmanager.GetSecretValue': ({ SecretId }) => [secretArn(String(SecretId))],
  'AWSStepFunctions.StartExecution': ({ stateMachineArn: arn }) => [String(arn)],
  'AWSStepFunctions.ListExecutions': ({ stateMachineArn: arn }) => [String(arn)],
  'AWSStepFunctions.DescribeExecution': ({ executionArn }) => [String(executionArn)],
  'AWSStepFunctions.StopExecution': ({ executionArn }) => [String(executionArn)],
  'AWSStepFunctions.GetExecutionHistory': ({ executionArn }) => [String(executionArn)],
  // A token is of an execution of the workflow that waits for an answer, which is this one alone.
  'AWSStepFunctions.SendTaskSuccess': () => [stateMachineArn(ENTRY_STATE_MACHINE)],
  'AWSStepFunctions.SendTaskFailure': () => [stateMachineArn(ENTRY_STATE_MACHINE)],
};

const PREFIXES: Readonly<Record<string, string>> = {
  AmazonSSM: 'ssm',
  secretsmanager: 'secretsmanager',
  AWSStepFunctions: 'states',
};

/** @param target the value of `X-Amz-Target` @throws Error for an operation of which nobody has said what it takes */
export function permissionsFor(target: string, request: Request): Permission[] {
  const [service = '', operation = ''] = target.split('.');
  const resources = NEEDED[target]?.(request);
  if (!resources) throw new Error(`The embedded platform does not know which permission ${target} takes.`);
  return resources.map((resource) => ({ action: `${PREFIXES[service]}:${operation}`, resource }));
}

function instanceArn(host: string): string {
  return host.startsWith('mi-') ? `${SSM}:managed-instance/${host}` : `arn:aws:ec2:local:000000000000:instance/${host}`;
}

/** Secrets Manager ends each ARN in six characters of its own. */
function secretArn(reference: string): string {
  return reference.startsWith('arn:')
    ? reference
    : `arn:aws:secretsmanager:local:000000000000:secret:${reference}-Local1`;
}

/** By the operation of S3 that the endpoint serves. */
const S3_ACTIONS: Readonly<Record<string, string>> = {
  GetObject: 's3:GetObject',
  DeleteObject: 's3:DeleteObject',
  PutObject: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
};

export function permissionForS3(operation: string, bucket: string, key: string): Permission {
  if (operation === 'ListObjectsV2') return { action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` };
  const action = S3_ACTIONS[operation];
  if (!action) throw new Error(`The embedded platform does not know which permission ${operation} takes.`);
  return { action, resource: `arn:aws:s3:::${bucket}/${key}` };
}
