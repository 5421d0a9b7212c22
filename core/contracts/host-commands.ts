import * as z from 'zod';

/**
 * The commands that run on hosts: their parameters, their results, and how they end. Each is a script of documents/, an SSM
 * document of the same name, and one entry here.
 *
 * A script prints one line of JSON on standard output: its result, or `{"message": "..."}` when it fails.
 */

/** How a script ends, by the error of the taxonomy that its exit code stands for. Any other code is `HostCommandFailed`. */
export const EXIT_CODES = {
  /** A parameter that the script cannot use; the patterns below leave little that gets so far. */
  InvalidInput: 64,
  /** The host is not as the command needs it. Nothing was changed. */
  PreconditionFailed: 65,
  /** Going on could lose data. Nothing was changed. */
  UnsafeToProceed: 66,
} as const;

/** What a value has to look like before it may be part of a script, on both ends: here, and as the document's `allowedPattern`. */
export interface TextRule {
  /** Anchored; without lookarounds and counted repetitions, for the SSM agent reads it too. */
  pattern: string;
  maxChars: number;
  /** For the message. */
  shape: string;
}

const PATH = '(/[.]?[A-Za-z0-9_-][A-Za-z0-9._@+=-]*)+';
const URL = 'https?://[A-Za-z0-9.:_\\[\\]-]+';
const MEMBER_URLS = `[A-Za-z0-9][A-Za-z0-9._-]*=${URL}`;

export const TEXT_RULES = {
  unit: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9:_.@-]*$',
    maxChars: 128,
    shape: 'a systemd unit such as "etcd" or "etcd@orders.service"',
  },
  path: {
    pattern: `^${PATH}$`,
    maxChars: 512,
    shape: 'an absolute path of letters, digits and "._@+=-", without ".."',
  },
  optionalPath: {
    pattern: `^(${PATH})?$`,
    maxChars: 512,
    shape: 'empty, or an absolute path of letters, digits and "._@+=-", without ".."',
  },
  account: {
    pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$',
    maxChars: 32,
    shape: 'the name of a user or group',
  },
  execution: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$',
    maxChars: 80,
    shape: 'an execution\'s name of letters, digits, "-" and "_"',
  },
  initialCluster: {
    pattern: `^${MEMBER_URLS}(,${MEMBER_URLS})*$`,
    maxChars: 4096,
    shape: 'NAME=PEER_URL,NAME=PEER_URL...',
  },
  token: {
    pattern: '^([A-Za-z0-9_.][A-Za-z0-9_.-]*)?$',
    maxChars: 128,
    shape: 'empty, or a token of letters, digits and "_.-"',
  },
  memberName: {
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
    maxChars: 128,
    shape: "a member's name",
  },
  peerUrls: {
    pattern: `^${URL}(,${URL})*$`,
    maxChars: 1024,
    shape: 'URLs such as "https://10.0.1.11:2380", with commas between them',
  },
  number: {
    pattern: '^[0-9]+$',
    maxChars: 20,
    shape: 'a whole number in decimal digits',
  },
  sha256: {
    pattern: '^[0-9a-f]+$',
    maxChars: 64,
    shape: 'a SHA-256 in lower-case hex digits',
  },
  /** Whoever knows it may use it until it expires. */
  presignedUrl: {
    pattern: `^(${URL}/[A-Za-z0-9._~/%-]+[?][A-Za-z0-9._~%&=-]+)?$`,
    maxChars: 8192,
    shape: 'empty, or a presigned URL',
  },
} as const satisfies Record<string, TextRule>;

/** A parameter of a document: any text that follows a rule, or one of a few words. */
export type HostParameter = TextRule | { values: readonly string[] };

const { unit, path, optionalPath, account, execution, initialCluster, token } = TEXT_RULES;
const { memberName, peerUrls, number, sha256, presignedUrl } = TEXT_RULES;
const yesOrNo = { values: ['yes', 'no'] };

/**
 * The host commands. `timeoutSeconds` is what one run may take on the host before SSM ends it: systemd itself gives a service
 * 90 s to start and as long to stop, and contents may have to be moved one by one.
 */
