import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { HostedStage } from '../../drills/stage.ts';
import type { HostedMember } from '../../local/hosts/hosted-member.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';

/** What a runbook that refused must have left as it was. */
export interface Picture {
  etcd: unknown;
  /** By member: the state of its unit, its process, and how often systemd has started it. */
  units: Record<string, string>;
  /** By path, of all hosts: data dirs and what lies beside them, configuration, units. */
  files: Record<string, string>;
}

/** Takes a picture of a cluster on hosts without root; two of them are equal where nothing was done in between. */
export async function pictureOf(stage: Pick<HostedStage, 'cluster' | 'etcd'>): Promise<Picture> {
  const { members } = stage.cluster;
  const units = await Promise.all(members.map(async ({ name }) => [name, await unitOf(stage, name)] as const));
  const files = await Promise.all(
    members.map((member) => filesOf(member, isAtRest(Object.fromEntries(units)[member.name] ?? ''))),
  );
  return { etcd: await etcdOf(stage), units: Object.fromEntries(units), files: Object.assign({}, ...files) };
}

/** Members, the alarms, who leads, the store's revision, and whether a login is needed; of members that do not answer only that. */
async function etcdOf({ etcd }: Pick<HostedStage, 'etcd'>): Promise<unknown> {
  const { members, memberList, alarms } = await etcd.observe();
  const answering = await Promise.all(
    members.map(async (seen) => {
      if (!seen.answering) return { name: seen.name, answering: false };
      const { name, id, clusterId, leaderId, revision, isLearner } = seen;
      const isOpen = await etcd.member(name).authentication.servesAnybody();
      return { name, id, clusterId, leaderId, revision, isLearner, isOpen };
    }),
  );
  return {
    members: answering,
    memberList: memberList.toSorted((a, b) => a.id.localeCompare(b.id)),
    alarms: alarms.map(({ alarm, memberId }) => `${alarm} on ${memberId}`).toSorted(),
  };
}

async function unitOf({ cluster }: Pick<HostedStage, 'cluster'>, name: string): Promise<string> {
  const shown = await cluster.run(name, `systemctl show -p ActiveState,SubState,MainPID,NRestarts ${UNIT}`);
  return shown.trim().split('\n').toSorted().join(' ');
}

function isAtRest(unit: string): boolean {
  return /ActiveState=(inactive|failed)/.test(unit);
}

/**
 * Names, modes, sizes and contents. A member that runs writes its database and its log as it likes: of those size and content count only while
 * its unit is at rest.
 */
async function filesOf({ host, walDir }: HostedMember, atRest: boolean): Promise<Record<string, string>> {
  const { dataDir, configFile } = host.layout;
  const root = join(host.unitDir, '../../..');
  const folders = [dirname(dataDir), ...(walDir === null ? [] : [dirname(walDir)]), dirname(configFile), host.unitDir];
  const found: Record<string, string> = {};
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const { size, mode } = await stat(path);
      const isWritten = !atRest && /\/member\/|\.wal$/.test(path);
      const what = !entry.isFile() ? 'folder' : isWritten ? 'in use' : `${size} bytes, ${await digestOf(path)}`;
      found[`${host.id}:${relative(root, path)}`] = `${what}, mode ${(mode & 0o7777).toString(8)}`;
    }
  }
  return found;
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
