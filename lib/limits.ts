import { readFileSync } from 'node:fs';
import type { CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import type { ClustersFile } from '../core/cluster/clusters-file.ts';
import { InvalidInput } from '../core/errors.ts';

/** Every limit of AWS that a configuration can reach. Synthesis ends where one is passed: without that, the deployment would, and roll back. */

interface Limit {
  most: number;
  /** What is counted, after a figure: `5,001 alarms`. */
  unit: string;
  source: string;
  /** What to do. */
  advice: string;
}

const CLOUDFORMATION = 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html';
const IAM = 'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html';
const SYSTEMS_MANAGER = 'https://docs.aws.amazon.com/general/latest/gr/ssm.html';
const FUNCTION_NETWORK = 'https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html';
const FEWER_PLACES = 'Name fewer spare hosts, or secrets by their names and not by their ARNs.';

/** Of one thing each. */
const LIMITS = {
  templateBytes: {
    most: 1_000_000,
    unit: 'bytes of template',
    source: CLOUDFORMATION,
    advice: 'Nothing in clusters.json makes a template so large: report it.',
  },
  resources: {
    most: 500,
    unit: 'resources in a stack',
    source: CLOUDFORMATION,
    advice: 'Nothing in clusters.json makes so many: report it.',
  },
  stackNameChars: {
    most: 128,
    unit: "characters of a stack's name",
    source: CLOUDFORMATION,
    advice: 'Give the cluster a shorter name, or choose a shorter "prefix".',
  },
  roleNameChars: {
    most: 64,
    unit: "characters of a role's name in the region with the longest name",
    source: IAM,
    advice: 'Give the cluster a name of at most 32 characters, less those of a "prefix" and its "-".',
  },
  /** All of a role's together. */
  inlinePolicyChars: {
    most: 10_240,
    unit: 'characters of policies in one role',
    source: IAM,
    advice: FEWER_PLACES,
  },
  managedPolicyChars: { most: 6_144, unit: 'characters of a managed policy', source: IAM, advice: FEWER_PLACES },
  trustPolicyChars: {
    most: 2_048,
    unit: "characters of a role's trust",
    source: IAM,
    advice: 'Choose a shorter "prefix".',
  },
  parameterBytes: {
    most: 8_192,
    unit: 'bytes of a parameter in the advanced tier',
    source: SYSTEMS_MANAGER,
    advice: 'Say a layout once for the cluster, and of a member only what differs; or name fewer spare hosts.',
  },
  documentBytes: {
    most: 65_536,
    unit: 'bytes of a document',
    source: SYSTEMS_MANAGER,
    advice: 'Nothing in clusters.json makes a document so large: make its script shorter.',
  },
  alarmNameChars: {
    most: 255,
    unit: "characters of an alarm's name",
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html',
    advice: 'Give the cluster a shorter name.',
  },
  dashboardBytes: {
    most: 1_048_576,
    unit: 'bytes of a dashboard',
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html',
    advice: 'Name fewer members.',
  },
  /** Those of IPv4 and those of IPv6, each by themselves. */
  securityGroupRules: {
    most: 60,
    unit: 'rules out for one kind of IP addresses',
    source: 'https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups',
    advice: 'Name fewer "clientPorts": there is a rule for each, and one for the APIs of AWS.',
  },
  functionSecurityGroups: {
    most: 5,
    unit: 'security groups',
    source: FUNCTION_NETWORK,
    advice: 'Name at most four "securityGroupIds": the steps have one of their own.',
  },
  functionSubnets: { most: 16, unit: 'subnets', source: FUNCTION_NETWORK, advice: 'Name fewer "subnetIds".' },
} as const satisfies Record<string, Limit>;
type LimitName = keyof typeof LIMITS;

export const MAX_DOCUMENT_BYTES = LIMITS.documentBytes.most;

/** Of all stacks together, in one account and region. AWS raises these on request. */
export const QUOTAS = {
  alarms: {
    most: 5_000,
    unit: 'alarms',
    type: 'AWS::CloudWatch::Alarm',
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html',
  },
  roles: { most: 1_000, unit: 'roles', type: 'AWS::IAM::Role', source: IAM },
  rules: {
    most: 300,
    unit: 'rules of EventBridge',
    type: 'AWS::Events::Rule',
    source: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html',
  },
  stacks: { most: 2_000, unit: 'stacks', type: undefined, source: CLOUDFORMATION },
} as const;

export interface SynthesizedStack {
  stackName: string;
  template: { Resources: Readonly<Record<string, { Type: string; Properties: Record<string, unknown> }>> };
  /** As it is uploaded. */
  sizeBytes: number;
}

/** A stack as it was synthesized, read from its file. */
export function synthesizedStack({ stackName, templateFullPath }: CloudFormationStackArtifact): SynthesizedStack {
  const text = readFileSync(templateFullPath);
  return { stackName, template: JSON.parse(text.toString()), sizeBytes: text.length };
}

/** One thing that has a limit, as large as it can get in any region. */
export interface Figure {
  limit: LimitName;
  /** What it is of, by its logical ID. */
  of: string;
  figure: number;
}

/** @throws InvalidInput with the first limit that is passed: of which stack, the figure, and what to do */
export function requireWithinLimits(stacks: readonly SynthesizedStack[], quotas: ClustersFile['quotas'] = {}): void {
  for (const stack of stacks) {
    const passed = figuresOf(stack).find(({ limit, figure }) => figure > LIMITS[limit].most);
    if (!passed) continue;
    const { most, unit, source, advice } = LIMITS[passed.limit];
    throw new InvalidInput(
      `The stack ${stack.stackName} cannot be deployed: ${passed.of} has ${count(passed.figure)} ${unit}, and AWS takes ${count(most)} (${source}). ${advice}`,
    );
  }
  for (const [name, { most, unit, type, source }] of Object.entries(QUOTAS)) {
    const granted = quotas[name as keyof typeof QUOTAS] ?? most;
    let sum = 0;
    for (const { stackName, template } of stacks) {
      sum += type ? Object.values(template.Resources).filter(({ Type }) => Type === type).length : 1;
      if (sum <= granted) continue;
      throw new InvalidInput(
        `The stack ${stackName} has no room: with it there are ${count(sum)} ${unit}, and ${name in quotas ? '"quotas" in clusters.json says that AWS has granted' : 'AWS takes'} ` +
          `${count(granted)} in an account (${source}). Ask AWS for more under Service Quotas, and write what it has granted into clusters.json: ` +
          `"quotas": {"${name}": ${granted * 2}}. Or deploy some of the clusters into another account or region.`,
      );
    }
  }
}

/** Everything of a stack that has a limit. */
export function figuresOf({ stackName, template, sizeBytes }: SynthesizedStack): Figure[] {
  const resources = Object.entries(template.Resources);
  const of = (type: string) => resources.filter(([, { Type }]) => Type === type);
  const each = (type: string, limit: LimitName, measure: (properties: Record<string, unknown>) => number) =>
    of(type).map(([id, { Properties }]) => ({ limit, of: id, figure: measure(Properties) }));
  const policies = of('AWS::IAM::Policy').map(([, { Properties }]) => Properties);
  return [
    { limit: 'stackNameChars', of: 'its name', figure: stackName.length },
    { limit: 'templateBytes', of: 'it', figure: sizeBytes },
    { limit: 'resources', of: 'it', figure: resources.length },
    ...each('AWS::IAM::Role', 'roleNameChars', ({ RoleName }) => longest(RoleName).length),
    ...each('AWS::IAM::Role', 'trustPolicyChars', (role) => sizeOf(role.AssumeRolePolicyDocument)),
    ...of('AWS::IAM::Role').map(([id, { Properties }]): Figure => {
      const inline = (Properties.Policies ?? []) as { PolicyDocument: unknown }[];
      const attached = policies.filter(({ Roles }) => (Roles as { Ref?: string }[]).some(({ Ref }) => Ref === id));
      const documents = [...inline, ...attached].map(({ PolicyDocument }) => sizeOf(PolicyDocument));
      return { limit: 'inlinePolicyChars', of: id, figure: documents.reduce((sum, size) => sum + size, 0) };
    }),
    ...each('AWS::IAM::ManagedPolicy', 'managedPolicyChars', ({ PolicyDocument }) => sizeOf(PolicyDocument)),
    ...each('AWS::SSM::Parameter', 'parameterBytes', ({ Value }) => Buffer.byteLength(longest(Value))),
    ...each('AWS::SSM::Document', 'documentBytes', ({ Content }) => sizeOf(Content)),
    ...each('AWS::CloudWatch::Alarm', 'alarmNameChars', ({ AlarmName }) => longest(AlarmName).length),
    ...each('AWS::CloudWatch::Dashboard', 'dashboardBytes', (board) => Buffer.byteLength(longest(board.DashboardBody))),
    ...each('AWS::EC2::SecurityGroup', 'securityGroupRules', ({ SecurityGroupEgress }) => {
      const rules = listOf(SecurityGroupEgress);
      return Math.max(
        ...['CidrIp', 'CidrIpv6'].map((kind) => rules.filter((rule) => Object.hasOwn(rule, kind)).length),
      );
    }),
    ...of('AWS::Lambda::Function').flatMap(([id, { Properties }]): Figure[] => {
      const { SecurityGroupIds, SubnetIds } = (Properties.VpcConfig ?? {}) as Record<string, unknown>;
      return [
        { limit: 'functionSecurityGroups', of: id, figure: listOf(SecurityGroupIds).length },
        { limit: 'functionSubnets', of: id, figure: listOf(SubnetIds).length },
      ];
    }),
  ];
}

function listOf(value: unknown): object[] {
  return Array.isArray(value) ? value : [];
}

/** IAM does not count white space. */
function sizeOf(document: unknown): number {
  return Buffer.byteLength(JSON.stringify(withLongest(document)));
}

function longest(value: unknown): string {
  const text = withLongest(value ?? '');
  return typeof text === 'string' ? text : JSON.stringify(text);
}

/** Names of their kind than which there is none that is longer. One region has a name of 15 characters: it is one of those for secrets of state. */
const LONGEST: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-southeast-9',
  'AWS::AccountId': '123456789012',
  'AWS::URLSuffix': 'amazonaws.com.cn',
};
/** What CloudFormation names itself: an ARN of a resource in a stack. */
const ANY_ARN = 'x'.repeat(160);

/** A value with the longest texts in the place of CloudFormation's functions. */
function withLongest(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLongest);
  if (typeof value !== 'object' || value === null) return value;
  const [[key = '', argument] = [], ...others] = Object.entries(value);
  if (others.length === 0 && key === 'Ref') return LONGEST[String(argument)] ?? ANY_ARN;
  if (others.length === 0 && key === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return Array.isArray(parts) ? parts.map((part) => longest(part)).join(separator) : ANY_ARN;
  }
  if (others.length === 0 && key.startsWith('Fn::')) return ANY_ARN;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withLongest(each)]));
}

function count(figure: number): string {
  return figure.toLocaleString('en');
}
