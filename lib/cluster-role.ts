import {
  ArnPrincipal,
  CompositePrincipal,
  PolicyDocument,
  PolicyStatement,
  PrincipalWithConditions,
  Role,
} from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Aws, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { patternOfKeys, rehearsalKey } from '../core/backups/names.ts';
import type { BackupsPlace } from '../core/cluster/backups.ts';
import {
  CLUSTER_ACCESS,
  type ClusterAccess,
  clusterRoleName,
  functionsFor,
  PATH_OF_CLUSTERS,
  pathOfFunctions,
} from '../core/cluster/cluster-role.ts';
import { type Cluster, hostsOf } from '../core/cluster/clusters.ts';
import { documentName, HOST_COMMANDS, type HostCommandName } from '../core/hosts/host-commands.ts';
import { TRANSFERS } from '../core/quorum-recovery/staging-contracts.ts';
import { instanceArn, secretArns } from './arns.ts';
import { named } from './names.ts';

interface Grant {
  actions: string[];
  resources: string[];
  conditions?: Record<string, string>;
}

/** By which a host goes on with a backup. */
const BACKING_UP: readonly HostCommandName[] = ['copy-database', 'send-snapshot'];
/** The documents that a session for commands may send, one for transfers, and one for backups. */
const DOCUMENTS: Readonly<Record<'commands' | 'transfers' | 'backing-up', readonly HostCommandName[]>> = {
  commands: (Object.keys(HOST_COMMANDS) as HostCommandName[]).filter(
    (command) => command === 'inspect-host' || ![...TRANSFERS, ...BACKING_UP].includes(command),
  ),
  transfers: [...TRANSFERS, 'find-command'],
  'backing-up': [...BACKING_UP, 'find-command'],
};

/**
 * The role of one cluster: what a step may do with its secrets, its hosts and its backups, and with nothing of another cluster's. A function
 * assumes it for the cluster that it works on, under the name of what it may do: so is what the session may do.
 *
 * It trusts the functions by the path of their roles, for their names are CloudFormation's.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_rolesessionname
 */
