import type { HostCommandName } from '../../core/hosts/host-commands.ts';
import type { CommandOnHost } from '../../local/aws/run-command.ts';

/**
 * The longest row of commands on one host, each by its name: a command is sent when the one before has ended, so for so many the way to the hosts
 * and back was waited for. Of several hosts the same phase may begin and end at other times.
 */
export function commandsInARow(commands: readonly CommandOnHost[]): string[] {
  const rows = [...Map.groupBy(commands, ({ host }) => host).values()].map((onHost) =>
    onHost
      .toSorted((a, b) => a.sentMs - b.sentMs)
      .filter(({ sentMs }, index, all) => !(sentMs < (all[index - 1]?.endedMs ?? 0)))
      .map(({ document }) => document.replace('etcd-remediation-', '')),
  );
  return rows.reduce((one, other) => (other.length > one.length ? other : one), []);
}

/** What the quorum runbook may send in a row: where services are started, two. */
export const RESTART: readonly HostCommandName[] = ['inspect-host', 'control-service'];

/** And where data is restored, seven. */
export const RESTORE: readonly HostCommandName[] = [
  ...(['inspect-host', 'snapshot-data-dir', 'send-snapshot', 'restore-snapshot'] as const),
  ...(['swap-data-dir', 'start-restored', 'mark-recovery'] as const),
];
