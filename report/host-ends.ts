import type { HostReport } from '../core/hosts/run-host-commands.ts';
import { commandOf, type Fields, fieldsOf, listOf } from '../core/runbook/step-run.ts';
import type { HostEnd, OldData } from './incident-report.ts';
import type { StateRun } from './state-runs.ts';

/** What became of each command on each host. Its parameters are not told: some hold a URL that lets its reader in. */
export function hostEndsIn(runs: readonly StateRun[]): HostEnd[] {
  return runs.flatMap((run) =>
    each(run).map(({ command, member, host, report }) => ({
      command,
      member,
      host,
      startedAt: run.startedAt.toISOString(),
      endedAt: run.endedAt?.toISOString() ?? null,
      end: report ? report.error || 'done' : run.error || 'unknown',
      problem: report?.problem ?? '',
    })),
  );
}

/**
 * Where data is that was moved aside, and what of it was not moved back since.
 * @param archives by member, what earlier remediations had left, as runbooks tell it
 */
export function oldDataIn(runs: readonly StateRun[], archives: Fields): OldData[] {
  const kept = new Map<string, OldData>();
  for (const { command, member, host, report } of runs.flatMap(each)) {
    const { dataDir, walDir, reverted } = fieldsOf(report?.result);
    if (command === 'revert-data-dir' && reverted !== false && report?.error === '') {
      for (const [path, old] of kept) if (old.host === host) kept.delete(path);
    }
    if (command !== 'archive-data-dir' && command !== 'swap-data-dir') continue;
    for (const path of [dataDir, walDir]) {
      if (typeof path === 'string' && path !== '') kept.set(`${host} ${path}`, oldData(member, host, path));
    }
  }
  const earlier = Object.entries(archives).flatMap(([member, paths]) =>
    (Array.isArray(paths) ? paths : []).map((path) => oldData(member, '', String(path))),
  );
  const now = [...kept.values()];
  return [
    ...now,
    ...earlier.filter((old) => !now.some(({ member, path }) => member === old.member && path === old.path)),
  ];
}

interface OnHost {
  command: string;
  member: string;
  host: string;
  /** Undefined where no answer came back. */
  report: HostReport | undefined;
}

function each(run: StateRun): OnHost[] {
  const command = commandOf(run);
  if (!command) return [];
  const reports = listOf(fieldsOf(run.output).reports) as readonly Fields[];
  return listOf(fieldsOf(run.input).commands).map((sent) => {
    const [member, host] = [String(sent.member), String(sent.host)];
    const report = reports.find((each) => each.member === member && each.host === host) as HostReport | undefined;
    return { command, member, host, report };
  });
}

function oldData(member: string, host: string, path: string): OldData {
  return { member, host, path, removal: `sudo rm -r -- '${path.replaceAll("'", "'\\''")}'` };
}
