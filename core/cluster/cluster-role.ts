import { withPrefix } from '../text/names.ts';

/**
 * The role of a cluster: by it, and by nothing else, a step reaches the cluster's secrets, hosts and backups. Each cluster's stack makes its own, so
 * no policy of the platform names a cluster.
 */

/**
 * What a role may be assumed for: the name of the session. Each function may assume roles for one of these alone, and the role lets a session do
 * only what its name says: whoever writes backups can neither read nor remove one, and whoever says which there are can remove none.
 */
export const CLUSTER_ACCESS = [
  'secrets',
  'commands',
  'transfers',
  'backups',
  'pruning',
  'rehearsing',
  'backing-up',
] as const;
export type ClusterAccess = (typeof CLUSTER_ACCESS)[number];

/** What looks at a whole cluster may open two sessions: for the secrets, and for what is known of its backups. */
export type FunctionAccess = ClusterAccess | 'looking';

/** The functions that may open a session, by what their paths say. */
export function functionsFor(access: ClusterAccess): FunctionAccess[] {
  // The path of the second begins with that of `secrets`, so that these need not be named there.
  return access === 'backups' ? [access, 'looking'] : [access];
}

/** The end of what a function is told of: in its place comes the cluster's name. */
const ANY_CLUSTER = '*';

/** The path of the functions' roles that may assume a cluster's role for this; {@link rolesOfClusters} has that of the clusters' own. */
export function pathOfFunctions(region: string, access: FunctionAccess): string {
  return `/etcd-remediation/${region}/${access === 'looking' ? 'secrets/looking' : access}/`;
}

export const PATH_OF_CLUSTERS = '/etcd-remediation/clusters/';

/** A role's name is one for all regions of an account. */
export function clusterRoleName(region: string, cluster: string): string {
  return `etcd-remediation-${region}-${cluster}`;
}

/** The ARN of every cluster's role: a function's permission, and what it is told of them. */
export function rolesOfClusters({
  partition,
  account,
  region,
  prefix,
}: Record<'partition' | 'account' | 'region' | 'prefix', string>): string {
  const path = withPrefix(PATH_OF_CLUSTERS, prefix);
  return `arn:${partition}:iam::${account}:role${path}${withPrefix(clusterRoleName(region, ANY_CLUSTER), prefix)}`;
}

/** @param roles what {@link rolesOfClusters} has made */
export function clusterRoleArn(roles: string, cluster: string): string {
  return `${roles.slice(0, -ANY_CLUSTER.length)}${cluster}`;
}
