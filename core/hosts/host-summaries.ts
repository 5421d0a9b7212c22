import type * as z from 'zod';
import { formatBytes } from '../text/format.ts';
import type { HOST_COMMAND_RESULTS } from './host-command-results.ts';
import type { HostCommandName } from './host-commands.ts';

type Result<Command extends HostCommandName> = z.output<(typeof HOST_COMMAND_RESULTS)[Command]>;

/** What a command has found or done on one host, in a few words; empty where there is nothing to say. */
const SUMMARIES: { readonly [Command in HostCommandName]: (result: Result<Command>) => string } = {
  'inspect-host': ({ etcdVersion, unit, dataDir }) =>
    `etcd ${etcdVersion}, service ${unit.activeState} (${unit.subState}), ${formatBytes(dataDir.sizeBytes)} in ${dataDir.path}`,
  'find-command': () => '',
  'control-service': service,
  'archive-data-dir': ({ dataDir }) => (dataDir ? `data moved aside to ${dataDir}` : 'there was no data'),
  'revert-data-dir': ({ reverted }) => (reverted ? 'data is in its place again' : 'data was in its place'),
  'join-cluster': (result) => `${membership(result)}; ${service(result)}`,
  'snapshot-data-dir': ({ method, problem, revision }) =>
    method === 'none' ? problem : `${SOURCES[method]}, revision ${revision}`,
  'fetch-backup': ({ revision }) => `revision ${revision}`,
  'rehearse-restore': (end) =>
    'gaveWay' in end
      ? end.gaveWay
      : `revision ${end.revision} served after ${Math.ceil((end.tookMs.fetch + end.tookMs.restore + end.tookMs.start) / 1000)} s`,
  'copy-database': (end) =>
    'gaveWay' in end ? end.gaveWay : end.copy ? `${formatBytes(end.copy.sizeBytes)} copied` : '',
  'send-snapshot': ({ sizeBytes }) => `${formatBytes(sizeBytes)} sent`,
  'restore-snapshot': ({ sizeBytes, revision }) => `${formatBytes(sizeBytes)}, revision ${revision}`,
  'swap-data-dir': ({ dataDir, file }) =>
    file === '' ? 'stopped' : `stopped; ${dataDir ? `what was there: ${dataDir}` : 'there was nothing before'}`,
  'start-restored': service,
  'mark-recovery': () => '',
};

/** A salvage, by the name that the plan and its ladder give it. */
const SOURCES = { live: 'survivor', replayed: 'replay', raw: 'raw' } as const;

/** @param result as the command's own schema has it */
export function summaryOnHost(command: HostCommandName, result: unknown): string {
  const { removed = [] } = Object(result) as { removed?: string[] };
  const leftovers = removed.length === 0 ? '' : `; removed, left by a run that was killed: ${removed.join(', ')}`;
  return `${SUMMARIES[command](result as never)}${leftovers}`;
}

function service({ activeState, subState }: Pick<Result<'control-service'>, 'activeState' | 'subState'>): string {
  return `${activeState} (${subState})`;
}

function membership({ file, copy }: Pick<Result<'join-cluster'>, 'file' | 'copy'>): string {
  return `${file}${copy ? ` (as it was: ${copy})` : ''}`;
}
