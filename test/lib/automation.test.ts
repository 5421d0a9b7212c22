import { describe, expect, it } from 'vitest';
import { parseRemediationInput, remediationIdSchema } from '../../core/remediation/remediation.ts';
import { INCIDENTS } from '../../core/runbooks.ts';
import { synthesizeCallers } from './caller-stack.ts';
import { permissionsOf, type Resource, resourcesOf } from './stacks.ts';

const template = synthesizeCallers();
const [document] = Object.values(resourcesOf(template, 'AWS::SSM::Document'));
const { mainSteps, assumeRole, schemaVersion, ...content } = document?.Properties.Content ?? {};
const parameters: Record<string, Resource['Properties']> = content.parameters;
const EXECUTION_ID = 'e4b5a7d2-9f53-4f0a-8f3d-0d8f6f1b2c3d';

/** The input of the state machine, as Automation makes it of values: those that are not given are the defaults. */
function inputFor(given: Record<string, string>): { step: string; input: string; name: string } {
  const values: Record<string, string> = Object.fromEntries(
    Object.entries(parameters).map(([name, { default: usual }]) => [name, given[name] ?? String(usual)]),
  );
  const fill = (text: string) =>
    text.replaceAll(/\{\{ ([\w:]+) \}\}/g, (_, name: string) =>
      name === 'automation:EXECUTION_ID' ? EXECUTION_ID : String(values[name]),
    );
  const [branch, ...steps] = mainSteps;
  const [choice] = branch.inputs.Choices;
  const next = fill(choice.Variable) === choice.StringEquals ? choice.NextStep : branch.inputs.Default;
  const { name: step, inputs } = steps.find(({ name }: { name: string }) => name === next);
  return { step, input: fill(inputs.input), name: fill(inputs.name) };
}

describe('the Automation document', () => {
  it('is one of Automation, which assumes a role that starts the one state machine', () => {
    expect(document?.Properties).toMatchObject({ DocumentType: 'Automation', Name: 'etcd-remediation-start' });
    expect(schemaVersion).toBe('0.3');
    expect(assumeRole).toBe('{{ AutomationAssumeRole }}');
    const [role] = parameters.AutomationAssumeRole.default['Fn::GetAtt'];
    const states = 'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:etcd-remediation:*';
    expect(permissionsOf(template, role)).toEqual([
      `states:DescribeExecution ${states}`,
      'states:StartExecution arn:aws:states:eu-central-1:123456789012:stateMachine:etcd-remediation',
      `states:StopExecution ${states}`,
    ]);
    const [trust] = resourcesOf(template, 'AWS::IAM::Role')[role]?.Properties.AssumeRolePolicyDocument.Statement ?? [];
    expect(trust).toMatchObject({
      Principal: { Service: 'ssm.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
  });

  it.each<[Record<string, string>, object]>([
    [{ Cluster: 'orders' }, { cluster: 'orders', dryRun: false }],
    [
      { Cluster: 'orders', DryRun: 'true', Reason: 'OpsItem oi-1234: (node3) is down, see https://x/?y=1' },
      { cluster: 'orders', dryRun: true },
    ],
    [
      { Cluster: 'a-1', Incident: 'quorum-lost' },
      { cluster: 'a-1', incident: 'quorum-lost' },
    ],
  ])('starts with %j what the workflow takes', (given, wanted) => {
    const { input, name } = inputFor(given);
    expect(parseRemediationInput(JSON.parse(input))).toMatchObject({
      ...wanted,
      requestedBy: `Systems Manager Automation ${EXECUTION_ID}`,
    });
    expect(remediationIdSchema.safeParse(name).success).toBe(true);
  });

  it('lets nothing through that JSON could mistake', () => {
    const texts = ['Cluster', 'Reason'].map((name) => new RegExp(parameters[name].allowedPattern));
    for (const evil of ['"', '\\', 'x","dryRun":false,"y":"', 'a\nb', '{{ x }}', '\u0000']) {
      for (const pattern of texts) expect(pattern.test(evil)).toBe(false);
    }
    expect(parameters.DryRun.allowedValues).toEqual(['false', 'true']);
    expect(parameters.Incident.allowedValues).toEqual(['diagnose', ...INCIDENTS]);
  });

  it('waits longer than the workflow takes, and tries once', () => {
    for (const { action, timeoutSeconds, maxAttempts } of mainSteps.slice(1)) {
      expect(action).toBe('aws:executeStateMachine');
      expect(timeoutSeconds).toBeGreaterThan(48 * 3600);
      expect(maxAttempts).toBe(1);
    }
  });
});
