import type { HostCommandName } from '../../core/contracts/host-commands.ts';
import type { CommandOnHost } from '../../local/aws/run-command.ts';

/**
 * The longest row of commands on hosts of which each was sent when the one before had ended: for so many the way to the hosts and back was waited
 * for. Each by its name.
 */
export function commandsInARow(commands: readonly CommandOnHost[]): string[] {
  const rows: { endedMs: number; names: string[] }[] = [];
  for (const { document, sentMs, endedMs } of commands.toSorted((a, b) => a.sentMs - b.sentMs)) {
    const before = rows.filter((row) => row.endedMs <= sentMs).map(({ names }) => names);
    const longest = before.reduce((one, other) => (other.length > one.length ? other : one), []);
    rows.push({ endedMs, names: [...longest, document.replace('etcd-remediation-', '')] });
  }
  return rows.map(({ names }) => names).reduce((one, other) => (other.length > one.length ? other : one), []);
}

/** What the quorum runbook may send in a row: where services are started, two. */
export const RESTART: readonly HostCommandName[] = ['inspect-host', 'control-service'];

/** And where data is restored, seven. */
export const RESTORE: readonly HostCommandName[] = [
  ...(['inspect-host', 'salvage-data-dir', 'send-snapshot', 'restore-snapshot'] as const),
  ...(['swap-data-dir', 'start-restored', 'discard-scratch'] as const),
];
