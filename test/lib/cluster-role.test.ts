import { describe, expect, it } from 'vitest';
import { backupKeys } from '../../core/backups/names.ts';
import { CLUSTER_ACCESS, type ClusterAccess } from '../../core/cluster/cluster-role.ts';
import { clusterSchema } from '../../core/cluster/clusters.ts';
import { documentName } from '../../core/hosts/host-commands.ts';
import { functionOf } from '../../lib/steps.ts';
import { type Caller, Iam } from '../../local/aws/iam.ts';
import { permissionForS3, permissionsFor } from '../../local/aws/permissions.ts';
import type { Permission } from '../../local/aws/policy.ts';
import { LAYOUT, NETWORK, STEPS, STEPS_WITHOUT_CLUSTER, synthesizeStacks } from './stacks.ts';

/** What a step reaches that works on one cluster: by the synthesized policies, evaluated. */

const HOSTS = { orders: 'i-0a1b2c3d4e5f60001', billing: 'mi-0a1b2c3d4e5f60002' };
const SPARE = { orders: 'i-0a1b2c3d4e5f60003', billing: 'i-0a1b2c3d4e5f60004' };

const KMS_KEY = 'arn:aws:kms:local:000000000000:key/0a1b2c3d';

function clusterOf(name: 'orders' | 'billing') {
  const urls = { clientUrl: 'https://10.0.0.1:2379', peerUrl: 'https://10.0.0.1:2380' };
  return clusterSchema.parse({
    name,
    members: [{ name: 'node1', ...urls, host: HOSTS[name] }],
    spareHosts: [{ name: 'node2', ...urls, host: SPARE[name] }],
    quotaBackendBytes: 1,
    layout: LAYOUT,
    auth: { secret: `etcd/${name}/root` },
    tls: { secret: `arn:aws:secretsmanager:local:000000000000:secret:tls-${name}-AbCdEf` },
    backups: { bucket: 'all-backups', prefix: `${name}/`, everyMinutes: 60, kmsKey: KMS_KEY },
  });
}

const stacks = synthesizeStacks({ network: NETWORK, clusters: [clusterOf('orders'), clusterOf('billing')] });
const iam = new Iam(stacks.roles, { accessKeyId: 'OWNER', secretAccessKey: '' });

function arnOf(cluster: string): string {
  return `arn:aws:iam::000000000000:role/etcd-remediation/clusters/etcd-remediation-local-${cluster}`;
}

/** The function that runs a step. */
function callerOf(step: string): Caller {
  const id = `${functionOf(step).replaceAll('-', '')}Role`;
  const role = stacks.roles.find(({ arn }) => arn.split('/').at(-1)?.startsWith(id));
  if (!role) throw new Error(`There is no role of ${step}.`);
  return iam.callerOf(iam.credentialsOf(role.arn, step).accessKeyId);
}

/** What reaches something of a cluster, by what a session has to be for. */
function reachesOf(cluster: 'orders' | 'billing'): Record<ClusterAccess, [string, Permission[]][]> {
  const read = (SecretId: string) => permissionsFor('secretsmanager.GetSecretValue', { SecretId });
  const send = (command: Parameters<typeof documentName>[0], host: string) =>
    permissionsFor('AmazonSSM.SendCommand', { DocumentName: documentName(command), InstanceIds: [host] });
  const ownRehearsals = `${cluster}/${cluster}-rehearsal.json`;
  const ownBackup = `${cluster}/${cluster}-20261129T081500.123Z.db.gz`;
  return {
    secrets: [
      ['its login', read(`etcd/${cluster}/root`)],
      ['its certificates', read(`arn:aws:secretsmanager:local:000000000000:secret:tls-${cluster}-AbCdEf`)],
    ],
    commands: [
      ["a member's host", send('control-service', HOSTS[cluster])],
      ['a spare host', send('swap-data-dir', SPARE[cluster])],
    ],
    transfers: [
      ['a URL on a host', send('restore-snapshot', HOSTS[cluster])],
      ['a backup', [permissionForS3('GetObject', 'all-backups', `${cluster}/2026-11-22.db`)]],
    ],
    backups: [
      ['the list of its backups', [{ action: 's3:ListBucket', resource: 'arn:aws:s3:::all-backups' }]],
      [
        'what is known of a backup',
        [permissionForS3('GetObject', 'all-backups', ownBackup.replace('.db.gz', '.json'))],
      ],
    ],
    pruning: [['the end of a backup', [permissionForS3('DeleteObject', 'all-backups', ownBackup)]]],
    rehearsing: [
      ['what is written down of its rehearsals', [permissionForS3('PutObject', 'all-backups', ownRehearsals)]],
    ],
    'backing-up': [
      [
        'a new backup',
        ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload', 'AbortMultipartUpload', 'PutObject'].map(
          (each) => permissionForS3(each, 'all-backups', ownBackup),
        ),
      ],
      ["a copy of its database on a member's host", send('copy-database', HOSTS[cluster])],
    ],
  };
}

const ACCESS: Record<string, ClusterAccess> = {
  'run-host-commands': 'commands',
  'stage-snapshot': 'transfers',
  'transfer-snapshots': 'transfers',
  'list-backups': 'backups',
  'find-recovery-backup': 'backups',
  'prune-backups': 'pruning',
  'plan-rehearsal': 'backups',
  'record-rehearsal': 'rehearsing',
  'back-up-cluster': 'backing-up',
  'copy-database': 'backing-up',
  'send-backup': 'backing-up',
  'complete-backup': 'backing-up',
  'try-backups': 'backing-up',
};
/** These look at a whole cluster, and may also open the session that says which backups there are. */
const LOOKING = ['analyze-store', 'diagnose-cluster', 'detect-incidents'];
/** What a session may besides what it is for. */
const ALSO: Partial<Record<ClusterAccess, string[]>> = {
  'backing-up': ['its login', 'its certificates'],
  pruning: ['the list of its backups'],
  // Whatever lies below the prefix.
  transfers: ['what is known of a backup'],
};
const REACHING = STEPS.filter((step) => !STEPS_WITHOUT_CLUSTER.includes(step));

