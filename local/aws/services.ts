import { AwsError, type Operation, onlyField } from './endpoint.ts';

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
  return {
    'AmazonSSM.GetParameter': (request) => {
      const name = onlyField(request, 'Name');
      if (!Object.hasOwn(parameters, name)) throw new AwsError('ParameterNotFound', `There is no parameter ${name}.`);
      return { Parameter: asParameter(name, parameters) };
    },
    'AmazonSSM.GetParametersByPath': (request) => {
      const path = onlyField(request, 'Path').replace(/\/?$/, '/');
      // Not recursive: what lies deeper is not told.
      const names = Object.keys(parameters).filter(
        (name) => name.startsWith(path) && !name.slice(path.length).includes('/'),
      );
      return { Parameters: names.map((name) => asParameter(name, parameters)) };
    },
  };
}

function asParameter(name: string, parameters: Readonly<Record<string, string>>) {
  return { Name: name, Type: 'String', Value: parameters[name], Version: 1 };
}
