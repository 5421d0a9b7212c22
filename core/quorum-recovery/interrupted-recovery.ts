import { type Cluster, layoutOf } from '../cluster/clusters.ts';
import { votersOf } from '../cluster/configured-quorum.ts';
import { PreconditionFailed, UnsafeToProceed } from '../errors.ts';
import type { HostInspection, InspectionReport } from '../hosts/host-command-results.ts';
import { placeOf } from '../hosts/host-place.ts';
import type { HostCommand } from '../hosts/run-host-commands.ts';
import type { ChooseRecovery } from './contracts.ts';
import { describeLeave, mayLeaveOut } from './leave-out.ts';
import { discardOf, revertOf } from './recovery-commands.ts';

/** What an earlier execution has left of its recovery on one host. */
interface Leftover {
  member: string;
  execution: string;
  phase: HostInspection['recoveries'][number]['phase'];
  runs: boolean;
}

export interface Clearance {
  action: 'MoveBack' | 'Keep' | 'FinishEarlier';
  summary: string;
  /** Of a dry run: what would be done. */
  steps?: string[];
  commands: HostCommand[];
  discard: HostCommand[];
}

type Interrupted = Pick<ChooseRecovery, 'cluster' | 'parameters' | 'inspections' | 'dryRun'>;

/**
 * What has to be done with a recovery that was cut off, before anything else is looked at: nothing on these hosts can be judged while
 * some hold restored data and some their own. One execution's at a time; the next look shows whether there is another's.
 *
 * No host says `kept` before every one is `placed`, and none is started before it has said so itself. So `kept` on one host proves that the
 * data was in place on all, and may have been started: it stays. `placed` proves it where every voter's host says so. Otherwise nothing
 * was started, and all goes back. An unreachable host proves nothing: it may say `kept`, or have the newest data set aside. Hosts that all say
 * `kept` are done with it, and only the word is left.
 *
 * A dry run only says what that would be: a plan of anything else would be made of what is half moved.
 *
 * @throws PreconditionFailed where a voter's host that is away may know more, and where etcd runs on data that has to move
 * @throws UnsafeToProceed where the hosts contradict each other
 */
export function clearInterrupted({ cluster, parameters, inspections, dryRun }: Interrupted): Clearance | undefined {
  const all = leftoversOn(inspections);
  const unfinished = all.find(({ phase }) => phase !== 'kept');
  if (!unfinished) return undefined;
  const { execution } = unfinished;
  const leftovers = all.filter((left) => left.execution === execution);
  const clearance = wasPlacedEverywhere(cluster, execution, leftovers)
    ? keep(cluster, execution, leftovers)
    : moveBack({ cluster, parameters, inspections }, execution, leftovers);
  return dryRun ? announce(execution, leftovers, clearance) : clearance;
}

function announce(
  execution: string,
  leftovers: readonly Leftover[],
  { action, commands, discard }: Clearance,
): Clearance {
  const on = (those: readonly HostCommand[]) => those.map(({ member }) => member).join(', ');
  const steps =
    action === 'Keep'
      ? [`keep the data that the execution ${execution} has put in place on every host, and the old data beside it`]
      : [
          `move data back to where it was before the execution ${execution}, wherever that has moved any: ${on(commands)}`,
          `discard what that execution has restored and not put in place: ${on(discard)}`,
        ];
  return {
    action: 'FinishEarlier',
    summary:
      `The recovery of the execution ${execution} was interrupted (${list(leftovers)}). Nothing was changed now. That recovery has to be finished before anything ` +
      'else can be planned.',
    steps: [
      ...steps,
      'start the services of the members that have their data, where these are a quorum, which loses nothing',
      'restore nothing: if the quorum is still lost then, start again for a plan of the data that is there',
    ],
    commands: [],
    discard: [],
  };
}

/**
 * Recoveries that hosts still say are kept: nothing has to be done about these, but the word goes once the cluster is proven to be well; and what
 * such a recovery has lost is not to be forgotten, for its own report may never have been made.
 */
export function keptRecoveries({ cluster, inspections }: Pick<Interrupted, 'cluster' | 'inspections'>): {
  /** Empty where there is none. */
  kept: string;
  forget: HostCommand[];
} {
  const all = leftoversOn(inspections).filter(({ phase }) => phase === 'kept');
  const executions = [...new Set(all.map(({ execution }) => execution))].join(', ');
  return {
    kept:
      all.length === 0
        ? ''
        : `An earlier recovery (${executions}) has restored data, which was kept. What it has lost is lost: its own plan says how much.`,
    forget: all.map(({ member, execution }) => discardOf(cluster, member, execution, 'forget')),
  };
}

