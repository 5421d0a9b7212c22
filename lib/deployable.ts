import { type Cluster, clientUrlsOf, hostsOf } from '../core/cluster/clusters.ts';
import type { ClustersFile, Network } from '../core/cluster/clusters-file.ts';
import { InvalidInput } from '../core/errors.ts';

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html#API_SendCommand_RequestSyntax */
const INSTANCE_ID = /^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$/;

/** That what is configured can be deployed. @throws InvalidInput with the first that cannot */
export function requireDeployable(file: ClustersFile): void {
  requireDeployableClusters(file.clusters, requireNetwork(file).clientPorts);
}

/** @throws InvalidInput with the first of all clusters that cannot be deployed beside each other */
export function requireDeployableClusters(clusters: readonly Cluster[], clientPorts: readonly number[]): void {
  for (const cluster of clusters) {
    requireInstanceIds(cluster);
    requirePorts(cluster, clientPorts);
  }
  requireNamesApart(clusters);
  requireBackupsApart(clusters);
}

/** That each cluster has a role of its own. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names */
function requireNamesApart(clusters: readonly Cluster[]): void {
  const seen = new Map<string, string>();
  for (const { name } of clusters) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined && other !== name) {
      throw new InvalidInput(
        `The clusters "${other}" and "${name}" have one name but for capital letters, and IAM does not tell their roles apart: rename one of them.`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** That no backups are among those of another cluster because that one's prefix is the beginning of theirs: `orders` of `orders-eu/`. */
function requireBackupsApart(clusters: readonly Cluster[]): void {
  const places = clusters.flatMap(({ name, backups }) =>
    backups ? [{ name, prefix: backups.prefix, place: `${backups.bucket}/${backups.prefix}` }] : [],
  );
  // In this order, whatever begins with a text comes right after it.
  const sorted = places.toSorted((one, other) => (one.place < other.place ? -1 : 1));
  for (const [index, outer] of sorted.entries()) {
    const inner = sorted[index + 1];
    if (inner === undefined || inner.place === outer.place || !inner.place.startsWith(outer.place)) continue;
    throw new InvalidInput(
      `The backups of the cluster ${inner.name} ("${inner.prefix}") are among those of the cluster ${outer.name} ("${outer.prefix}"), so a ` +
        `recovery of ${outer.name} could take one of them. Give each a "prefix" of its own in "backups", such as "${outer.name}/" and "${inner.name}/".`,
    );
  }
}

/** Where the functions are to live. @throws InvalidInput */
export function requireNetwork({ network }: ClustersFile): Network {
  if (network) return network;
  throw new InvalidInput(
    'clusters.json has no "network": to deploy, it must say which VPC and subnets reach the members.',
  );
}

/** That the hosts are ones which Run Command may know. Embedded, a host may have any name. */
function requireInstanceIds(cluster: Cluster): void {
  const other = hostsOf(cluster).find((host) => !INSTANCE_ID.test(host));
  if (other === undefined) return;
  throw new InvalidInput(
    `The cluster ${cluster.name} has the host "${other}": to deploy, each host must be an instance ID of Systems Manager, such as ` +
      '"i-0a1b2c3d4e5f60001" or "mi-0a1b2c3d4e5f60001". Any other name is for --hosts, without AWS.',
  );
}

/** That the steps get out to each member: what they may get out to is the platform's, and the same whatever clusters there are. */
function requirePorts(cluster: Cluster, clientPorts: readonly number[]): void {
  for (const clientUrl of clientUrlsOf(cluster)) {
    const { port, protocol } = new URL(clientUrl);
    const number = Number(port || (protocol === 'https:' ? 443 : 80));
    // It leads to AWS's APIs as well.
    if (number === 443 || clientPorts.includes(number)) continue;
    throw new InvalidInput(
      `The cluster ${cluster.name} has the client URL "${clientUrl}", and the "clientPorts" of the platform do not let the steps get out to its port: ` +
        `write "clientPorts": [${[...clientPorts, number].join(', ')}] (in clusters.json under "network"), and deploy the platform.`,
    );
  }
}
