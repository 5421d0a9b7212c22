import { ERROR_NAMES } from '../errors.ts';
import type { HostCommandName } from '../hosts/host-commands.ts';
import type { HostReport } from '../hosts/run-host-commands.ts';
import {
  type ChangesSoFar,
  commandOf,
  type DescribeChanges,
  type Fields,
  fieldsOf,
  listOf,
  type StepRun,
} from '../runbook/step-run.ts';
import { RUNBOOKS } from '../runbooks.ts';

/** Errors with which a step or a command says that it has changed nothing. */
const REFUSALS: readonly string[] = [
  ERROR_NAMES.InvalidInput,
  ERROR_NAMES.PreconditionFailed,
  ERROR_NAMES.UnsafeToProceed,
];

/** The steps that no runbook has for itself: what each changes, or that it only looks. */
const SHARED: Readonly<Record<string, DescribeChanges | undefined>> = {
  'load-cluster': undefined,
  'load-remediation': undefined,
  'diagnose-cluster': undefined,
  'analyze-store': undefined,
  'detect-incidents': undefined,
  'survey-cluster': undefined,
  'list-backups': undefined,
  // Nothing of a cluster.
  'back-up-cluster': undefined,
  'copy-database': undefined,
  'complete-backup': undefined,
  'prune-backups': undefined,
  'try-backups': undefined,
  'plan-rehearsal': undefined,
  'choose-rehearsal-members': undefined,
  'choose-rehearsal-host': undefined,
  'record-rehearsal': undefined,
  'weigh-check': undefined,
  'choose-runbook': undefined,
  'compare-hashes': undefined,
  'prove-writes': (_, output) =>
    output ? [] : ['a key below /etcd-remediation/proof/ was written, and not deleted yet'],
};

const BY_STEP: typeof SHARED = {
  ...SHARED,
  ...Object.fromEntries(
    Object.values(RUNBOOKS).flatMap(({ steps }) => Object.entries(steps).map(([name, { changes }]) => [name, changes])),
  ),
};

/** Every step of which it is known what it changes; three run a command on hosts. */
export const TOLD_STEPS: readonly string[] = [
  ...Object.keys(BY_STEP),
  ...['run-host-commands', 'transfer-snapshots', 'send-backup'],
];

interface OnHost {
  parameters: Readonly<Record<string, string>>;
  /** What it has changed; undefined where that is not known. */
  result: Fields | undefined;
}

/** What a command has changed on a host; empty for nothing. */
const BY_COMMAND: Readonly<Record<HostCommandName, (each: OnHost) => string>> = {
  'inspect-host': () => '',
  'find-command': () => '',
  'control-service': ({ parameters: { unit, action } }) =>
    `the service ${unit} was ${action === 'stop' ? 'stopped' : action === 'restart' ? 'restarted' : 'started'}`,
  'archive-data-dir': ({ parameters, result }) => {
    if (!result) return `the data in ${parameters.dataDir} was moved aside`;
    const folders = foldersIn(result);
    return folders === '' ? '' : `its data was moved aside, to ${folders}, where it is kept`;
  },
  'revert-data-dir': ({ parameters, result }) =>
    result?.reverted === false ? '' : `the data that had been moved aside was moved back into ${parameters.dataDir}`,
  'join-cluster': (each) => {
    const { parameters, result } = each;
    const start = result && result.activeState === undefined ? 'does not start' : 'was started';
    return [writtenMembership(each), `the service ${parameters.unit} ${start}`].filter(Boolean).join('; ');
  },
  'snapshot-data-dir': ({ parameters, result }) =>
    result && (parameters.keep === 'no' || result.method === 'none')
      ? ''
      : `a copy of its data was made in a scratch folder beside ${parameters.dataDir}`,
  'fetch-backup': ({ parameters, result }) =>
    result && parameters.keep === 'no'
      ? ''
      : `the backup was fetched into a scratch folder beside ${parameters.dataDir}`,
  'rehearse-restore': () => '',
  'copy-database': () => '',
  'send-snapshot': () => '',
  'restore-snapshot': ({ parameters }) =>
    `the snapshot was restored into a scratch folder beside ${parameters.dataDir}, whose data is as it was`,
  'swap-data-dir': (each) => {
    const { parameters, result } = each;
    const stopped = `the service ${parameters.unit} was stopped`;
    if (parameters.data === 'leave') return stopped;
    const folders = result ? foldersIn(result) : '';
    const placed = `the restored data was put into ${parameters.dataDir}${folders && `; what was there is kept in ${folders}`}`;
    return [stopped, placed, writtenMembership(each)].filter(Boolean).join('; ');
  },
  'start-restored': ({ parameters: { unit } }) => `the restored data is kept, and the service ${unit} was started`,
  'mark-recovery': ({ parameters: { outcome = '' } }) => DISCARDS[outcome] ?? '',
};

/** What a command may have changed before it refuses. */
const BEFORE_REFUSAL: Partial<typeof BY_COMMAND> = {
  'swap-data-dir': ({ parameters: { unit } }) => `the service ${unit} was stopped`,
};

function writtenMembership({ parameters, result }: OnHost): string {
  if (result?.changed === false) return '';
  const original = result?.copy ? ` (as it was before: ${result.copy})` : '';
  return `the membership was written into ${result?.file ?? parameters.configFile}${original}`;
}

/** Where the word goes that a recovery is kept, nothing is changed that would be looked for. */
const DISCARDS: Readonly<Record<string, string>> = {
  undo: 'the scratch folder was removed',
  commit: 'the host noted that the restored data is kept',
};

export function changesSoFar(runs: readonly StepRun[]): ChangesSoFar {
  const all = runs.map((run) => changesOf(run));
  return { done: all.flatMap(({ done }) => done), perhaps: all.flatMap(({ perhaps }) => perhaps) };
}

function changesOf(run: StepRun): ChangesSoFar {
  const input = fieldsOf(run.input);
  const command = commandOf(run);
  if (command) return onHosts(command, input, listOf(fieldsOf(run.output).reports));
  const describe = BY_STEP[run.step];
  if (!describe || REFUSALS.includes(run.error)) return { done: [], perhaps: [] };
  return run.output === undefined
    ? { done: [], perhaps: describe(input, undefined) }
    : { done: describe(input, fieldsOf(run.output)), perhaps: [] };
}

/** What is the same on several hosts is reported once. */
function onHosts(command: HostCommandName, { commands }: Fields, reports: readonly Fields[]): ChangesSoFar {
  const changes = listOf(commands).flatMap(({ member, host, parameters }) => {
    const report = reports.find((each) => each.member === member && each.host === host) as HostReport | undefined;
    // Of one that has failed the result is what it had changed before that.
    const result = report?.result ? fieldsOf(report.result) : undefined;
    const each = { parameters: parameters as OnHost['parameters'], result };
    const isRefusal = report && !result && REFUSALS.includes(report.error);
    const text = isRefusal ? (BEFORE_REFUSAL[command]?.(each) ?? '') : BY_COMMAND[command](each);
    return text === '' ? [] : [{ text, at: `${host} (${member})`, isDone: result !== undefined }];
  });
  const sentences = (isDone: boolean) =>
    [
      ...Map.groupBy(
        changes.filter((each) => each.isDone === isDone),
        ({ text }) => text,
      ),
    ].map(([text, alike]) => `on ${alike.map(({ at }) => at).join(', ')}: ${text}`);
  return { done: sentences(true), perhaps: sentences(false) };
}

function foldersIn({ dataDir, walDir }: Fields): string {
  return [dataDir, walDir].filter(Boolean).join(' and ');
}
