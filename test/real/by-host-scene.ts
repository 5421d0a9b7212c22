import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BackupReport } from '../../core/backups/contracts.ts';
import type { ListedBackups } from '../../core/diagnosis/check.ts';
import { documentName } from '../../core/hosts/host-commands.ts';
import type { Candidate, Loss } from '../../core/quorum-recovery/contracts.ts';
import type { RehearsalReport } from '../../core/rehearsal/contracts.ts';
import { everyMemberHoldsTheSame, everyMemberVotes } from '../../drills/proofs.ts';
import type { DrillCheck } from '../../drills/scenario.ts';
import { CLUSTER_NAME, type HostedStage, setHostedStage } from '../../drills/stage.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { fill, overSlowLines } from '../scenes/by-host.ts';

/** Of a backup that a host has made, and of what became of it. */
export interface Findings {
  backup: BackupReport['backup'];
  /** In which the host has sent it. */
  parts: number;
  /** The newest backups that could be restored. */
  listed: string[];
  rehearsal: RehearsalReport;
  winner: Candidate;
  loss: Loss;
  /** Of a key that was written before the backup, and again after it. */
  value: string;
  proofs: DrillCheck[];
  /** What is left beside the data dirs and the logs. */
  leftovers: string;
}

/** Backs a cluster with TLS, authentication and logs in folders of their own up by a host, rehearses that, loses all data, and recovers from it. */
export async function backUpByHost(hosts: 'process' | 'systemd', etcd: string, storedMiB?: number): Promise<Findings> {
  const folder = await mkdtemp(join(tmpdir(), 'backups-'));
  const cluster = { members: 3, tls: true, auth: true, walDir: true, sizeMiB: 512 };
  const progress = { say: () => undefined, onEvent: () => undefined };
  const stage = await setHostedStage({ hosts, etcd, backups: folder, ...cluster }, progress);
  try {
    return await lookAt(stage, folder, storedMiB);
  } finally {
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function lookAt(stage: HostedStage, folder: string, storedMiB?: number): Promise<Findings> {
  const { cluster, platform } = stage;
  const names = cluster.members.map(({ name }) => name);
  await fill(stage, storedMiB);
  await stage.etcd.member('m1').put('key', 'before');
  const slow = await overSlowLines(stage, folder);
  const end = await slow.platform.backUp(CLUSTER_NAME).finally(() => slow.close());
  const { backup } = outputOf<BackupReport>(end);
  const sent = slow.platform.commandsOnHosts().filter(({ document }) => document === documentName('send-snapshot'));
  await stage.etcd.member('m1').put('key', 'after');
  const listed = (await platform.invokeStep('list-backups', { cluster: stage.file.clusters[0] })) as ListedBackups;
  const rehearsal = outputOf<RehearsalReport>(await platform.rehearse({ cluster: CLUSTER_NAME }));

  await crashMembers(cluster, names);
  for (const name of names) await wipeData(cluster, name);
  const input = { cluster: CLUSTER_NAME, parameters: { confirmSeconds: 1 } };
  const recovered = await platform.execute({ incident: 'quorum-lost', input });
  stage.reconnect();
  const { winner, loss } = outputOf<Pick<Findings, 'winner' | 'loss'>>(recovered);
  return {
    ...{ backup, rehearsal, winner, loss },
    parts: sent.length,
    listed: listed.backups?.own?.backups.map(({ name }) => name) ?? [],

    value: (await cluster.etcdctl(['get', 'key', '--print-value-only'])).trim(),
    proofs: [await everyMemberVotes(stage), await everyMemberHoldsTheSame(stage)],
    leftovers: (await Promise.all(names.map((name) => cluster.run(name, leftBeside(stage, name))))).join(''),
  };
}

function leftBeside({ cluster }: HostedStage, name: string): string {
  const { host, walDir } = cluster.member(name);
  const folders = [dirname(host.layout.dataDir), dirname(walDir ?? '')];
  return `find ${folders.map((folder) => `'${folder}'`).join(' ')} -maxdepth 1 -name '.etcd-remediation.*'`;
}

function outputOf<Output>(end: ExecutionResult): Output {
  if (end.status !== 'SUCCEEDED') throw new Error(`${end.status} ${end.error}: ${end.cause}`);
  return end.output as unknown as Output;
}
