import * as z from 'zod';
import { InvalidInput } from '../errors.ts';
import { START_AGAIN } from '../text/format.ts';
import { TEXT_RULES, textSchema } from '../text/text-rules.ts';
import { backupsSchema } from './backups.ts';
import { maintenanceSchema } from './maintenance.ts';
import { comparableUrl, memberUrl } from './member-url.ts';

/**
 * One etcd cluster, and how it is reached: an entry of clusters.json (./clusters-file.ts), and what every step receives.
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

/** @param holds what has to be in the secret */
function secretReference(holds: string) {
  const secret = z
    .string()
    .regex(/^(arn:aws[a-z-]*:secretsmanager:\S+|[\w/+=.@-]{1,512})$/, {
      error: 'must be the name or the ARN of a secret in Secrets Manager',
    })
    .meta({
      description: `The name or the ARN of the secret. It is JSON with ${holds}. Without AWS, --secrets FILE holds it under this name.`,
    });
  return z.strictObject({ secret });
}

/** Where etcd is on its host. Each value becomes part of a script there, so each follows the rule of its kind. */
const layoutSchema = z.strictObject({
  unit: textSchema(TEXT_RULES.unit).meta({
    description: 'The systemd unit that runs etcd, with ".service" or without: "etcd", or "etcd@orders.service".',
  }),
  dataDir: textSchema(TEXT_RULES.path).meta({
    description:
      'etcd\'s data-dir, the folder that holds "member". Only what is etcd\'s in it is moved aside; anything else stays.',
  }),
  walDir: textSchema(TEXT_RULES.path).nullable().meta({
    description: "etcd's wal-dir, if its log has a folder of its own. null if etcd is configured without one.",
  }),
  configFile: textSchema(TEXT_RULES.path).meta({
    description:
      'The file that etcd reads, into which the membership is written: the YAML file of --config-file, or the EnvironmentFile of the unit with ' +
      'ETCD_… in it. An etcd that has its membership in flags of the unit alone cannot be replaced or recovered: move these into such a file.',
  }),
  user: textSchema(TEXT_RULES.account).meta({
    description: 'The user as which etcd runs. New data belongs to it.',
  }),
  group: textSchema(TEXT_RULES.account).meta({
    description: 'The group as which etcd runs. New data belongs to it.',
  }),
  binDir: textSchema(TEXT_RULES.path).meta({
    description: 'The folder with the programs etcd and, for a quorum recovery, etcdutl (etcdctl on 3.4).',
  }),
});

/** The ID by which Run Command, or hosts.json, knows a host. */
export const hostId = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/, {
  error:
    'must be an instance ID such as "i-0a1b2c3d4e5f60001", or a name in hosts.json: letters, digits, ".", "-" or "_"',
});

/** One member, as the configuration describes it. */
export const memberSchema = z.strictObject({
  name: memberName.meta({
    description: "The member's --name in etcd. No two members of a cluster may have the same.",
  }),
  clientUrl: memberUrl.meta({
    description:
      "The URL at which this member alone answers clients, not a balancer's. If it has several, the one that the functions, or this machine, can " +
      'reach. With https its server certificate has to name this host.',
  }),
  peerUrl: memberUrl.meta({
    description:
      'A URL that the member announces to its peers (--initial-advertise-peer-urls); one of them if it has several. Always needed: by it a ' +
      'member is known, whatever its name and its ID.',
  }),
  host: hostId.optional().meta({
    description:
      'The host of the member: its instance ID in Systems Manager ("i-…" or "mi-…"). Without AWS, any name; hosts.json says how it is reached. ' +
      'Without it a member cannot be restarted, replaced or recovered.',
  }),
  layout: layoutSchema
    .partial()
    .optional()
    .meta({ description: "The fields in which this host differs from the cluster's layout." }),
  learner: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the member is to stay a learner: no runbook promotes it then.' }),
});
export type ConfiguredMember = z.output<typeof memberSchema>;