function leftoversOn(inspections: readonly InspectionReport[]): Leftover[] {
  return inspections.flatMap(({ member, result }) =>
    (result?.recoveries ?? []).map((left) => ({ member, ...left, runs: result?.unit.mainPid !== 0 })),
  );
}

/** @throws UnsafeToProceed */
function wasPlacedEverywhere(cluster: Cluster, execution: string, leftovers: Leftover[]): boolean {
  const others = leftovers.filter(({ phase }) => phase === 'restored' || phase === 'moving');
  if (leftovers.some(({ phase }) => phase === 'kept')) {
    if (others.length === 0) return true;
    throw new UnsafeToProceed(
      `The hosts contradict each other on the recovery of the execution ${execution} (${list(leftovers)}). "kept" means that its data is in place on ` +
        `every host. ${list(others)} means that it is not. Something else has changed these hosts. Nothing was changed now. Find out on the ` +
        `hosts of ${others.map(({ member }) => member).join(', ')} which data is in place and which was moved aside. Put that right by hand, then start again.`,
    );
  }
  return others.length === 0 && votersOf(cluster).every(({ name }) => leftovers.some(({ member }) => member === name));
}

function keep(cluster: Cluster, execution: string, leftovers: Leftover[]): Clearance {
  return {
    action: 'Keep',
    summary:
      `The recovery of the execution ${execution} was interrupted when its data was in place on every host (${list(leftovers)}). That data is ` +
      'kept, and what it has replaced stays beside it. What that execution has reported as lost is lost.',
    commands: leftovers
      .filter(({ phase }) => phase === 'placed')
      .map(({ member }) => discardOf(cluster, member, execution, 'commit')),
    discard: [],
  };
}

function moveBack(
  { cluster, parameters, inspections }: Omit<Interrupted, 'dryRun'>,
  execution: string,
  leftovers: Leftover[],
): Clearance {
  refuseUnseen({ cluster, parameters, inspections }, execution, leftovers);
  const moved = leftovers.filter(({ phase }) => phase !== 'restored');
  refuseRunning(cluster, execution, moved);
  return {
    action: 'MoveBack',
    summary:
      `The recovery of the execution ${execution} was interrupted (${list(leftovers)}). Its data was not in place on every host, so no service was ` +
      'started on it. What was moved goes back into its place, and what was restored is removed.' +
      describeConfiguration(cluster, execution, moved),
    // Where nothing was moved as well: a command of that execution which comes late can then stop and place nothing any more. A survivor that
    // runs there on its own data runs on.
    commands: leftovers.map(({ member }) => revertOf(cluster, member, execution)),
    discard: leftovers.map(({ member }) => discardOf(cluster, member, execution, 'undo')),
  };
}

/** It is written once the host's data is in place, right before the host says so; and it is not put back. */
function describeConfiguration(cluster: Cluster, execution: string, moved: Leftover[]): string {
  if (moved.length === 0) return '';
  const originals = moved.map(({ member }) => {
    const { host, layout } = placeOf(cluster, member);
    return `${layout.configFile}.${execution} on ${host}`;
  });
  return (
    " That execution may also have written the membership into etcd's configuration. This is not put back, because a member that has its data does not " +
    `read it. If it was written, the original is beside it: ${originals.join(', ')}.`
  );
}

/** Only voters are ever restored, so a learner's host says nothing of it. */
function refuseUnseen(
  { cluster, parameters, inspections }: Omit<Interrupted, 'dryRun'>,
  execution: string,
  leftovers: Leftover[],
): void {
  const unseen = votersOf(cluster).flatMap(({ name, host }) => {
    const report = inspections.find(({ member }) => member === name);
    if (report?.result || mayLeaveOut(parameters, name)) return [];
    const why = host ? (report?.problem ?? 'it was not inspected') : 'clusters.json names no "host" for it';
    return [{ name, why }];
  });
  if (unseen.length === 0) return;
  const names = unseen.map(({ name }) => name).join(', ');
  throw new PreconditionFailed(
    `The recovery of the execution ${execution} was interrupted (${list(leftovers)}). These hosts cannot be looked at:` +
      `${unseen.map(({ name, why }) => `\n- ${name}: ${why.replaceAll('\n', '\n  ')}`).join('')}\n` +
      'The recovery may have got further there, so it can neither be undone nor kept. Nothing was changed. Bring the hosts back into reach, ' +
      `then start again; or make sure that ${names} ${unseen.length === 1 ? 'is' : 'are'} off for good, and ` +
      `${describeLeave(parameters)}. Everything is then moved back on the others.`,
  );
}

/** Someone, or the host's own boot, has started etcd in the midst of it; whether it may be stopped is for a person to say. */
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
