import { describe, expect, it } from 'vitest';
import { RUNBOOKS } from '../../core/runbooks.ts';
import {
  FLEET,
  functionOf,
  permissionsOf,
  resourcesOf,
  STEPS,
  STEPS_WITHOUT_CLUSTER,
  synthesizeStacks,
} from './stacks.ts';

/** What each step may do. */

const { platform } = synthesizeStacks(FLEET);

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

const BACKING_UP = ['back-up-cluster', 'try-backups', 'copy-database', 'send-backup', 'complete-backup'];

describe('permissions', () => {
  const here = '<AWS::Region>:<AWS::AccountId>';
  const parameters = `ssm:GetParameter arn:<AWS::Partition>:ssm:${here}:parameter/etcd-remediation/clusters/*`;
  const roles =
    'sts:AssumeRole arn:<AWS::Partition>:iam::<AWS::AccountId>:role/etcd-remediation/clusters/etcd-remediation-<AWS::Region>-*';

  it.each(['load-cluster', 'load-remediation'])("let %s read the clusters' parameters, and no secret", (step) => {
    expect(ownPermissionsOf(platform, step)).toEqual([parameters]);
  });

  /** To see whether it is alone. */
  const runbooks = Object.values(RUNBOOKS).flatMap(({ stateMachineName }) => [
    `states:ListExecutions arn:<AWS::Partition>:states:${here}:stateMachine:${stateMachineName}`,
    `states:DescribeExecution arn:<AWS::Partition>:states:${here}:execution:${stateMachineName}:*`,
  ]);

  it.each(['choose-runbook', 'choose-recovery', 'plan-recovery', 'explain-changes', 'weigh-check', 'weigh-room'])(
    'let %s, which decides, look for runbooks that run, and ask for nothing else',
    (step) => {
      expect(ownPermissionsOf(platform, step).toSorted()).toEqual(runbooks.toSorted());
    },
  );

  const lookForHosts = 'ssm:DescribeInstanceInformation *';
  const followCommands = [
    ...['ssm:CancelCommand *', lookForHosts, 'ssm:GetCommandInvocation *', 'ssm:ListCommandInvocations *'],
    'ssm:ListCommands *',
  ];
  const [bucket] = Object.keys(resourcesOf(platform, 'AWS::S3::Bucket')).filter((id) => id.startsWith('Staging'));
  const inStaging = ['AbortMultipartUpload', 'DeleteObject', 'GetObject', 'PutObject'];
  const transfers = [...followCommands, ...inStaging.map((action) => `s3:${action} <${bucket}.Arn>/*`)];
  /** What a step may do itself, besides reading the registry and assuming the roles of clusters. */
  const ownOf: Record<string, string[]> = {
    'toggle-authentication': runbooks,
    'enable-authentication': runbooks,
    'analyze-store': [lookForHosts],
    'diagnose-cluster': [lookForHosts],
    'run-host-commands': followCommands,
    'stage-snapshot': transfers,
    'transfer-snapshots': transfers,
    // All in one function, for a host may have to go on with a backup.
    ...Object.fromEntries(BACKING_UP.map((step) => [step, followCommands])),
  };

  it.each(STEPS.filter((step) => !STEPS_WITHOUT_CLUSTER.includes(step)))(
    'let %s read the registry and assume the role of a cluster, and reach nothing of a cluster itself',
    (step) => {
      expect(ownPermissionsOf(platform, step)).toEqual([parameters, roles, ...(ownOf[step] ?? [])].toSorted());
    },
  );
});
