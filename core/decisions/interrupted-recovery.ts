import { type Cluster, layoutOf } from '../contracts/clusters.ts';
import type { HostCommand } from '../contracts/membership.ts';
import type { InspectionReport } from '../contracts/recovery.ts';
import { PreconditionFailed } from '../errors.ts';
import { placeOf } from './host-place.ts';
import { discardOf, revertOf } from './recovery-commands.ts';

/** What an earlier execution has left of its recovery on one host. */
interface Leftover {
  member: string;
  execution: string;
  phase: 'restored' | 'moving' | 'placed';
  runs: boolean;
}

export interface Clearance {
  action: 'MoveBack' | 'Keep';
  summary: string;
  commands: HostCommand[];
  discard: HostCommand[];
}

/**
 * What has to be done with a recovery that was cut off, before anything else is looked at: nothing on these hosts can be judged while
 * some hold restored data and some their own. One execution's at a time; the next look shows whether there is another's.
 *
 * No service is started before every host is `placed`. So where one is not, nothing was started, and all goes back; and where all are,
 * or are done with it, what is in place may have been started, and stays.
 *
 * @throws PreconditionFailed in a dry run, whose plan would be made of what is half moved; and where etcd runs on data that has to move
 */
export function clearInterrupted(
  cluster: Cluster,
  inspections: readonly InspectionReport[],
  dryRun: boolean,
): Clearance | undefined {
  const all = inspections.flatMap(({ member, result }): Leftover[] =>
    (result?.recoveries ?? []).map((left) => ({ member, ...left, runs: result?.unit.mainPid !== 0 })),
  );
  const execution = all[0]?.execution;
  if (execution === undefined) return undefined;
  const leftovers = all.filter((left) => left.execution === execution);
  const isPlaced = leftovers.every(({ phase }) => phase === 'placed');
  const clearance = isPlaced ? keep(cluster, execution, leftovers) : moveBack(cluster, execution, leftovers);
  if (!dryRun) return clearance;
  throw new PreconditionFailed(
    `${clearance.summary} A dry run changes nothing, and a plan made of what lies there now would be wrong. Start without dryRun: that is ` +
      'done first, and then the hosts are looked at anew.',
  );
}

function keep(cluster: Cluster, execution: string, leftovers: Leftover[]): Clearance {
  return {
    action: 'Keep',
    summary:
      `The recovery of the execution ${execution} was interrupted when its data was in place on every host (as ${list(leftovers)} ` +
      'still says): that data is kept, and so is what it has replaced, beside it. What that execution has reported as lost is lost.',
    commands: leftovers.map(({ member }) => discardOf(cluster, member, execution)),
    discard: [],
  };
}

function moveBack(cluster: Cluster, execution: string, leftovers: Leftover[]): Clearance {
  const moved = leftovers.filter(({ phase }) => phase !== 'restored');
  refuseRunning(cluster, execution, moved);
  return {
    action: 'MoveBack',
    summary:
      `The recovery of the execution ${execution} was interrupted before its data was in place on every host (${list(leftovers)}): ` +
      'no service was started on it. What was moved goes back into its place, and what was restored is removed.',
    commands: moved.map(({ member }) => revertOf(cluster, member, execution)),
    discard: leftovers.map(({ member }) => discardOf(cluster, member, execution)),
  };
}

/** Somebody, or the host's own boot, has started etcd in the midst of it; whether it may be stopped is for a person to say. */
function refuseRunning(cluster: Cluster, execution: string, moved: Leftover[]): void {
  const running = moved.filter(({ runs }) => runs);
  if (running.length === 0) return;
  const commands = running
    .map(({ member }) => placeOf(cluster, member))
    .map(({ member, host }) => `"systemctl stop ${layoutOf(cluster, member).unit}" on ${host}`);
  throw new PreconditionFailed(
    `The recovery of the execution ${execution} was interrupted while it moved data (${list(moved)}), and etcd runs on ` +
      `${running.map(({ member }) => member).join(', ')} all the same. Run ${commands.join(' and ')}, then start again.`,
  );
}

function list(leftovers: readonly Leftover[]): string {
  return leftovers.map(({ member, phase }) => `${member}: ${phase}`).join(', ');
}
