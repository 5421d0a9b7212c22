import { type Cluster, type ConfiguredMember, type Layout, layoutOf } from '../cluster/clusters.ts';
import { PreconditionFailed } from '../errors.ts';
import { START_AGAIN } from '../text/format.ts';
import type { HostCommand } from './run-host-commands.ts';

/** Where a member lives. @throws PreconditionFailed where the configuration does not say */
export function placeOf(cluster: Cluster, name: string): { member: ConfiguredMember; host: string; layout: Layout } {
  const member = cluster.members.find((each) => each.name === name) as ConfiguredMember;
  if (member.host) return { member, host: member.host, layout: layoutOf(cluster, member) };
  throw new PreconditionFailed(
    `clusters.json names no "host" for ${name}: without one its service cannot be stopped, moved aside and started. Add it. ${START_AGAIN}`,
  );
}

/** The command inspect-host for a member. @throws PreconditionFailed where the configuration names no host */
export function inspectionOf(cluster: Cluster, name: string): HostCommand {
  const { host, layout } = placeOf(cluster, name);
  const { unit, dataDir, walDir, configFile, binDir, user, group } = layout;
  return {
    member: name,
    host,
    parameters: { unit, dataDir, walDir: walDir ?? '', configFile, binDir, user, group, url: '' },
  };
}

/** inspect-host for those of the members whose host is known. */
export function inspectionsWhereKnown(cluster: Cluster, names: readonly string[]): HostCommand[] {
  const hosted = names.filter((name) => cluster.members.some((member) => member.name === name && member.host));
  return hosted.map((name) => inspectionOf(cluster, name));
}
