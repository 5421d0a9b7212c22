import type { HostInspection } from './host-command-results.ts';

type Seen = Pick<HostInspection, 'dataDir' | 'walDir' | 'raftLog'>;

/** What it means that a log holds nothing. */
export const HOLDS_NOTHING =
  'its log holds nothing but the first list of members. It was started on an empty data dir, under an ID that may have acknowledged writes before, which ' +
  'are gone from it';

/**
 * That a member has lost its data, in words; empty where nothing shows that. Started on nothing, it would vote under its old ID, and know nothing of
 * what it has acknowledged.
 */
export function lostData({ dataDir, walDir, raftLog }: Seen): string {
  if (dataDir.empty) return `its data dir ${dataDir.path} is empty`;
  if (walDir?.empty) return `its wal dir ${walDir.path} is empty`;
  return raftLog?.holds === 'nothing' ? HOLDS_NOTHING : '';
}

/** That there is no log that etcd could go on with, in words; empty where there is one. */
export function missingLog({ dataDir, walDir, raftLog }: Seen): string {
  const logDir = walDir?.path ?? `${dataDir.path}/member/wal`;
  if (!raftLog) return `there is no log in ${logDir}`;
  // Whatever else is cured, etcd ends with "snapshot not found", which it looks for in the log (3.4 to 3.7).
  return raftLog.holds === 'empty' ? `etcd cannot start on its log: no file in ${logDir} begins with a record` : '';
}
