import * as z from 'zod';
import { TEXT_RULES, type TextRule, textSchema } from '../text/text-rules.ts';

/**
 * The commands that run on hosts: their parameters, their results, and how they end. Each is a script of documents/, an SSM
 * document of the same name, and one entry here.
 *
 * A script prints one line of JSON on standard output: its result, or `{"message": "..."}` when it fails, with `"done"` where it has changed
 * something before that.
 */

/** How a script ends, by the error of the taxonomy that its exit code stands for. Any other code is `HostCommandFailed`. */
export const EXIT_CODES = {
  /** A parameter that the script cannot use; the patterns below leave little that gets so far. */
  InvalidInput: 64,
  /** The host is not as the command needs it. No file was changed; a service that the command stops first may be stopped. */
  PreconditionFailed: 65,
  /** Going on could lose data. No file was changed, as above. */
  UnsafeToProceed: 66,
} as const;

/**
 * The commands that start or stop a service, or move data from its place. Each also gets `sentAt`, the seconds since 1970 at which it is sent: after a
 * crash an agent may run a command again, and that run is refused. It is filled in where the command is sent.
 */
export const SENT_AT = {
  name: 'sentAt',
  rule: TEXT_RULES.number,
  commands: [
    ...['control-service', 'join-cluster', 'swap-data-dir', 'start-restored'],
    ...['archive-data-dir', 'revert-data-dir'],
  ] as readonly string[],
};

/** A parameter of a document: any text that follows a rule, or one of a few words. */
export type HostParameter = TextRule | { values: readonly string[] };

const { unit, path, optionalPath, account, execution, initialCluster, token } = TEXT_RULES;
const { memberName, peerUrls, number, optionalNumber, id, optionalId, sha256, optionalSha256, presignedUrl, metas } =
  TEXT_RULES;
const yesOrNo = { values: ['yes', 'no'] };
/** What a snapshot is compressed with that stays: every host that restores it has to have it. */
const compressor = { values: ['gzip', 'zstd'] };

/**
 * The host commands. `timeoutSeconds` is what one run may take on the host before SSM ends it. systemd itself gives a service 90 s to start and as
 * long to stop; a folder is moved by one rename; what reads, copies or sends a whole database has an hour.
 */
