import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { START_AGAIN } from '../text/format.ts';
import { mustBe } from '../text/parse.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';
import { comparableUrl, memberUrl } from './member-url.ts';

/**
 * clusters.json: which etcd clusters there are and how each is reached.
 * It names secrets and never holds them.
 */

/** Relations between fields are checked even when single fields are wrong, so that one reading shows every problem. */
export const EVEN_WHEN_FIELDS_ARE_WRONG = {
  when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
};

/** A cluster's name is a part of its stack's name, so CloudFormation's rules hold. */
export const clusterName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9-]{0,62}$/, {
  error: 'must be 1 to 63 letters, digits or "-", and start with a letter or digit',
});

/** An etcd member's name is the operator's own and may hold dots. */
export const memberName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/, {
  error:
    'must be 1 to 128 letters, digits, ".", "-" or "_", and start with a letter or digit. If the member has another kind of name in etcd, write ' +
    'an alias here: that is enough for a reclaim of space and for tokens. A replacement or a recovery first needs the member renamed (--name)',
});

const secretReference = z.strictObject({
  secret: z.string().regex(/^(arn:aws[a-z-]*:secretsmanager:\S+|[\w/+=.@-]{1,512})$/, {
    error: 'must be the name or the ARN of a secret in Secrets Manager',
  }),
});

/** Where etcd is on its host. Each value becomes part of a script there, so each follows the rule of its kind. */
const layoutSchema = z.strictObject({
  unit: textSchema(TEXT_RULES.unit),
  dataDir: textSchema(TEXT_RULES.path),
  walDir: textSchema(TEXT_RULES.path).nullable(),
  configFile: textSchema(TEXT_RULES.path),
  user: textSchema(TEXT_RULES.account),
  group: textSchema(TEXT_RULES.account),
  binDir: textSchema(TEXT_RULES.path),
});

/** The ID by which Run Command, or hosts.json, knows a host. */
export const hostId = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/, {
  error:
    'must be an instance ID such as "i-0a1b2c3d4e5f60001", or a name in hosts.json: letters, digits, ".", "-" or "_"',
});

/** One member, as the configuration describes it. */
export const memberSchema = z.strictObject({
  name: memberName,
  clientUrl: memberUrl,
  peerUrl: memberUrl,
  host: hostId.optional(),
  /** Where this member's host differs from the cluster's layout. */
  layout: layoutSchema.partial().optional(),
  /** It is to stay a learner: a runbook that finds it so does not promote it. */
  learner: z.boolean().optional(),
});
export type ConfiguredMember = z.output<typeof memberSchema>;

/**
 * A host that is no member's and may take the place of one that is gone, with what its etcd is configured as. Logins are sent to its URLs, so these
 * are in the configuration: a start names the host alone.
 */
const spareHostSchema = memberSchema.required({ host: true }).omit({ learner: true });
export type SpareHost = z.output<typeof spareHostSchema>;

export const decisionSchema = z.enum(['automatic', 'approval']);

