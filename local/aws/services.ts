import * as z from 'zod';
import { AwsError } from './aws-error.ts';
import { onlyField } from './endpoint.ts';
import type { Operation } from './iam.ts';
import { pageOf, parseRequest } from './ssm-requests.ts';

/** How many parameters a page has, if a request does not say. */
const PARAMETERS_PER_PAGE = 10;

const byPathSchema = z.strictObject({ Path: z.string().startsWith('/'), NextToken: z.string().optional() });

/** What the embedded platform knows of Secrets Manager: the secrets of a file, by name or ARN. */
export function secretsManager(secrets: Readonly<Record<string, unknown>>): Record<string, Operation> {
  return {
    'secretsmanager.GetSecretValue': (request) => {
      const id = onlyField(request, 'SecretId');
      if (!Object.hasOwn(secrets, id)) {
        throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      }
      return { Name: id, SecretString: JSON.stringify(secrets[id]) };
    },
  };
}

/** What the embedded platform knows of Systems Manager: the parameters of the synthesized stacks. */
export function systemsManager(parameters: Readonly<Record<string, string>>): Record<string, Operation> {
  const described = (name: string) => ({ Name: name, Type: 'String', Value: parameters[name], Version: 1 });
  return {
    'AmazonSSM.GetParameter': (request) => {
      const name = onlyField(request, 'Name');
      if (!Object.hasOwn(parameters, name)) throw new AwsError('ParameterNotFound', `There is no parameter ${name}.`);
      return { Parameter: described(name) };
    },
    'AmazonSSM.GetParametersByPath': (request) => {
      const { Path, NextToken } = parseRequest(byPathSchema, request);
      const folder = Path.endsWith('/') ? Path : `${Path}/`;
      // Those right in it; what is deeper has to be asked for.
      const names = Object.keys(parameters).filter((name) => name.slice(0, name.lastIndexOf('/') + 1) === folder);
      const { page, ...rest } = pageOf(names.toSorted(), { MaxResults: PARAMETERS_PER_PAGE, NextToken });
      return { Parameters: page.map(described), ...rest };
    },
  };
}
