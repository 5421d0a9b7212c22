import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_NAMES, WORKFLOW_ERRORS } from '../../core/errors.ts';
import { FLEET, functionOf, permissionsOf, render, resourcesOf, synthesizeStacks } from '../lib/stacks.ts';

const text = await readFile(join(import.meta.dirname, '../../docs/remediations.md'), 'utf8');
const { platform } = synthesizeStacks(FLEET);

interface Statement {
  Sid: string;
  Action: string | string[];
  Resource: string | string[];
}

const [policy, answering, backups] = [...text.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, json = '']) =>
  JSON.parse(json),
);

/** Each as `action resource`, with what an account generates put back. */
function permissionsIn(statements: readonly Statement[]): string[] {
  const generated: Record<string, string> = {
    'arn:aws:states:REGION:ACCOUNT:stateMachine:etcd-remediation': `<${logicalIdOf('AWS::StepFunctions::StateMachine')}>`,
    'arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE': `<${logicalIdOf('AWS::DynamoDB::Table')}.Arn>`,
    'arn:aws:lambda:REGION:ACCOUNT:function:BACKUPS_FUNCTION': `<${functionOf(platform, 'list-backups')[0]}.Arn>`,
    'arn:aws:lambda:REGION:ACCOUNT:function:DIAGNOSE_FUNCTION': `<${functionOf(platform, 'diagnose-cluster')[0]}.Arn>`,
  };
  return statements.flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) =>
      [Resource].flat().map((resource) => {
        const arn = resource
          .replace('arn:aws:', 'arn:<AWS::Partition>:')
          .replace('REGION', '<AWS::Region>')
          .replace('ACCOUNT', '<AWS::AccountId>');
        return `${action} ${generated[resource] ?? arn}`;
      }),
    ),
  );
}

function logicalIdOf(type: string): string {
  const found = Object.entries(resourcesOf(platform, type)).find(
    ([, { Properties }]) => (Properties.StateMachineName ?? 'etcd-remediation') === 'etcd-remediation',
  );
  return found?.[0] ?? '';
}

describe('the document of remediations', () => {
  it('allows the command line what the API may do for its callers, and to find what is deployed', () => {
    const [, properties] = functionOf(platform, 'api');
    const ofApi = permissionsOf(platform, properties.Role['Fn::GetAtt'][0]).filter(
      (permission) => !/^(logs|xray):/.test(permission),
    );
    const documented = permissionsIn([...policy.Statement, answering, ...backups]);
    expect(documented).toEqual(expect.arrayContaining(ofApi));
    expect(documented).toContain(
      'ssm:GetParameter arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/etcd-remediation/deployment',
    );
  });

  it('lets nobody answer who may only start and look, and nobody start a runbook by itself: a check changes nothing', () => {
    expect(JSON.stringify(policy)).not.toContain('SendTask');
    const started = permissionsIn(policy.Statement).filter((each) => each.startsWith('states:StartExecution'));
    expect(started.filter((each) => each.includes('stateMachine:'))).toEqual([
      expect.stringMatching(/:stateMachine:etcd-remediation-check$/),
    ]);
    expect(render({ Ref: logicalIdOf('AWS::StepFunctions::StateMachine') })).toBe(started[0]?.split(' ')[1]);
  });

  it('says of each error that a remediation ends with what to do', () => {
    const [, errors = ''] = /\n## Errors\n([\s\S]*?)\n## /.exec(text) ?? [];
    const told = [...errors.matchAll(/\*\*`(\w+)`\*\*/g)].map(([, name]) => name);
    const ofRunbooks = [ERROR_NAMES.HostCommandFailed, ERROR_NAMES.HostUnreachable];
    expect(told.toSorted()).toEqual(
      [...Object.keys(ERROR_NAMES), ...Object.keys(WORKFLOW_ERRORS), 'ABORTED', 'TIMED_OUT']
        .filter((name) => !ofRunbooks.includes(name as never))
        .toSorted(),
    );
  });
});
