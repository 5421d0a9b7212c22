import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { App } from 'aws-cdk-lib/core';
import type { CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { ClustersFile } from '../../core/cluster/clusters-file.ts';
import { defineStacks } from '../../lib/app.ts';
import type { StepBundles } from '../../lib/bundles/bundle-steps.ts';
import { functionOf as functionName, STEPS_OF } from '../../lib/steps.ts';
import type { StateMachineDefinition } from '../../local/asl/definition.ts';
import type { MetricAlarm } from '../../local/aws/alarm-state.ts';
import type { Table } from '../../local/aws/dynamodb.ts';
import type { EventRule } from '../../local/aws/events.ts';
import type { Role } from '../../local/aws/iam.ts';
import type { MinutelySchedule, RecurringStart } from '../../local/event-sources.ts';
import { definitionText, readAssets, readTemplate, substitute } from '../../local/template.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const FUNCTIONS = Object.keys(STEPS_OF);
export const STEPS = readdirSync(join(ROOT, 'lambdas/steps')).map((file) => basename(file, '.ts'));
/** Steps that decide from what they are given, or talk to AWS alone. */
export const STEPS_WITHOUT_ETCD = [
  'choose-recovery',
  'choose-rehearsal-host',
  'choose-runbook',
  'find-recovery-backup',
  'list-backups',
  'load-cluster',
  'load-remediation',
  'plan-recovery',
  'plan-rehearsal',
  'prune-backups',
  'record-rehearsal',
  'run-host-commands',
  'stage-snapshot',
  'explain-changes',
  'transfer-snapshots',
  'try-backups',
  'weigh-check',
  'weigh-room',
];
/** Steps that reach nothing of a cluster's but what they are given. */
export const STEPS_WITHOUT_CLUSTER = STEPS_WITHOUT_ETCD.filter(
  (step) =>
    ![
      'find-recovery-backup',
      'list-backups',
      'plan-rehearsal',
      'prune-backups',
      'record-rehearsal',
      'run-host-commands',
      'stage-snapshot',
      'transfer-snapshots',
      'try-backups',
    ].includes(step),
);
const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:billing/root-AbCdEf';
/** An ARN may leave out the six characters that Secrets Manager adds to each secret's name. */
const PARTIAL_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:public/root';

/** The state machine that everybody starts, and those that rules start: the others are runbooks. */
export const ENTRY = 'etcd-remediation';
export const GUARD = 'etcd-remediation-authentication-guard';
export const RELEASE = 'etcd-remediation-lock-release';
/** Sends on what the others page. */
export const PAGER = 'etcd-remediation-pager';
/** Changes nothing, and is started by whoever wants to know. */
export const CHECK = 'etcd-remediation-check';
/** Changes nothing in etcd, and is started by schedules. */
export const BACKUP = 'etcd-remediation-backup';
export const REHEARSAL = 'etcd-remediation-rehearsal';

export const LAYOUT = {
  unit: 'etcd',
  dataDir: '/var/lib/etcd',
  walDir: null,
  configFile: '/etc/etcd/etcd.yaml',
  user: 'etcd',
  group: 'etcd',
  binDir: '/usr/local/bin',
};

/** A cluster of one member, which may be on a host that Run Command reaches. */
function cluster(
  name: string,
  clientUrl: string,
  { host, ...more }: Partial<Cluster> & { host?: string } = {},
): Cluster {
  const peerUrl = 'https://10.0.0.1:2380';
  const members = [{ name: 'node1', clientUrl, peerUrl, ...(host && { host }) }];
  return { name, members, quotaBackendBytes: 2_147_483_648, ...(host && { layout: LAYOUT }), ...more };
}

export const NETWORK = {
  vpcId: 'vpc-0a1b2c3d',
  subnetIds: ['subnet-0a1b2c3d', 'subnet-1a2b3c4d'],
  securityGroupIds: [],
  clientPorts: [2379, 23790, 23791],
};
const SPARE = { name: 'node9', clientUrl: 'https://10.0.0.9:2379', peerUrl: 'https://10.0.0.9:2380' };
export const PLAIN = cluster('plain', 'http://10.0.0.1:2379');
/** Hosts of the fleet: instances of EC2, and machines elsewhere that Systems Manager manages. */
const INSTANCES = ['i-0a1b2c3d4e5f60001', 'i-0a1b2c3d4e5f60002'] as const;
const MANAGED_NODES = ['mi-0a1b2c3d4e5f60003', 'mi-0a1b2c3d4e5f60004'] as const;
/**
 * Clusters that differ in what they need: ports, secrets by name and by ARN, one secret that two share, and no secret; hosts of
 * both kinds, a spare host that two share, and no host.
 */
export const FLEET: ClustersFile = {
  network: NETWORK,
  clusters: [
    cluster('orders', 'https://10.0.0.1:2379', {
      host: INSTANCES[0],
      spareHosts: [
        { ...SPARE, host: INSTANCES[1] },
        { ...SPARE, host: MANAGED_NODES[1], layout: { dataDir: '/data/etcd' } },
      ],
      auth: { secret: 'etcd/root' },
      tls: { secret: 'etcd/tls' },
    }),
    cluster('billing', 'https://10.0.0.1:23790', {
      host: MANAGED_NODES[0],
      spareHosts: [{ ...SPARE, host: INSTANCES[1], clientUrl: 'https://10.0.0.9:23791' }],
      auth: { secret: SECRET_ARN },
      tls: { secret: 'etcd/tls' },
    }),
    cluster('public', 'https://10.0.0.1:443', { auth: { secret: PARTIAL_ARN } }),
    PLAIN,
  ],
};

export interface Stacks {
  platform: Template;
  /** By the cluster's name. */
  clusters: Record<string, Template>;
  stateMachines: Record<string, unknown>;
  /** The same as texts of JSON, with what CloudFormation fills in as {@link render} has it. */
  definitions: Record<string, string>;
  /** The ARNs of topics, as the embedded platform knows them. */
  topics: string[];
  rules: EventRule[];
  /** The ARNs of functions, as the embedded platform knows them. */
  functions: string[];
  /** Those of functions and of clusters, with what they may do. */
  roles: Role[];
  tables: Table[];
  schedules: MinutelySchedule[];
  starts: RecurringStart[];
  alarms: MetricAlarm[];
  /** Every stack's name in CloudFormation. */
  names: string[];
  /** Every template as it is uploaded. */
  texts: string[];
  /** Everything of the assembly that may differ from another's: its files, its bundles, and what its manifest says of each stack. */
  parts: ReadonlyMap<string, string>;
}

/** Those of cdk.json. */
export function settingsOfCdk(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')).context;
}

/** A folder for each function below `directory`, with something in place of its bundle. */
export function writeBundles(directory: string, codeOf = (name: string) => `// ${name}`): StepBundles {
  const names = [...FUNCTIONS, ...Object.keys(OTHERS)];
  for (const name of names) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'index.cjs'), codeOf(name));
  }
  return Object.fromEntries(names.map((name) => [name, join(directory, name)]));
}