export class ClusterRole extends Construct {
  constructor(scope: Construct, id: string, { cluster }: { cluster: Cluster }) {
    super(scope, id);
    const grants = grantsOf(this, cluster);
    const given = CLUSTER_ACCESS.filter((access) => grants[access].length > 0);
    const role = new Role(this, 'Role', {
      roleName: named(this, clusterRoleName(Aws.REGION, cluster.name)),
      path: named(this, PATH_OF_CLUSTERS),
      description: `What steps of etcd-remediation may do with the etcd cluster ${cluster.name}`,
      assumedBy: new CompositePrincipal(...given.map((access) => functionsWith(this, access))),
      inlinePolicies: {
        cluster: new PolicyDocument({
          statements: given.flatMap((access) =>
            grants[access].map(
              (grant) =>
                // The end of a session's ID is its name.
                new PolicyStatement({
                  ...grant,
                  conditions: { StringLike: { 'aws:userid': `*:${access}`, ...grant.conditions } },
                }),
            ),
          ),
        }),
      },
    });
    const ownOnes = cluster.backups?.everyMinutes === undefined ? [] : [ownBackupArn(cluster)];
    for (const resource of cluster.backups ? [backupArn(cluster.backups), ...ownOnes] : []) {
      Validations.of(role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${resource.replace(Aws.PARTITION, '<AWS::Partition>')}]`,
        reason: 'Which backup it is, is found out only then: any of this one cluster.',
      });
    }
  }

  /** Whether there is anything that a role of this cluster would be for. */
  static isNeededBy({ auth, tls, backups, ...cluster }: Cluster): boolean {
    return Boolean(auth || tls || backups) || hostsOf(cluster).length > 0;
  }
}

function functionsWith(scope: Construct, access: ClusterAccess): PrincipalWithConditions {
  const roles = functionsFor(access).map((each) =>
    Stack.of(scope).formatArn({
      service: 'iam',
      region: '',
      resource: 'role',
      resourceName: `${named(scope, pathOfFunctions(Aws.REGION, each)).slice(1)}*`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    }),
  );
  // The account by its ID, which is shorter than by an ARN: IAM takes 2,048 characters of trust.
  return new PrincipalWithConditions(new ArnPrincipal(Aws.ACCOUNT_ID), {
    ArnLike: { 'aws:PrincipalArn': roles.length === 1 ? roles[0] : roles },
    StringEquals: { 'sts:RoleSessionName': access },
  });
}

function grantsOf(scope: Construct, cluster: Cluster): Readonly<Record<ClusterAccess, Grant[]>> {
  const stack = Stack.of(scope);
  const { auth, tls, backups } = cluster;
  const secrets = [...new Set([auth?.secret, tls?.secret])].flatMap((secret) =>
    secret === undefined ? [] : secretArns(stack, secret),
  );
  const hosts = [...new Set(hostsOf(cluster))].map((host) => instanceArn(stack, host));
  const send = (kind: keyof typeof DOCUMENTS): Grant => ({
    actions: ['ssm:SendCommand'],
    resources: [...DOCUMENTS[kind].map((command) => documentArn(scope, command)), ...hosts],
  });
  const readSecrets = secrets.length > 0 ? [{ actions: ['secretsmanager:GetSecretValue'], resources: secrets }] : [];
  const makesBackups = backups?.everyMinutes !== undefined;
  return {
    secrets: readSecrets,
    commands: hosts.length > 0 ? [send('commands')] : [],
    transfers: [
      ...(hosts.length > 0 ? [send('transfers')] : []),
      ...(backups
        ? [{ actions: ['s3:GetObject'], resources: [backupArn(backups)] }, ...useKey(backups, 'kms:Decrypt')]
        : []),
    ],
    backups: backups ? [listAll(backups), ...(makesBackups ? readRecords(cluster, backups) : [])] : [],
    pruning: backups && makesBackups ? [listAll(backups), expire(cluster)] : [],
    rehearsing: backups && makesBackups ? recordRehearsals(cluster, backups) : [],
    'backing-up':
      backups && makesBackups
        ? [...readSecrets, ...write(cluster, backups), ...(hosts.length > 0 ? [send('backing-up')] : [])]
        : [],
  };
}

/**
 * Whether an upload is complete is seen in the list of the bucket. S3 wants kms:Decrypt, too, of whoever uploads in parts.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
 */
function write(cluster: Cluster, backups: BackupsPlace): Grant[] {
  return [
    { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: [ownBackupArn(cluster)] },
    listOf(backups.bucket, patternOfKeys(cluster)),
    ...useKey(backups, 'kms:GenerateDataKey', 'kms:Decrypt'),
  ];
}

/** Of a backup only what is known of it is read; the rest is no concern of who looks. */
function readRecords(cluster: Cluster, backups: BackupsPlace): Grant[] {
  return [
    { actions: ['s3:GetObject'], resources: [ownBackupArn(cluster, '.json'), rehearsalsArn(cluster)] },
    ...useKey(backups, 'kms:Decrypt'),
  ];
}

function expire(cluster: Cluster): Grant {
  return { actions: ['s3:DeleteObject'], resources: [ownBackupArn(cluster)] };
}

/** What is known of the rehearsals is one object, and whether it is there is seen in the list of the bucket. */
function recordRehearsals(cluster: Cluster, backups: BackupsPlace): Grant[] {
  return [
    { actions: ['s3:GetObject', 's3:PutObject'], resources: [rehearsalsArn(cluster)] },
    listOf(backups.bucket, rehearsalKey(cluster)),
    ...useKey(backups, 'kms:Decrypt', 'kms:GenerateDataKey'),
  ];
}

function useKey({ kmsKey }: BackupsPlace, ...actions: string[]): Grant[] {
  return kmsKey === undefined ? [] : [{ actions, resources: [kmsKey] }];
}

/** To see what backups there are; their contents are no concern of who looks. */
function listAll({ bucket, prefix }: BackupsPlace): Grant {
  return listOf(bucket, `${prefix}*`);
}

/** @param keys a pattern of IAM's */
function listOf(bucket: string, keys: string): Grant {
  return {
    actions: ['s3:ListBucket'],
    resources: [`arn:${Aws.PARTITION}:s3:::${bucket}`],
    ...(keys !== '*' && { conditions: { 's3:prefix': keys } }),
  };
}

function documentArn(scope: Construct, command: HostCommandName): string {
  const resourceName = named(scope, documentName(command));
  return Stack.of(scope).formatArn({ service: 'ssm', resource: 'document', resourceName });
}

function backupArn({ bucket, prefix }: BackupsPlace): string {
  return `arn:${Aws.PARTITION}:s3:::${bucket}/${prefix}*`;
}

function rehearsalsArn(cluster: Cluster): string {
  return `arn:${Aws.PARTITION}:s3:::${cluster.backups?.bucket}/${rehearsalKey(cluster)}`;
}

/** Of those that are made here, and not of what somebody else keeps beside them. */
function ownBackupArn(cluster: Cluster, kind?: '.json'): string {
  return `arn:${Aws.PARTITION}:s3:::${cluster.backups?.bucket}/${patternOfKeys(cluster, kind)}`;
}