describe('a policy', () => {
  it.each(stacks.roles.map((role) => [role.arn.split('/').slice(1).join('/'), role] as const))(
    'of the role %s names one cluster, or none',
    (name, { statements, trust }) => {
      const text = JSON.stringify([statements, trust]);
      const named = ['orders', 'billing'].filter((cluster) =>
        [cluster, HOSTS[cluster as 'orders'], SPARE[cluster as 'orders']].some((each) => text.includes(each)),
      );
      const own = /clusters\/etcd-remediation-local-(\w+)$/.exec(name)?.[1];
      expect(named).toEqual(own === undefined ? [] : [own]);
    },
  );
});

describe('a step', () => {
  it.each(REACHING)('%s that is given a cluster reaches that one as its role, and no other', (step) => {
    const access = ACCESS[step] ?? 'secrets';
    for (const [cluster, other] of [
      ['orders', 'billing'],
      ['billing', 'orders'],
    ] as const) {
      const session = iam.assume(callerOf(step), arnOf(cluster), access);
      const may = ([, permissions]: [string, Permission[]]) =>
        permissions.every((each) => iam.may(session, each, { 's3:prefix': `${cluster}/` }));
      expect(reachesOf(cluster)[access].filter((each) => !may(each))).toEqual([]);
      const others = Object.values(reachesOf(other)).flat();
      // The bucket is one for both: the list is held to the prefix.
      const lists = ['backups', 'pruning'].includes(access);
      expect(others.filter(may).map(([what]) => what)).toEqual(lists ? ['the list of its backups'] : []);
      const list = { action: 's3:ListBucket', resource: 'arn:aws:s3:::all-backups' };
      expect(iam.may(session, list, { 's3:prefix': `${other}/` })).toBe(false);
      // Of its own cluster, what its session is for and nothing else.
      const notItsOwn = CLUSTER_ACCESS.filter((each) => each !== access).flatMap((each) => reachesOf(cluster)[each]);
      expect(notItsOwn.filter(may).map(([what]) => what)).toEqual(ALSO[access] ?? []);
    }
  });

  it.each(REACHING)('%s reaches no cluster without a role, and gets none for anything else', (step) => {
    const caller = callerOf(step);
    const access = ACCESS[step] ?? 'secrets';
    const all = [...Object.values(reachesOf('orders')), ...Object.values(reachesOf('billing'))].flat();
    expect(all.filter(([, needed]) => needed.every((each) => iam.may(caller, each)))).toEqual([]);
    const opened = LOOKING.includes(step) ? [access, 'backups'] : [access];
    for (const each of opened) expect(() => iam.assume(caller, arnOf('orders'), each)).not.toThrow();
    for (const another of CLUSTER_ACCESS.filter((each) => !opened.includes(each))) {
      expect(() => iam.assume(caller, arnOf('orders'), another)).toThrow(
        /is not authorized to perform: sts:AssumeRole/,
      );
    }
    const session = iam.assume(caller, arnOf('orders'), access);
    expect(() => iam.assume(session, arnOf('billing'), access)).toThrow(/not authorized/);
    expect(() => iam.assume(caller, arnOf('nobody'), access)).toThrow(/not authorized/);
  });

  it.each(STEPS.filter((step) => STEPS_WITHOUT_CLUSTER.includes(step)))('%s gets no role of a cluster', (step) => {
    for (const access of CLUSTER_ACCESS) {
      expect(() => iam.assume(callerOf(step), arnOf('orders'), access)).toThrow(/not authorized/);
    }
  });

  it('touches no backup of a cluster whose name begins with its own, in one place for both', () => {
    const backups = { bucket: 'all-backups', prefix: '', everyMinutes: 60 };
    const [orders, ordersEu] = ['orders', 'orders-eu'].map((name) => ({ ...clusterOf('billing'), name, backups }));
    if (!orders || !ordersEu) throw new Error('There are two clusters.');
    const { roles } = synthesizeStacks({ network: NETWORK, clusters: [orders, ordersEu] });
    const own = new Iam(roles, { accessKeyId: 'OWNER', secretAccessKey: '' });
    const keys = (cluster: typeof orders) => backupKeys(cluster, new Date('2026-11-29T08:15:00.123Z'));
    for (const [access, operation] of [
      ['pruning', 'DeleteObject'],
      ['backing-up', 'PutObject'],
    ] as const) {
      const session = own.callerOf(own.credentialsOf(arnOf('orders'), access).accessKeyId);
      const may = (cluster: typeof orders) =>
        (['snapshot', 'record'] as const).map((kind) =>
          own.may(session, permissionForS3(operation, 'all-backups', keys(cluster)[kind])),
        );
      expect({ operation, orders: may(orders), ordersEu: may(ordersEu) }).toEqual({
        operation,
        orders: [true, true],
        ordersEu: [false, false],
      });
    }
    const uploading = own.callerOf(own.credentialsOf(arnOf('orders'), 'backing-up').accessKeyId);
    const list = { action: 's3:ListBucket', resource: 'arn:aws:s3:::all-backups' };
    const sees = (prefix: string) => own.may(uploading, list, { 's3:prefix': prefix });
    expect([keys(orders).snapshot, keys(ordersEu).snapshot, ''].map(sees)).toEqual([true, false, false]);
  });
});
