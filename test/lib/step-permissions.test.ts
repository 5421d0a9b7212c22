import { describe, expect, it } from 'vitest';
import { documentName, HOST_COMMANDS, type HostCommandName } from '../../core/contracts/host-commands.ts';
import { TRANSFERS } from '../../core/contracts/recovery.ts';
import { RUNBOOKS } from '../../lib/workflows/registry.ts';
import {
  FLEET,
  functionOf,
  INSTANCES,
  MANAGED_NODES,
  NETWORK,
  PARTIAL_ARN,
  PLAIN,
  permissionsOf,
  render,
  resourcesOf,
  SECRET_ARN,
  STEPS,
  STEPS_WITHOUT_ETCD,
  synthesizeStacks,
} from './stacks.ts';

/** What each step may do. */

const { platform } = synthesizeStacks(FLEET);
const ETCD_STEPS = STEPS.filter((step) => !STEPS_WITHOUT_ETCD.includes(step));
const TOGGLE = 'toggle-authentication';
/** Invoked by the schedules of clusters, and chained by no state machine. */
const DETECTOR = 'detect-incidents';

/** What every step may do that is in a VPC. */
const INTERFACES = [
  'ec2:AssignPrivateIpAddresses *',
  'ec2:CreateNetworkInterface *',
  'ec2:DeleteNetworkInterface *',
  'ec2:DescribeNetworkInterfaces *',
  'ec2:DescribeSubnets *',
  'ec2:UnassignPrivateIpAddresses *',
];

/** What every step may do; the log group is its own. */
function permissionsOfAnyStep(logGroup: string): string[] {
  return [
    'xray:PutTelemetryRecords *',
    'xray:PutTraceSegments *',
    `logs:CreateLogStream <${logGroup}.Arn>`,
    `logs:PutLogEvents <${logGroup}.Arn>`,
  ];
}

/** What one step may do beyond that. */
function ownPermissionsOf(template: typeof platform, step: string): string[] {
  const [, properties] = functionOf(template, step);
  const given = permissionsOf(template, properties.Role['Fn::GetAtt'][0]);
  const common = [
    ...permissionsOfAnyStep(properties.LoggingConfig.LogGroup.Ref),
    ...(properties.VpcConfig ? INTERFACES : []),
  ];
  expect(given).toEqual(expect.arrayContaining(common));
  return given.filter((permission) => !common.includes(permission));
}