export const HOST_COMMANDS = {
  'inspect-host': {
    description: "Reads the unit's state and log, etcd's version, data and configuration, and what would be refused",
    timeoutSeconds: 90,
    parameters: {
      unit,
      dataDir: path,
      walDir: optionalPath,
      configFile: path,
      binDir: path,
      user: account,
      group: account,
      /** An object of the staging bucket, which need not exist: whether the host reaches it. Empty where no snapshot is to be moved. */
      url: presignedUrl,
    },
  },
  'control-service': {
    description: 'Starts, stops or restarts the service, and waits until it really is so',
    timeoutSeconds: 300,
    parameters: {
      unit,
      action: { values: ['start', 'start-without-waiting', 'stop', 'restart'] },
      dataDir: path,
      walDir: optionalPath,
      /**
       * What is known of the member's log: its cluster's ID, and an index up to which it goes; each empty if unknown, and for a stop. A start is refused
       * where that is not in its place any more.
       */
      clusterId: optionalId,
      commitIndex: optionalNumber,
    },
  },
  'archive-data-dir': {
    description: "Moves the data of a stopped member aside under the execution's name, so that etcd starts empty",
    timeoutSeconds: 120,
    parameters: { unit, dataDir: path, walDir: optionalPath, user: account, group: account, execution },
  },
  'revert-data-dir': {
    description: 'Moves the data that an execution has moved aside back into its place',
    timeoutSeconds: 120,
    parameters: { unit, dataDir: path, walDir: optionalPath, user: account, group: account, execution },
  },
  'join-cluster': {
    description: "Writes the cluster's members into etcd's configuration and starts the service, which begins empty",
    timeoutSeconds: 300,
    parameters: { unit, configFile: path, dataDir: path, walDir: optionalPath, initialCluster, execution },
  },
  'snapshot-data-dir': {
    description:
      "Makes a snapshot of what a member's data holds, from a copy of it; changes nothing of the data itself",
    timeoutSeconds: 3600,
    parameters: {
      unit,
      dataDir: path,
      walDir: optionalPath,
      binDir: path,
      user: account,
      group: account,
      /** Whether the snapshot stays in the scratch folder, or only its description is needed. */
      keep: yesOrNo,
      compressor,
      execution,
    },
  },
  'fetch-backup': {
    description: 'Fetches a backup into the scratch folder and says what is in it',
    timeoutSeconds: 3600,
    parameters: {
      dataDir: path,
      binDir: path,
      keep: yesOrNo,
      compressor,
      execution,
      /** Of the object, as it was recorded when the backup was made; empty where nothing was. */
      sha256: optionalSha256,
      url: presignedUrl,
    },
  },
  'rehearse-restore': {
    description: 'Restores a backup into a scratch folder, starts a private member on it, and removes all of it again',
    timeoutSeconds: 3600,
    parameters: {
      dataDir: path,
      binDir: path,
      user: account,
      group: account,
      /** As it was recorded when the backup was made: at least this revision, and of the object and of the snapshot in it. */
      revision: number,
      sha256,
      compressedBytes: number,
      sizeBytes: number,
      /** So much has to be free on the disk, and of the memory, or nothing is begun. */
      roomBytes: number,
      memoryBytes: number,
      url: presignedUrl,
    },
  },
  'copy-database': {
    description:
      'Copies the database of a member that runs, while a snapshot of it is kept open, into the scratch folder',
    /** As long as the function that keeps the snapshot open. */
    timeoutSeconds: 900,
    parameters: {
      dataDir: path,
      walDir: optionalPath,
      execution,
      /** In whose log they have to stand. */
      clusterId: id,
      memberId: id,
      /** The two metas with which the snapshot begins, in hex; empty where nothing is copied: only asked for is what would be refused. */
      metas,
      /** Of the file before the snapshot began; "0" where nothing is copied. */
      inode: number,
      /** Where a part of the copy would be sent, at which nobody has begun an upload: whether the host reaches it. Empty where it is copied. */
      url: presignedUrl,
    },
  },
  'send-snapshot': {
    description: 'Sends one part of the compressed snapshot in the scratch folder',
    timeoutSeconds: 3600,
    parameters: {
      dataDir: path,
      execution,
      /** The snapshot of this host's own data, or the backup that it has fetched. */
      source: { values: ['data', 'backup'] },
      offsetBytes: number,
      lengthBytes: number,
      url: presignedUrl,
    },
  },
  'restore-snapshot': {
    description: 'Restores a snapshot into the scratch folder, beside the data dir, which stays as it is',
    timeoutSeconds: 3600,
    parameters: {
      dataDir: path,
      walDir: optionalPath,
      binDir: path,
      user: account,
      group: account,
      execution,
      name: memberName,
      peerUrls,
      initialCluster,
      initialClusterToken: token,
      /** Of the compressed snapshot. */
      sha256,
      /** Of the database in it. */
      sizeBytes: number,
      /** Whether etcd has put a hash behind the database, as in a backup. */
      hashCheck: yesOrNo,
      /** What the snapshot's revision is, and how far it is raised, for watchers must never see it go back; "0" leaves it. */
      revision: number,
      bumpRevision: number,
      /** Where to fetch it from; empty where it is in the scratch folder already. */
      url: presignedUrl,
    },
  },
  'swap-data-dir': {
    description:
      'Stops the service, moves its data aside and the restored data into its place, and writes the membership',
    /** The stop, and a look at which data is newer: of a database of 8 GB that is a few minutes. */
    timeoutSeconds: 900,
    parameters: {
      unit,
      /** `leave`: only the service is stopped, of a member that is not restored. */
      data: { values: ['swap', 'leave'] },
      dataDir: path,
      walDir: optionalPath,
      configFile: path,
      binDir: path,
      user: account,
      group: account,
      initialCluster,
      initialClusterToken: token,
      execution,
      /** Of the snapshot: data that is newer is not replaced by it... */
      revision: number,
      /** ...unless this says so. */
      replaceNewer: yesOrNo,
    },
  },
  'start-restored': {
    description: 'Says that the restored data is kept, starts the service on it, and waits until it is up',
    timeoutSeconds: 300,
    parameters: { unit, dataDir: path, walDir: optionalPath, execution },
  },
  'mark-recovery': {
    description: "Removes the execution's scratch folder, where the data has come as far as it must have for that",
    timeoutSeconds: 300,
    parameters: {
      dataDir: path,
      walDir: optionalPath,
      /**
       * `undo`: nothing is in place. `commit`: what was restored is in place, on every host, and may be started; only the word `kept`
       * stays, which proves it. `forget`: that word goes as well.
       */
      outcome: { values: ['undo', 'commit', 'forget'] },
      execution,
    },
  },
  'find-command': {
    description: 'Says whether anything of a command still runs, and how long the host is up; changes nothing',
    timeoutSeconds: 30,
    parameters: { commandId: execution },
  },
} as const satisfies Record<
  string,
  { description: string; timeoutSeconds: number; parameters: Record<string, HostParameter> }
>;

export type HostCommandName = keyof typeof HOST_COMMANDS;

/** All that a document is given: what its command is sent with, and where it needs it, {@link SENT_AT}. */
export function documentParameters(command: HostCommandName): Record<string, HostParameter> {
  const stamp = SENT_AT.commands.includes(command) ? { [SENT_AT.name]: SENT_AT.rule } : {};
  return { ...HOST_COMMANDS[command].parameters, ...stamp };
}

/** The name of the SSM document. */
export function documentName(command: HostCommandName): string {
  return `etcd-remediation-${command}`;
}

/** A parameter's values, as the schema of the step that sends it. */
export function parameterSchema(parameter: HostParameter): z.ZodType<string> {
  return 'values' in parameter ? z.enum(parameter.values) : textSchema(parameter);
}
