import { hostname } from 'node:os';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { AWS_CLIENT } from '../../client/aws.ts';
import { deployedName } from '../../client/names.ts';
import { AwsUnavailable, PreconditionFailed } from '../../core/errors.ts';
import { DEPLOYMENT_PARAMETER, type Deployment, deploymentSchema } from '../../core/text/names.ts';
import type { DeployedFlags } from './flags.ts';

/** What AWS, or its SDK, calls credentials that are not there, not valid, or not valid any more. */
const NO_CREDENTIALS =
  /^(CredentialsProvider|TokenProvider|.*SSO.*)Error$|^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|RequestExpired)/;

/**
 * Finds what is deployed, and does something with it.
 * @throws PreconditionFailed where nothing is deployed, or AWS does not let the caller; AwsUnavailable; and what `use` throws
 */
export async function withDeployment<Result>(
  { region, profile, prefix }: Pick<DeployedFlags, 'region' | 'profile' | 'prefix'>,
  use: (deployment: Deployment) => Promise<Result>,
): Promise<Result> {
  // Where each client of the SDK looks by itself.
  if (region) process.env.AWS_REGION = region;
  // Where a deployed function looks for it.
  if (prefix) process.env.ETCD_REMEDIATION_PREFIX = prefix;
  if (profile) {
    process.env.AWS_PROFILE = profile;
    // Which of the two counts has changed in the SDK, and it warns; here it is the one that was typed.
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) delete process.env[name];
  }
  try {
    return await use(await findDeployment());
  } catch (error) {
    throw explained(error);
  }
}

/** Who calls, as AWS knows them: no permission is needed to ask. What AWS does not say must not keep anybody from an incident. */
export async function callerIdentity(): Promise<string> {
  const client = new STSClient({ ...AWS_CLIENT, maxAttempts: 1 });
  try {
    const { Arn } = await client.send(new GetCallerIdentityCommand({}));
    if (Arn) return Arn;
  } catch {
    // The words below say it.
  }
  return `${process.env.USER ?? 'somebody'} on ${hostname()}, not identified by AWS`;
}

async function findDeployment(): Promise<Deployment> {
  const client = new SSMClient(AWS_CLIENT);
  const region = await client.config.region();
  const parameter = deployedName(DEPLOYMENT_PARAMETER);
  let text: string | undefined;
  try {
    text = (await client.send(new GetParameterCommand({ Name: parameter }))).Parameter?.Value;
  } catch (error) {
    if ((error as Error).name !== 'ParameterNotFound') throw error;
    throw new PreconditionFailed(
      `Nothing is deployed in the region ${region} of this account: it has no SSM parameter ${parameter}. Say with --region and ` +
        '--profile where it is, or deploy it (docs/deploy.md says how). Without AWS there are "run" and "diagnose".',
      'NoDeployment',
    );
  }
  try {
    return deploymentSchema.parse(JSON.parse(text ?? ''));
  } catch {
    throw new PreconditionFailed(
      `What is deployed in the region ${region} is of another version: its SSM parameter ${parameter} lacks what this ` +
        'command line needs. Deploy this version, or use the command line of that one.',
      'OtherVersion',
    );
  }
}

/** What AWS's errors mean to someone at a terminal; anything else stays as it is. */
export function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  if (/^Region (is missing|not accepted)/.test(message)) {
    return new PreconditionFailed(
      `It is not known in which region to look (${message}): give --region, or set AWS_REGION, such as eu-central-1.`,
      'NoRegion',
    );
  }
  if (NO_CREDENTIALS.test(name)) {
    return new PreconditionFailed(
      `AWS takes no credentials from here (${name}: ${message}). Log in, as with "aws sso login", or say with --profile or AWS_PROFILE whose ` +
        'to take; "aws sts get-caller-identity" shows whether there are any.',
      'NoCredentials',
    );
  }
  if (/^AccessDenied|^Unauthorized|^NotAuthorized/.test(name)) {
    return new PreconditionFailed(
      `You may not do this: ${message}. Ask the administrator of this account for the action that is named, or use another --profile.`,
      'NotPermitted',
    );
  }
  if (name === 'StateMachineDoesNotExist') {
    return new PreconditionFailed(
      `What is deployed is of another version (${message}). Deploy this version, then try again.`,
      'OtherVersion',
    );
  }
  if (!isUnanswered(error)) return error;
  return new AwsUnavailable(
    `AWS did not answer (${name}: ${message}). Look whether this machine reaches AWS, and whether the region is right.`,
  );
}

/** Whether a request has no usable answer: it was lost, throttled, or failed at AWS. */
export function isUnanswered(error: unknown): boolean {
  const { name, code, $fault, $retryable } = error as Error & {
    code?: string;
    $fault?: 'client' | 'server';
    $retryable?: object;
  };
  // Node's own mistakes are `ERR_...`, those of a network `ECONNRESET` and the like.
  return (
    $fault === 'server' || $retryable !== undefined || name === 'TimeoutError' || /^E(?!RR_)[A-Z_]+$/.test(code ?? '')
  );
}