describe('permissions', () => {
  const parameter = (name: string) =>
    `ssm:GetParameter arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/etcd-remediation/clusters/${name}`;
  const parameters = ['billing', 'orders', 'plain', 'public'].map(parameter);
  const named = (name: string) =>
    `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${name}-??????`;
  /** Each secret once, also `etcd/tls`, which two clusters share. */
  const configured = [SECRET_ARN, `${SECRET_ARN}-??????`, PARTIAL_ARN, `${PARTIAL_ARN}-??????`].concat(
    named('etcd/root'),
    named('etcd/tls'),
  );

  it.each(['load-cluster', 'load-remediation'])(
    "let %s read the configured clusters' parameters, and no secret",
    (step) => {
      expect(ownPermissionsOf(platform, step)).toEqual(parameters);
    },
  );

  it.each(['choose-rescue', 'plan-recovery', 'tell-changes', 'weigh-check', 'weigh-room'])(
    'let %s ask nobody: it decides',
    (step) => {
      expect(ownPermissionsOf(platform, step)).toEqual([]);
    },
  );

  /** To see whether it is alone. */
  const runbooks = Object.values(RUNBOOKS).flatMap(({ stateMachineName }) => [
    `states:ListExecutions arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:${stateMachineName}`,
    `states:DescribeExecution arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${stateMachineName}:*`,
  ]);

  it('let the choice of a runbook look for runbooks that run, and ask for nothing else', () => {
    expect(ownPermissionsOf(platform, 'choose-runbook').toSorted()).toEqual(runbooks.toSorted());
  });

  const lookForHosts = 'ssm:DescribeInstanceInformation *';
  /** What is a step's own besides the secrets. */
  const ownOf: Record<string, string[]> = {
    [TOGGLE]: runbooks,
    'diagnose-cluster': [...parameters, lookForHosts],
    [DETECTOR]: parameters,
  };

  it.each(ETCD_STEPS)(
    'let %s read the configured secrets, and of parameters only the detector and the diagnosis the registered clusters',
    (step) => {
      expect(ownPermissionsOf(platform, step)).toEqual(
        [
          ...configured.map((resource) => `secretsmanager:GetSecretValue ${resource}`),
          ...(ownOf[step] ?? []),
        ].toSorted(),
      );
    },
  );

  it.each(ETCD_STEPS)('let %s read them by one statement, as a policy may hold 10,240 characters', (step) => {
    const role = functionOf(platform, step)[1].Role['Fn::GetAtt'][0];
    const statements = Object.values(resourcesOf(platform, 'AWS::IAM::Policy'))
      .filter(({ Properties }) => Properties.Roles.some((each: { Ref: string }) => each.Ref === role))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter((statement) => JSON.stringify(statement.Action).includes('secretsmanager'));
    expect(statements).toEqual([
      { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: expect.any(Array) },
    ]);
    expect(statements[0].Resource.map(render).toSorted()).toEqual(configured.toSorted());
  });

  const unnamedOfRunCommand = [
    ...['ssm:CancelCommand *', lookForHosts, 'ssm:GetCommandInvocation *', 'ssm:ListCommandInvocations *'],
    'ssm:ListCommands *',
  ];

  it('let run-host-commands send the documents without a URL to the configured hosts and to spare ones, and read no secret or parameter', () => {
    const here = '<AWS::Region>:<AWS::AccountId>';
    const commands = Object.keys(HOST_COMMANDS) as HostCommandName[];
    const documents = commands
      .filter((each) => each === 'inspect-host' || !(TRANSFERS as readonly string[]).includes(each))
      .map(documentName);
    expect(ownPermissionsOf(platform, 'run-host-commands')).toEqual(
      [
        ...documents.map((name) => `ssm:SendCommand arn:<AWS::Partition>:ssm:${here}:document/${name}`),
        ...INSTANCES.map((id) => `ssm:SendCommand arn:<AWS::Partition>:ec2:${here}:instance/${id}`),
        ...MANAGED_NODES.map((id) => `ssm:SendCommand arn:<AWS::Partition>:ssm:${here}:managed-instance/${id}`),
        ...unnamedOfRunCommand,
      ].toSorted(),
    );
    const deployed = Object.values(resourcesOf(platform, 'AWS::SSM::Document'))
      .filter(({ Properties }) => Properties.DocumentType === 'Command')
      .map(({ Properties }) => Properties.Name);
    expect(deployed.toSorted()).toEqual(commands.map(documentName).toSorted());
  });

  it('let nobody send a command where no cluster has a host', () => {
    const stacks = synthesizeStacks({ network: NETWORK, clusters: [PLAIN] });
    expect(ownPermissionsOf(stacks.platform, 'run-host-commands')).toEqual(unnamedOfRunCommand);
    for (const text of stacks.texts) expect(text).not.toContain('ssm:SendCommand');
  });

  it('let no step read a secret where no cluster has one', () => {
    const stacks = synthesizeStacks({ network: NETWORK, clusters: [PLAIN] });
    for (const step of ETCD_STEPS) {
      const own = (ownOf[step] ?? []).filter((each) => !parameters.includes(each) || each === parameter('plain'));
      expect(ownPermissionsOf(stacks.platform, step), step).toEqual(own.toSorted());
    }
    for (const text of stacks.texts) expect(text).not.toContain('secretsmanager');
  });
});