/**
 * The stacks with the settings of cdk.json, as they are deployed.
 * @param codeOf what is in a function's bundle, which does not matter but to its versions
 */
export function synthesizeStacks(file: ClustersFile, codeOf?: (name: string) => string): Stacks {
  const directory = mkdtempSync(join(tmpdir(), 'stacks-test-'));
  try {
    const app = new App({
      outdir: join(directory, 'cdk.out'),
      context: settingsOfCdk(),
      builtinCloudFormationValidation: false,
    });
    defineStacks({ app, file, bundles: writeBundles(directory, codeOf) });
    const { stacks } = app.synth();
    const [platform, ...others] = stacks.toSorted((a, b) => a.id.length - b.id.length);
    return {
      platform: Template.fromJSON(platform?.template),
      clusters: Object.fromEntries(
        others.map((stack) => {
          const [parameterName = ''] = Object.keys(readTemplate(stack).parameters);
          return [basename(parameterName), Template.fromJSON(stack.template)];
        }),
      ),
      stateMachines: Object.assign({}, ...stacks.map((stack) => readTemplate(stack).stateMachines)),
      definitions: Object.assign({}, ...stacks.map(definitionsIn)),
      topics: stacks.flatMap((stack) => readTemplate(stack).topics),
      rules: stacks.flatMap((stack) => readTemplate(stack).rules),
      functions: stacks.flatMap((stack) => readTemplate(stack).functions.map(({ arn }) => arn)),
      roles: stacks.flatMap((stack) => readTemplate(stack).roles),
      tables: stacks.flatMap((stack) => readTemplate(stack).tables),
      schedules: stacks.flatMap((stack) => readTemplate(stack).schedules),
      starts: stacks.flatMap((stack) => readTemplate(stack).starts),
      alarms: stacks.flatMap((stack) => readTemplate(stack).alarms),
      names: stacks.map((stack) => stack.stackName),
      texts: stacks.map((stack) => JSON.stringify(stack.template)),
      parts: partsOf(app.outdir),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function definitionsIn(stack: CloudFormationStackArtifact): Record<string, string> {
  const assets = readAssets(stack);
  const machines = Object.values(resourcesOf(Template.fromJSON(stack.template), 'AWS::StepFunctions::StateMachine'));
  return Object.fromEntries(
    machines.map(({ Properties }) => {
      const values = Object.entries(Properties.DefinitionSubstitutions ?? {}).map(([name, value]) => [
        name,
        render(value),
      ]);
      return [Properties.StateMachineName, substitute(definitionText(Properties, assets), Object.fromEntries(values))];
    }),
  );
}

function partsOf(assembly: string): Map<string, string> {
  const parts = new Map<string, string>();
  for (const entry of readdirSync(assembly, { withFileTypes: true })) {
    const text = entry.isFile() ? readFileSync(join(assembly, entry.name), 'utf8') : '';
    if (entry.name !== 'manifest.json') parts.set(entry.name, text);
    else {
      for (const [name, artifact] of Object.entries(JSON.parse(text).artifacts)) {
        parts.set(`${name} in the manifest`, JSON.stringify(artifact));
      }
    }
  }
  return parts;
}

export function definitionOf({ stateMachines }: Stacks, stateMachineName: string): StateMachineDefinition {
  return stateMachines[stateMachineName] as StateMachineDefinition;
}

export function spaceReclaim(stacks: Stacks): StateMachineDefinition {
  return definitionOf(stacks, 'etcd-remediation-space-reclaim');
}

export function memberReplacement(stacks: Stacks): StateMachineDefinition {
  return definitionOf(stacks, 'etcd-remediation-member-replacement');
}

export function authTokenReset(stacks: Stacks): StateMachineDefinition {
  return definitionOf(stacks, 'etcd-remediation-auth-token-reset');
}

export function authenticationGuard(stacks: Stacks): StateMachineDefinition {
  return definitionOf(stacks, GUARD);
}

export function quorumRecovery(stacks: Stacks): StateMachineDefinition {
  return definitionOf(stacks, 'etcd-remediation-quorum-recovery');
}

export interface Resource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the properties of any CloudFormation resource
  Properties: any;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

export function resourcesOf(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>;
}

export function stateMachineOf(template: Template, stateMachineName: string): Resource {
  const found = Object.values(resourcesOf(template, 'AWS::StepFunctions::StateMachine')).find(
    ({ Properties }) => Properties.StateMachineName === stateMachineName,
  );
  if (!found) throw new Error(`There is no state machine ${stateMachineName}.`);
  return found;
}

/** The functions that run no step, by what their logical IDs begin with. */
const OTHERS: Readonly<Record<string, string>> = { api: 'apiFunction', reports: 'ReportsFunction' };

/** The logical ID and the properties of the function that runs a step, of the API, or of the reports. */
export function functionOf(template: Template, step: string): [string, Resource['Properties']] {
  const found = Object.entries(resourcesOf(template, 'AWS::Lambda::Function')).find(([id]) =>
    id.startsWith(OTHERS[step] ?? `${functionName(step).replaceAll('-', '')}Function`),
  );
  if (!found) throw new Error(`There is no function of ${step}.`);
  return [found[0], found[1].Properties];
}

/** A value with CloudFormation's intrinsic functions as text: `arn:<AWS::Partition>:ssm:...`, `<Log.Arn>:*`. */
export function render(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[key, argument] = []] = Object.entries(value as object);
  // The name of a state machine is the last part of its ARN.
  const [, part] =
    /^\{"Fn::Select":\[6,\{"Fn::Split":\[":",\{"Ref":"(\w+)"\}\]\}\]\}$/.exec(JSON.stringify(value)) ?? [];
  if (part) return `<${part}.Name>`;
  if (key === 'Ref') return `<${argument}>`;
  if (key === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  if (key === 'Fn::Join') return (argument as [string, unknown[]])[1].map(render).join((argument as [string])[0]);
  // The console of each partition has a name of its own.
  if (key === 'Fn::FindInMap') return `<${(argument as string[])[0]}>`;
  throw new Error(`What is ${JSON.stringify(value)}?`);
}

/** Everything that a role may do, each as `action resource`, sorted. */
export function permissionsOf(template: Template, roleId: string): string[] {
  const list = (value: unknown) => (Array.isArray(value) ? value : [value]);
  const role = resourcesOf(template, 'AWS::IAM::Role')[roleId];
  if (role?.Properties.ManagedPolicyArns) throw new Error('Look at this role too.');
  const attached = Object.values(resourcesOf(template, 'AWS::IAM::Policy'))
    .filter(({ Properties }) => Properties.Roles.some((role: { Ref: string }) => role.Ref === roleId))
    .map(({ Properties }) => Properties);
  return [...(role?.Properties.Policies ?? []), ...attached]
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Effect, Action, Resource }) => {
      if (Effect !== 'Allow') throw new Error(`Look at ${Effect}.`);
      return list(Action).flatMap((action) => list(Resource).map((resource) => `${action} ${render(resource)}`));
    })
    .toSorted();
}