export const HOST_COMMANDS = {
  'inspect-host': {
    description: "Reads the unit's state and log, etcd's version, its data and its configuration; changes nothing",
    timeoutSeconds: 60,
    parameters: { unit, dataDir: path, walDir: optionalPath, configFile: path, binDir: path },
  },
  'control-service': {
    description: 'Starts, stops or restarts the service, and waits until it really is so',
    timeoutSeconds: 300,
    parameters: { unit, action: { values: ['start', 'launch', 'stop', 'restart'] } },
  },
  'archive-data-dir': {
    description: "Moves the data of a stopped member aside under the execution's name, and leaves an empty data dir",
    timeoutSeconds: 600,
    parameters: { unit, dataDir: path, walDir: optionalPath, user: account, group: account, execution },
  },
  'revert-data-dir': {
    description: 'Moves the data that an execution has moved aside back into its place',
    timeoutSeconds: 600,
    parameters: { unit, dataDir: path, walDir: optionalPath, user: account, group: account, execution },
  },
  'configure-membership': {
    description: "Writes the cluster's members into etcd's configuration, for its next start with an empty data dir",
    timeoutSeconds: 60,
    parameters: {
      unit,
      configFile: path,
      initialCluster,
      initialClusterState: { values: ['new', 'existing'] },
      initialClusterToken: token,
      execution,
    },
  },
  'salvage-data-dir': {
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
      /** Whether the snapshot stays in the scratch folder, or only what is known of it is wanted. */
      keep: yesOrNo,
      execution,
    },
  },
  'examine-snapshot': {
    description: 'Fetches a backup into the scratch folder and says what is in it',
    timeoutSeconds: 3600,
    parameters: { dataDir: path, binDir: path, keep: yesOrNo, execution, url: presignedUrl },
  },
  'upload-snapshot': {
    description: 'Sends one part of the compressed snapshot in the scratch folder to the staging bucket',
    timeoutSeconds: 3600,
    parameters: { dataDir: path, execution, offsetBytes: number, lengthBytes: number, url: presignedUrl },
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
      /** "no" for a member's raw database, which has no hash in it. */
      hashCheck: yesOrNo,
      /** What the snapshot's revision is, and how far it is raised, for watchers must never see it go back; "0" leaves it. */
      revision: number,
      bumpRevision: number,
      /** Where to fetch it from; empty where it lies in the scratch folder already. */
      url: presignedUrl,
    },
  },
  'place-restored-data': {
    description: "Moves a stopped member's data aside under the execution's name, and the restored data into its place",
    timeoutSeconds: 3600,
    parameters: {
      unit,
      dataDir: path,
      walDir: optionalPath,
      binDir: path,
      user: account,
      group: account,
      execution,
      /** Of the snapshot: data that is newer is not replaced by it... */
      revision: number,
      /** ...unless this says so. */
      replaceNewer: yesOrNo,
    },
  },
  'discard-scratch': {
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
} as const satisfies Record<
  string,
  { description: string; timeoutSeconds: number; parameters: Record<string, HostParameter> }
>;

export type HostCommandName = keyof typeof HOST_COMMANDS;

/** The name of the SSM document. */
export function documentName(command: HostCommandName): string {
  return `etcd-remediation-${command}`;
}

/** Text that follows a rule. */
export function textSchema({ pattern, maxChars, shape }: TextRule): z.ZodType<string> {
  return z
    .string()
    .max(maxChars, { error: `must be at most ${maxChars} characters` })
    .regex(new RegExp(pattern), { error: `must be ${shape}` });
}

/** A parameter's values, as the schema of the step that sends it. */
export function parameterSchema(parameter: HostParameter): z.ZodType<string> {
  return 'values' in parameter ? z.enum(parameter.values) : textSchema(parameter);
}

const directorySchema = z.strictObject({
  path: z.string(),
  /** Where the path leads in the end, for it may be a link. */
  realPath: z.string(),
  exists: z.boolean(),
  /** Nothing of etcd is in it. */
  empty: z.boolean(),
  isMountPoint: z.boolean(),
  /** `etcd:etcd` */
  owner: z.string(),
  /** `drwx------` */
  mode: z.string(),
  sizeBytes: z.int(),
  freeBytes: z.int(),
});

/** inspect-host. Sizes are bytes. */
export const hostInspectionSchema = z.strictObject({
  /** As systemd's properties of the same names: https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html */
  unit: z.strictObject({
    loadState: z.string(),
    activeState: z.string(),
    subState: z.string(),
    result: z.string(),
    mainPid: z.int(),
    restarts: z.int(),
    exitStatus: z.int(),
  }),
  /** The newest lines of the unit's log, oldest first. */
  log: z.array(z.string()),
  /** `3.5.16`; empty where no etcd was found. */
  etcdVersion: z.string(),
  dataDir: directorySchema,
  /** Null without a walDir of its own. */
  walDir: directorySchema.nullable(),
  /** Whether there is a log: etcd takes a data dir without one for a new member's. */
  hasLog: z.boolean(),
  /** Data dirs that earlier executions have moved aside. */
  archives: z.array(z.string()),
  /** Recoveries that were interrupted on this host, and how far they had come: see documents/parts/scratch.sh. */
  recoveries: z.array(
    z.strictObject({ execution: z.string(), phase: z.enum(['restored', 'moving', 'placed', 'kept']) }),
  ),
  configuration: z.strictObject({
    /** What etcd reads: with a config file it ignores its flags and environment. */
    format: z.enum(['yaml', 'environment']),
    /** The file that configure-membership would edit; empty where etcd reads no file at all. */
    file: z.string(),
    /** Empty where the setting is not made. */
    name: z.string(),
    dataDir: z.string(),
    walDir: z.string(),
    initialAdvertisePeerUrls: z.string(),
    initialCluster: z.string(),
    initialClusterState: z.string(),
    initialClusterToken: z.string(),
    /** Settings that make configure-membership useless: flags of the unit that go before the file, discovery, force-new-cluster. */
    overriding: z.array(z.string()),
  }),
});
export type HostInspection = z.output<typeof hostInspectionSchema>;

