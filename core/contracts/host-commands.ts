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
const MEMBER_URLS = '[A-Za-z0-9][A-Za-z0-9._-]*=https?://[A-Za-z0-9.:_\\[\\]-]+';

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
} as const satisfies Record<string, TextRule>;

/** A parameter of a document: any text that follows a rule, or one of a few words. */
export type HostParameter = TextRule | { values: readonly string[] };

const { unit, path, optionalPath, account, execution, initialCluster, token } = TEXT_RULES;

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
    parameters: { unit, action: { values: ['start', 'stop', 'restart'] } },
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
  /** Data dirs that earlier executions have moved aside. */
  archives: z.array(z.string()),
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

/** archive-data-dir: where the old data lies now; empty where there was none. */
const archivedDataDirSchema = z.strictObject({ dataDir: z.string(), walDir: z.string() });

/** revert-data-dir: what had taken the place in the meantime, if anything, was moved to `setAside`. */
const revertedDataDirSchema = z.strictObject({ reverted: z.boolean(), setAside: z.string() });

/** configure-membership: which file was edited and where its copy lies; `changed` is false where it said so already. */
const configuredMembershipSchema = z.strictObject({ file: z.string(), copy: z.string(), changed: z.boolean() });

/** What each command's result looks like. */
export const HOST_COMMAND_RESULTS = {
  'inspect-host': hostInspectionSchema,
  'control-service': controlledServiceSchema,
  'archive-data-dir': archivedDataDirSchema,
  'revert-data-dir': revertedDataDirSchema,
  'configure-membership': configuredMembershipSchema,
} as const satisfies Record<HostCommandName, z.ZodType>;
