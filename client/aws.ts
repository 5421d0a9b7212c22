import { AwsUnavailable } from '../core/errors.ts';

/**
 * For every client of the AWS SDK. Its default waits without end: in a subnet that does not reach the API, a function would use
 * up its time and never say why.
 */
export const AWS_CLIENT = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/**
 * Whether AWS refused the request itself, so that trying again cannot help.
 * @throws AwsUnavailable for anything else: throttled, failed, or never reached
 */
export function requireRefusal(error: unknown, request: string): Error {
  const { $metadata, $fault, $retryable, name, message } = error as Error & {
    $metadata?: { httpStatusCode?: number };
    $fault?: 'client' | 'server';
    $retryable?: { throttling?: boolean };
  };
  const throttled = $retryable?.throttling || $metadata?.httpStatusCode === 429 || /Throttl|TooManyRequests/.test(name);
  if ($fault === 'client' && $metadata?.httpStatusCode !== undefined && !throttled) return error as Error;
  throw new AwsUnavailable(
    `${request} was not answered: ${name}: ${message}. If it goes on, look whether the functions' subnets have a way to the AWS APIs: ` +
      'a NAT gateway, or VPC endpoints for SSM, Secrets Manager, STS, S3 and Step Functions.',
  );
}
