import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { readScript } from '../../lib/command-documents.ts';

/** The scripts' own list of what they refuse a host for: `refuse NAME 65 ...`. */

const LATER_COMMANDS = (Object.keys(HOST_COMMANDS) as HostCommandName[]).filter(
  (command) => command !== 'inspect-host',
);

/** The names of all refusals in the scripts that run after the inspection, or in the parts that these are made of. */
export function refusalsInScripts(): string[] {
  return [...new Set(LATER_COMMANDS.flatMap((command) => namesIn(readScript(command))))].toSorted();
}

function namesIn(script: string): string[] {
  return [...script.matchAll(/\brefuse "?([a-z0-9$-]+)"? 6[56] /g)].flatMap(([, name = '']) =>
    // One check for both folders: `refuse "$2-nowhere"`.
    name.startsWith('$2') ? ['data-dir', 'wal-dir'].map((what) => name.replace('$2', what)) : [name],
  );
}

/** Refusals that are not named, which nobody would know of. */
export function unnamedRefusals(): string[] {
  return LATER_COMMANDS.filter((command) => /\bfail "?6[56]\b/.test(readScript(command)));
}

/** Why an inspection cannot know of it: nothing of the kind is there before the runbook itself has begun. */
export const ARISES_LATER: Readonly<Record<string, string>> = {
  'sent-before-boot': 'a command that was sent before the host was started',
  'writes-unknown': 'what this execution has restored is to be moved back, and cannot be read',
  'unit-runs': 'the runbook stops the service itself, right before',
  'another-run': 'two commands of the same moment',
  'data-again': 'an archive of this execution, whose name nobody has used before, and data that came after it',
  'target-exists': "a path with this execution's name in it, which nobody has used before",
  'set-aside-exists': "a path with this execution's name in it, which nobody has used before",
  'older-archive': 'an execution of an earlier release, which is undone by this one',
  'archive-gone': 'what this execution has moved aside is away',
  'restored-used': 'the member was started on what this execution has restored',
  'not-restored': 'nothing was restored by this execution',
  'restored-moved': 'what this execution has restored is away',
  'restored-already': 'what this execution has restored is on its way into its place',
  'restore-begun': 'this execution has restored something already',
  'not-placed': 'what this execution has restored is not in its place',
  'not-reverted': 'what this execution has moved is not back',
  'other-phase': 'somebody else works on what this execution has restored',
  'data-gone': 'the data has gone since the host was looked at, and core takes no such host',
  'data-changed': 'the data has changed since the host was looked at',
  'data-in-place': 'this execution has moved the data aside, right before',
  'data-newer': 'the data has changed since it was salvaged',
  'snapshot-missing': 'the snapshot of this execution is away',
  'nothing-to-send': 'the snapshot of this execution is away',
  'no-part': 'the snapshot of this execution has changed',
  'fetched-too-large': 'the disk has filled since its room was looked at',
  'fetched-unwritable': 'the disk has filled since its room was looked at',
  'replay-runs': 'an etcd that this execution has started was left behind',
  'copy-not-given': 'the account is asked for in the inspection; the copy is made before anything is changed',
  'copy-impossible': 'the data changes while it is copied, which is before anything is changed',
  'backup-damaged': 'a backup is fetched, and looked into, before anything is changed, in a dry run as well',
  'backup-differs': 'a backup is fetched, and looked into, before anything is changed, in a dry run as well',
  'backup-unreadable': 'a backup is fetched, and looked into, before anything is changed, in a dry run as well',
  'staging-unreachable': 'an inspection asks the same, and of the others a backup alone: nothing follows from it',
  'database-missing': 'a backup is no runbook: nothing follows from it',
  'other-data': 'a backup is no runbook: nothing follows from it',
  'recovery-at-work': 'a backup is no runbook: nothing follows from it',
  'no-memory': 'a rehearsal is no runbook: nothing follows from it',
  'unshare-refused': 'a rehearsal is no runbook: nothing follows from it',
  'etcd-missing': 'a rehearsal is no runbook: where there is no etcd, core has no release to plan with',
  'scratch-link': "a path with this execution's name in it, which nobody has used before",
  'data-unreadable': 'a copy is made before anything is changed, in a dry run as well',
  'scratch-no-folder': "a path with this execution's name in it, which nobody has used before",
};

/** What core judges by figures that the inspection brings home, for the script's own depend on the snapshot. */
export const JUDGED_IN_CORE: Readonly<Record<string, string>> = {
  'no-room': 'roomMisfit, from freeBytes',
};
