import { expect, it } from 'vitest';
import { permissionsFor } from '../../../local/aws/permissions.ts';
import { runCommand } from '../../../local/aws/run-command.ts';
import { secretsManager, systemsManager } from '../../../local/aws/services.ts';
import { stepFunctions } from '../../../local/aws/step-functions.ts';
import type { Executions } from '../../../local/executions.ts';
import { TaskTokens } from '../../../local/task-tokens.ts';

const served = {
  ...secretsManager({}),
  ...systemsManager({}),
  ...runCommand({ documents: {}, hosts: {} }).operations,
  ...stepFunctions({ stateMachines: [], executions: () => ({}) as Executions, tokens: new TaskTokens() }),
};

it.each(Object.keys(served))('a function is refused %s, or let, by the permission that AWS wants for it', (target) => {
  const [permission, ...others] = permissionsFor(target, { InstanceIds: [] });
  expect(others).toEqual([]);
  expect(permission?.action).toMatch(/^(ssm|secretsmanager|states):[A-Z]\w+$/);
  expect(permission?.resource).toMatch(/^(\*|arn:aws:.+|undefined)$/);
});
