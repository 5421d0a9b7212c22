import { randomBytes } from 'node:crypto';
import type { Cluster } from '../../core/cluster/clusters.ts';
import type { HostedStage } from '../../drills/stage.ts';
import { Platform } from '../../local/platform.ts';
import { type SlowLine, slowLineTo } from './slow-line.ts';

/** A backup that takes a function too long, so that the host of its member goes on with it. */

const MIB = 1024 * 1024;
/** In random values, so that what is compressed is no smaller. */
export const STORED_MIB = 96;
/** At this a database of so many MiB takes half as long again as the 14 minutes of a function, and more. */
const BYTES_PER_SECOND = 64 * 1024;

export async function fill({ etcd }: HostedStage, storedMiB = STORED_MIB): Promise<void> {
  const member = etcd.member('m1');
  for (let key = 0; key < 2 * storedMiB; key++) await member.put(`large/${key}`, randomBytes(MIB / 4).toString('hex'));
}

/** The cluster of a stage, as one sees it whose line to it is slow. @param folder that stands for the bucket of its backups */
export async function overSlowLines(
  stage: HostedStage,
  folder: string,
): Promise<{ platform: Platform; close(): Promise<void> }> {
  const { secrets, hosts, stagingAddress } = stage;
  const [configured] = stage.file.clusters as [Cluster];
  const lines: SlowLine[] = [];
  const members: Cluster['members'] = [];
  for (const member of configured.members) {
    const line = await slowLineTo(member.clientUrl, BYTES_PER_SECOND);
    lines.push(line);
    members.push({ ...member, clientUrl: line.url });
  }
  const platform = await Platform.start({
    file: { clusters: [{ ...configured, members }] },
    secrets: {
      ...(configured.auth && { [configured.auth.secret]: secrets.login }),
      ...(configured.tls && { [configured.tls.secret]: secrets.tls }),
    },
    ...{ hosts, stagingAddress, backups: { [configured.backups?.bucket ?? '']: folder } },
  });
  const close = async () => {
    await platform.close();
    for (const line of lines) await line.close();
  };
  return { platform, close };
}
