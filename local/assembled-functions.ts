import type { FunctionName } from '../lib/steps.ts';
import type { Assembly } from './assembly.ts';
import type { Iam } from './aws/iam.ts';
import type { LambdaFunction } from './lambda/host.ts';

/** With the credentials of its role, as Lambda gives them to a function. */
export function withCredentials(definition: LambdaFunction, iam: Iam): LambdaFunction {
  const { accessKeyId, secretAccessKey } = iam.credentialsOf(String(definition.roleArn), definition.name);
  const own = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return { ...definition, environment: { ...definition.environment, ...own } };
}

/** Where reports lie here, in the place of the bucket. */
export function withReports(definition: LambdaFunction, reports: string | undefined): LambdaFunction {
  const { environment } = definition;
  return reports !== undefined && environment.REPORTS !== undefined
    ? { ...definition, environment: { ...environment, REPORTS: reports } }
    : definition;
}

export function arnOf(name: FunctionName | 'api', { functions }: Assembly): string {
  const logicalId = `${name.replaceAll('-', '')}Function`;
  const found = functions.find(({ name }) => name.startsWith(logicalId));
  if (!found) throw new Error(`There is no function "${name}".`);
  return found.arn;
}