/** One cluster, as every step receives it. */
export const clusterSchema = z
  .strictObject({
    name: clusterName,
    members: z.array(memberSchema).min(1, { error: 'must list at least one member' }),
    quotaBackendBytes: z
      .int({
        error: "must be etcd's --quota-backend-bytes as a whole number of bytes (etcd's own default is 2147483648)",
      })
      .positive({ error: "must be more than 0: etcd's --quota-backend-bytes in bytes" }),
    auth: secretReference.optional(),
    tls: secretReference.optional(),
    layout: layoutSchema.optional(),
    spareHosts: z.array(spareHostSchema).optional(),
    /** Where snapshots of this cluster are kept, for a quorum recovery that is told to use one. */
    backups: z
      .strictObject({
        bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: 'must be the name of an S3 bucket' }),
        /** Keys outside of it cannot be read. */
        prefix: z
          .string()
          .max(512, { error: 'must be at most 512 characters' })
          .regex(/^[\w!.'()/-]*$/, { error: 'must be the beginning of a key: letters, digits and "!-_.\'()/"' })
          .default(''),
      })
      .optional(),
    /** What runs by itself, and what waits for an approval; `core/remediation/policy.ts` knows which entries there are. */
    policy: z.record(z.string(), decisionSchema).optional(),
  })
  .superRefine((cluster, context) => {
    for (const field of ['name', 'clientUrl', 'peerUrl', 'host'] as const) {
      for (const [index, value] of repeated(cluster.members, field)) {
        context.addIssue({
          code: 'custom',
          path: ['members', index, field],
          message: `"${value}" is already used by another member of this cluster`,
        });
      }
    }
    for (const list of ['members', 'spareHosts'] as const) {
      for (const [index] of valuesOf(cluster[list], 'host')) {
        const lacking = fieldsLackingIn(cluster.layout, cluster[list]?.[index]?.layout);
        // What the cluster's own lacks is reported there.
        if (cluster.layout || lacking.length === 0) continue;
        context.addIssue({
          code: 'custom',
          path: [list, index, 'host'],
          message: `is of no use without a "layout", its own or the cluster's, that says where etcd is on it: ${lacking.join(', ')}`,
        });
      }
    }
    // As it is written into each member's configuration.
    const initialCluster = [...valuesOf(cluster.members, 'peerUrl')].map(([, url]) => url).join(',');
    const names = [...valuesOf(cluster.members, 'name')].map(([, name]) => `${name}=`).join('');
    if (initialCluster.length + names.length > TEXT_RULES.initialCluster.maxChars) {
      context.addIssue({
        code: 'custom',
        path: ['members'],
        message: `have names and peer URLs that are too long for one initial-cluster of ${TEXT_RULES.initialCluster.maxChars} characters`,
      });
    }
    const hosts = new Set([...valuesOf(cluster.members, 'host')].map(([, host]) => host));
    for (const [index, host] of valuesOf(cluster.spareHosts, 'host')) {
      if (hosts.has(host)) {
        context.addIssue({
          code: 'custom',
          path: ['spareHosts', index, 'host'],
          message: `"${host}" is already used by a member or an earlier spare host of this cluster`,
        });
      }
      hosts.add(host);
    }
    for (const list of ['members', 'spareHosts'] as const) {
      for (const [index, url] of valuesOf(cluster[list], 'clientUrl')) {
        if (cluster.tls && url.startsWith('http:')) {
          context.addIssue({
            code: 'custom',
            path: [list, index, 'clientUrl'],
            message: `"${url}" is plain http, but the cluster has "tls"; write https or remove "tls"`,
          });
        }
      }
    }
  }, EVEN_WHEN_FIELDS_ARE_WRONG);

const networkSchema = z.strictObject({
  vpcId: z.string().startsWith('vpc-', { error: 'must start with "vpc-"' }),
  subnetIds: z
    .array(z.string().startsWith('subnet-', { error: 'must start with "subnet-"' }))
    .min(1, { error: 'must list at least one subnet' }),
  securityGroupIds: z.array(z.string().startsWith('sg-', { error: 'must start with "sg-"' })),
  /** The ports of all members' client URLs: the steps get out to these, and to the APIs of AWS. */
  clientPorts: z.array(z.int().min(1).max(65_535), { error: 'must list ports, such as [2379]' }).min(1).default([2379]),
});

const quota = z.int().positive({ error: 'must be the quota that AWS has granted, a number' });