/** control-service */
const controlledServiceSchema = z.strictObject({
  activeState: z.string(),
  subState: z.string(),
  mainPid: z.int(),
});

/** archive-data-dir and place-restored-data: where the old data lies now; empty where there was none. */
const archivedDataDirSchema = z.strictObject({ dataDir: z.string(), walDir: z.string() });

/** revert-data-dir: what had taken the place in the meantime, if anything, was moved to `setAside`. */
const revertedDataDirSchema = z.strictObject({ reverted: z.boolean(), setAside: z.string() });

/** configure-membership: which file was edited and where its copy lies; `changed` is false where it said so already. */
const configuredMembershipSchema = z.strictObject({ file: z.string(), copy: z.string(), changed: z.boolean() });

/** A compressed snapshot in the scratch folder. */
const keptSnapshotSchema = z.strictObject({ sizeBytes: z.int(), sha256: z.string() });

/** salvage-data-dir: the best that could be made of a member's data. Revisions and raft indexes are decimal strings. */
const salvageSchema = z.strictObject({
  /**
   * `live`: the database of a member that runs, as it has applied it; `replayed`: its log was replayed on a copy; `raw`: the database
   * alone, for the log could not be replayed; `none`: there is no database that can be read.
   */
  method: z.enum(['live', 'replayed', 'raw', 'none']),
  /** "0" for `none`. */
  revision: z.string(),
  totalKeys: z.int(),
  hash: z.string(),
  /** Of the database. */
  sizeBytes: z.int(),
  /** The revision of the database as it lay there. */
  rawRevision: z.string(),
  /**
   * What the log held, where it could be replayed: up to where etcd knew it as committed, and its last entry. Not `complete` where
   * etcd had to cut off a damaged end.
   */
  log: z
    .strictObject({
      /** In hex. Indexes of two clusters cannot be compared. */
      clusterId: z.string(),
      complete: z.boolean(),
      commitIndex: z.string(),
      lastIndex: z.string(),
    })
    .nullable(),
  /** Null where it was not kept. */
  snapshot: keptSnapshotSchema.nullable(),
  /** Why the log could not be replayed, or there is nothing; empty otherwise. */
  problem: z.string(),
});
export type Salvage = z.output<typeof salvageSchema>;

/** examine-snapshot */
const examinedSnapshotSchema = z.strictObject({
  revision: z.string(),
  totalKeys: z.int(),
  hash: z.string(),
  /** Of the database. */
  sizeBytes: z.int(),
  /** Whether etcd's own hash is in it, as `snapshot save` writes it. */
  hasHash: z.boolean(),
  snapshot: keptSnapshotSchema.nullable(),
});
export type ExaminedSnapshot = z.output<typeof examinedSnapshotSchema>;

/** upload-snapshot: S3's receipt for the part. */
const uploadedPartSchema = z.strictObject({ etag: z.string() });

/** restore-snapshot: the revision of the restored database, raised or not. */
const restoredSnapshotSchema = z.strictObject({ revision: z.string(), sizeBytes: z.int() });

const discardedScratchSchema = z.strictObject({ discarded: z.boolean() });

/** What each command's result looks like. */
export const HOST_COMMAND_RESULTS = {
  'inspect-host': hostInspectionSchema,
  'control-service': controlledServiceSchema,
  'archive-data-dir': archivedDataDirSchema,
  'revert-data-dir': revertedDataDirSchema,
  'configure-membership': configuredMembershipSchema,
  'salvage-data-dir': salvageSchema,
  'examine-snapshot': examinedSnapshotSchema,
  'upload-snapshot': uploadedPartSchema,
  'restore-snapshot': restoredSnapshotSchema,
  'place-restored-data': archivedDataDirSchema,
  'discard-scratch': discardedScratchSchema,
} as const satisfies Record<HostCommandName, z.ZodType>;
