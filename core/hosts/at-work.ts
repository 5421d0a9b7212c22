import type { HostInspection } from './host-command-results.ts';

/** What a host says of its own etcd, which does not answer from here. */
export interface WorkOnHost {
  /**
   * `at-work`: it must not be replaced; `frozen`: it neither, for it goes on with its data once it is let; `broken`: it runs and is of no use;
   * `stopped`: it has no process; `untold`: unknown.
   */
  state: 'at-work' | 'frozen' | 'broken' | 'stopped' | 'untold';
  /** How that was seen, as the end of a sentence that begins with "its host": `says that ...`. */
  how: string;
}

/**
 * Whether a member that does not answer here is at work all the same, as its host shows it. A process that is followed or follows is no failure of
 * etcd, whatever is between it and us.
 * @param memberId as etcd lists it, in hex; empty where it lists none
 */
export function judgeWork({ unit, atWork }: Pick<HostInspection, 'unit' | 'atWork'>, memberId: string): WorkOnHost {
  const process = `${unit.activeState} (${unit.subState}) with process ${unit.mainPid}`;
  if (unit.mainPid === 0) return { state: 'stopped', how: `says that its unit is ${unit.activeState}` };
  const frozen = describeFreeze(unit.mainPid, atWork.processState);
  if (frozen !== '') return { state: 'frozen', how: `says that its unit is ${process}, which is frozen: ${frozen}` };
  const waits =
    atWork.processState === 'D' ? ', which waits for its disk or the like and cannot be interrupted (D)' : '';
  const runs = `says that its unit is ${process}${waits}`;
  if (atWork.clientPortListens === false)
    return { state: 'broken', how: `${runs}, and that nothing listens for clients` };
  if (atWork.peerPortListens === false) return { state: 'broken', how: `${runs}, and that nothing listens for peers` };
  switch (atWork.answer) {
    case 'silent':
      return { state: 'broken', how: `${runs}, and that it does not answer on its own host either` };
    case 'no-leader':
      return { state: 'broken', how: `${runs}, and that it has no leader, while others have one` };
    case 'leader':
      if (memberId !== '' && atWork.memberId !== '' && atWork.memberId !== memberId) {
        return {
          state: 'broken',
          how: `${runs}, and that it is the member ${atWork.memberId}, which is not in the cluster`,
        };
      }
      return { state: 'at-work', how: `${runs}, that it listens for clients and peers, and that it has a leader` };
    case 'speaks':
      return {
        state: 'untold',
        how: `${runs}, and that something answers at its client URL, but does not say whether it has a leader`,
      };
    case 'unknown':
      return {
        state: 'untold',
        how: `${runs}; etcd itself could not be asked there (${atWork.problem || 'nobody did'})`,
      };
  }
}

/** Why a process is stopped, and what lets it go on; empty if it is not. */
function describeFreeze(pid: number, processState: string): string {
  switch (processState) {
    case 'T':
      return `a signal has stopped it (T), and "kill -CONT ${pid}" lets it go on with its data`;
    case 't':
      return `a debugger has stopped it (t), such as gdb or strace, and it goes on with its data once that is ended`;
    case 'frozen':
      return 'systemd has frozen its unit, and "systemctl thaw" lets it go on with its data';
    default:
      return '';
  }
}