export const clustersFileSchema = z
  .strictObject(
    {
      /** Of all names, so that a second platform fits beside the first in one account and region. */
      prefix: z
        .string()
        .regex(/^(?!aws|amazon|amzn|ssm)[a-z][a-z0-9-]{0,14}[a-z0-9]$/, {
          error:
            'must be 2 to 16 small letters, digits or "-", start with a letter, not end with "-", and not start with what AWS keeps for itself ("aws", "amazon", "ssm")',
        })
        .optional(),
      network: networkSchema.optional(),
      /** Whose key encrypts the topic, the bucket, the table and the logs: AWS's own, or one of KMS that the platform's stack makes. */
      encryption: z
        .enum(['aws-owned', 'customer-managed'], { error: 'must be "aws-owned" or "customer-managed"' })
        .optional(),
      /** What AWS has granted the account beyond its defaults. */
      quotas: z.strictObject({ alarms: quota, roles: quota, rules: quota, stacks: quota }).partial().optional(),
      clusters: z.array(clusterSchema).min(1, { error: 'must list at least one cluster' }),
    },
    mustBe(
      'an object with a list of clusters',
      '{"clusters": [{"name": "orders", "quotaBackendBytes": 2147483648, "members": [',
      '  {"name": "m1", "clientUrl": "https://10.0.1.11:2379", "peerUrl": "https://10.0.1.11:2380"}]}]}',
    ),
  )
  .superRefine((file, context) => {
    for (const [index, value] of repeated(file.clusters, 'name')) {
      context.addIssue({
        code: 'custom',
        path: ['clusters', index, 'name'],
        message: `"${value}" is already used by another cluster`,
      });
    }
  }, EVEN_WHEN_FIELDS_ARE_WRONG);

/** The index and value of each item's `field` which an earlier item has as well. */
function* repeated(items: unknown, field: string): Generator<[number, string]> {
  const seen = new Set<string>();
  for (const [index, value] of valuesOf(items, field)) {
    if (seen.has(value)) yield [index, value];
    seen.add(value);
  }
}

/** The text values of `field`; anything of a wrong shape is passed over, for it has a problem of its own already. */
function* valuesOf(items: unknown, field: string): Generator<[number, string]> {
  if (!Array.isArray(items)) return;
  for (const [index, item] of items.entries()) {
    const value: unknown = item?.[field];
    if (typeof value !== 'string') continue;
    const comparable = field.endsWith('Url') ? comparableUrl(value) : value;
    if (comparable !== undefined) yield [index, comparable];
  }
}

export type Cluster = z.output<typeof clusterSchema>;
/** Where the Lambda functions live. Needed to deploy, not to run embedded. */
export type Network = z.output<typeof networkSchema>;
export type ClustersFile = z.output<typeof clustersFileSchema>;

export type Layout = z.output<typeof layoutSchema>;

/** Every client URL to which a function may send a login. */
export function clientUrlsOf({ members, spareHosts = [] }: Cluster): string[] {
  return [...members, ...spareHosts].map(({ clientUrl }) => clientUrl);
}

/** Every host that a runbook may send commands to. */
export function hostsOf({ members, spareHosts = [] }: Cluster): string[] {
  return [...members.flatMap(({ host }) => host ?? []), ...spareHosts.map(({ host }) => host)];
}

/** Where etcd is on one member's host. @throws InvalidInput where neither the cluster nor the member says it */
export function layoutOf({ name, layout }: Cluster, member: ConfiguredMember): Layout {
  const lacking = fieldsLackingIn(layout, member.layout);
  if (lacking.length === 0) return { ...layout, ...member.layout } as Layout;
  throw new InvalidInput(
    `The cluster ${name} has no "layout" in clusters.json that says where etcd is on the host of ${member.name}: ${lacking.join(', ')} are missing. Add ` +
      `it to the cluster or to the member, and each member's "host". ${START_AGAIN}`,
  );
}

/** The fields of a layout that neither of these has; what they say is checked elsewhere. */
function fieldsLackingIn(...layouts: readonly unknown[]): string[] {
  const named: object = Object.assign({}, ...layouts);
  return Object.keys(layoutSchema.shape).filter((field) => !Object.hasOwn(named, field));
}

/** The SSM parameter that holds one cluster's configuration. */
export function registryParameterName(clusterName: string): string {
  return `/etcd-remediation/clusters/${clusterName}`;
}