/**
 * A host that is no member's and may take the place of one that is gone, with what its etcd is configured as. Logins are sent to its URLs, so these
 * are in the configuration: a start names the host alone.
 */
const spareHostSchema = memberSchema.required({ host: true }).omit({ learner: true });
export type SpareHost = z.output<typeof spareHostSchema>;

/** Of a cluster's policy. */
export const POLICY =
  'What runs by itself ("automatic"), and what waits until a person has approved its plan ("approval"). An entry that is left out has its default.';

export const decisionSchema = z.enum(['automatic', 'approval']);
export type Decision = z.output<typeof decisionSchema>;

/** One cluster, as every step receives it. */
export const clusterSchema = z
  .strictObject({
    name: clusterName.meta({
      description: "The cluster's name, of your choice: in commands, alarms, dashboards and stacks.",
    }),
    members: z
      .array(memberSchema)
      .min(1, { error: 'must list at least one member' })
      .meta({ description: 'Every member of the cluster, learners included.' }),
    quotaBackendBytes: z
      .int({
        error: "must be etcd's --quota-backend-bytes as a whole number of bytes (etcd's own default is 2147483648)",
      })
      .positive({ error: "must be more than 0: etcd's --quota-backend-bytes in bytes" })
      .meta({
        description:
          "etcd's --quota-backend-bytes, in bytes. Always needed, for etcd before 3.6 does not tell it. Write etcd's default, 2147483648, if the " +
          'flag is not set.',
      }),
    auth: secretReference('"username" and "password"')
      .optional()
      .meta({
        description:
          "The login, if authentication is enabled. The user needs etcd's role root: every runbook asks for it first. Left out if users log in by " +
          'the common name of the client certificate in tls, which then needs that role.',
      }),
    tls: secretReference(
      '"ca", and "cert" and "key" if etcd asks for a client certificate, each the text of a PEM file',
    )
      .optional()
      .meta({
        description:
          'The CA and the client certificate, if clients speak TLS. "ca" has to be that of the server certificates (--cert-file). "cert" has to be ' +
          'one of the CA that etcd trusts (--trusted-ca-file), and for client authentication.',
      }),
    layout: layoutSchema.optional().meta({
      description:
        "Where etcd lies on the hosts. Every field is needed for each host, here or in the member's own layout. Left out if no member has a host.",
    }),
    spareHosts: z
      .array(spareHostSchema)
      .optional()
      .meta({
        description:
          "Hosts that are no member's, on which etcd is installed and configured, but does not run. A start that asks for one lets it take the " +
          'place of a member that is gone.',
      }),
    backups: backupsSchema.optional().meta({
      description:
        'Where backups of this cluster are kept, for a quorum recovery. With everyMinutes they are made; without it something else makes them, and ' +
        '`check` says how old the newest is.',
    }),
    maintenance: maintenanceSchema.optional().meta({
      description:
        'A quiet window in which fragmented space is reclaimed before anything is wrong. Nothing is done while anything else is. Left out: space is ' +
        'reclaimed once an alarm is raised.',
    }),
    // core/remediation/policy.ts knows which entries there are.
    policy: z.record(z.string(), decisionSchema.optional()).optional().meta({ description: POLICY }),
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

/** The index and value of each item's `field` which an earlier item has as well. */
export function* repeated(items: unknown, field: string): Generator<[number, string]> {
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

export type Layout = z.output<typeof layoutSchema>;

/** Every client URL to which a function may send a login. */
export function clientUrlsOf({ members, spareHosts = [] }: Cluster): string[] {
  return [...members, ...spareHosts].map(({ clientUrl }) => clientUrl);
}

/** Whether clients speak to it over TLS, so that there are certificates to look at. */
export function speaksTls({ members }: Cluster): boolean {
  return members.some(({ clientUrl }) => new URL(clientUrl).protocol === 'https:');
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
