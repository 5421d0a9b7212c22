import * as z from 'zod';
import type { HostCommandName } from './host-commands.ts';

/** What the host commands print: one line of JSON each, of these shapes. */

/** Files and folders that runs which were killed had left, and which are removed now. Not there where there were none. */
const removed = z.array(z.string()).min(1).optional();

const directorySchema = z.strictObject({
  path: z.string(),
  /** Where the path leads in the end, for it may be a link. */
  realPath: z.string(),
  exists: z.boolean(),
  /** Nothing of etcd is in it; others' files may be. */
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
  /** The newest lines of the unit's log, oldest first, and before them the newest of each complaint of these minutes about a certificate. */
  log: z.array(z.string()),
  /** The newest lines of errors since etcd last served clients, oldest first. */
  errors: z.array(z.string()),
  /** Whether etcd is at work, as the host itself sees it. */
  atWork: z.strictObject({
    /** Whether something listens there, whatever it is; null if the host cannot say. */
    clientPortListens: z.boolean().nullable(),
    peerPortListens: z.boolean().nullable(),
    /**
     * Of the unit's main process, as in /proc/PID/stat: `T` and `t` are stopped, by a signal and by a debugger; `D` waits for a disk, from before
     * etcd was asked until after it. `frozen`: by "systemctl freeze". Empty where there is no process, or nobody can tell.
     * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
     */
    processState: z.string(),
    /**
     * What etcd said at its own client URL, asked on its own host: `leader`: it leads or follows a leader; `no-leader`; `speaks`: someone
     * answers, and does not say; `silent`: no answer within 5 s; `unknown`: it was not asked.
     */
    answer: z.enum(['leader', 'no-leader', 'speaks', 'silent', 'unknown']),
    /** In hex; empty where it did not say. */
    memberId: z.string(),
    /** Why it does not say. */
    problem: z.string(),
  }),
  /** `3.5.16`; empty where no etcd was found. */
  etcdVersion: z.string(),
  /** Whether there is a zstd that works. */
  zstd: z.boolean(),
  dataDir: directorySchema,
  /** Null without a walDir of its own. */
  walDir: directorySchema.nullable(),
  /** What the log holds; null where there is none: etcd takes a data dir without one for a new member's. */
  raftLog: z
    .strictObject({
      /**
       * `nothing`: no more than the members that it was begun with: its member has lost its data and was started again. `entries`: what someone has
       * written, or a leader has. `empty`: no file of it begins with a record, so etcd does not start on it. `unknown`: none of these is known.
       */
      holds: z.enum(['nothing', 'entries', 'empty', 'unknown']),
      /** Up to here the member knows it as committed, or further; empty if unknown. */
      commitIndex: z.string(),
      /** Of its last entry; empty if unknown. */
      lastIndex: z.string(),
      /** The terms of both entries; each empty if unknown. */
      commitTerm: z.string(),
      lastTerm: z.string(),
    })
    .nullable(),
  /** Of which cluster the log is, in hex; empty where it does not say. */
  clusterId: z.string(),
  /** Data dirs that earlier executions have moved aside. */
  archives: z.array(z.string()),
  /** Recoveries that were interrupted on this host, and how far they had come: see documents/parts/scratch.sh. */
  recoveries: z.array(
    z.strictObject({ execution: z.string(), phase: z.enum(['restored', 'moving', 'placed', 'kept']) }),
  ),
  /** What later commands would refuse this host for, by the same checks. Their names are in documents/, `refuse NAME`. */
  refusals: z.array(
    z.strictObject({
      /** The runbook whose commands would; `any`: both. */
      incident: z.enum(['any', 'member-failed', 'quorum-lost']),
      refusal: z.string(),
      message: z.string(),
    }),
  ),
  /** Those whose files etcd's configuration names, and which can be read: what it shows to peers, what it shows to clients, and the CAs of both. */
  certificates: z.array(
    z.strictObject({
      use: z.enum(['peer', 'server', 'peer-ca', 'client-ca']),
      file: z.string(),
      /** The first certificate of the file, in base64; empty where there is none in it. */
      der: z.string(),
    }),
  ),
  configuration: z.strictObject({
    /** What etcd reads: with a config file it ignores its flags and environment. */
    format: z.enum(['yaml', 'environment']),
    /** The file that the membership would be written into; empty where etcd reads no file at all. */
    file: z.string(),
    /** Empty where the setting is not made. */
    name: z.string(),
    dataDir: z.string(),
    walDir: z.string(),
    initialAdvertisePeerUrls: z.string(),
    initialCluster: z.string(),
    initialClusterState: z.string(),
    initialClusterToken: z.string(),
    /** Settings that make it useless to write the membership: flags of the unit that go before the file, discovery, force-new-cluster. */
    overriding: z.array(z.string()),
    /** The names of settings that are called experimental, as etcd reads them: `experimental-max-learners`, `ETCD_EXPERIMENTAL_MAX_LEARNERS`. */
    experimental: z.array(z.string()),
  }),
  removed,
});
export type HostInspection = z.output<typeof hostInspectionSchema>;

/** control-service and start-restored */
const controlledServiceSchema = z.strictObject({
  activeState: z.string(),
  subState: z.string(),
  mainPid: z.int(),
});

/** archive-data-dir: where the old `member` and a wal dir outside of it lie now; empty where there was none. */
const archivedDataDirSchema = z.strictObject({ dataDir: z.string(), walDir: z.string() });

/** revert-data-dir: what had taken the place in the meantime, if anything, was moved to `setAside`. */
const revertedDataDirSchema = z.strictObject({ reverted: z.boolean(), setAside: z.string() });

/** Which file was edited and where its copy is; `changed` is false where it said so already. */
const configuredMembershipSchema = z.strictObject({
  file: z.string(),
  copy: z.string(),
  changed: z.boolean(),
  removed,
});

/** join-cluster. If the service does not start, it still reports what was written. */
const joinedClusterSchema = z.strictObject({ ...configuredMembershipSchema.shape, ...controlledServiceSchema.shape });

/** swap-data-dir; all is empty where only the service was stopped. */
const swappedDataDirSchema = z.strictObject({ ...archivedDataDirSchema.shape, ...configuredMembershipSchema.shape });

/** A compressed snapshot in the scratch folder. */
const keptSnapshotSchema = z.strictObject({ sizeBytes: z.int(), sha256: z.string() });

/** The release whose storage a database is, `3.7.0`; empty if unknown. etcd's programs report it since 3.6. */
const storageVersion = z.string();

/** snapshot-data-dir: the best that could be made of a member's data. Revisions and raft indexes are decimal strings. */
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
  version: storageVersion,
  /** Of the database. */
  sizeBytes: z.int(),
  /** The revision of the database as it lay there. */
  rawRevision: z.string(),
  /** Of which cluster it is, in hex, as the begin of its log says, also of one that could not be replayed; empty where there is none. */
  clusterId: z.string(),
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
  removed,
});
export type Salvage = z.output<typeof salvageSchema>;

/** fetch-backup */
const examinedSnapshotSchema = z.strictObject({
  revision: z.string(),
  totalKeys: z.int(),
  hash: z.string(),
  version: storageVersion,
  /** Of the database. */
  sizeBytes: z.int(),
  /** Whether etcd's own hash is in it, as `snapshot save` writes it. */
  hasHash: z.boolean(),
  snapshot: keptSnapshotSchema.nullable(),
});
export type ExaminedSnapshot = z.output<typeof examinedSnapshotSchema>;

/** rehearse-restore: what a private member holds that was started on a restored backup. */
const rehearsedRestoreSchema = z.strictObject({
  revision: z.string(),
  /** That there were at the recorded revision; null where nobody can tell. */
  keys: z.int().nullable(),
  /** HashKV at the recorded revision; null where the member does not say. */
  hash: z.strictObject({ hash: z.int(), compactRevision: z.string() }).nullable(),
  /** To fetch and verify it, to decompress and restore it, and until the member served clients. */
  tookMs: z.strictObject({ fetch: z.int(), restore: z.int(), start: z.int() }),
});
export type RehearsedRestore = z.output<typeof rehearsedRestoreSchema>;

/** The same, and copy-database, of one that something else on its host has kept from its end. */
const gaveWaySchema = z.strictObject({ gaveWay: z.string() });

/** restore-snapshot: the revision of the restored database, raised or not. */
const restoredSnapshotSchema = z.strictObject({ revision: z.string(), sizeBytes: z.int() });

/** copy-database */
const copiedDatabaseSchema = z.strictObject({
  /** Of the member's file: another one has another. */
  inode: z.string().regex(/^[0-9]+$/),
  /** Null where nothing was to be copied. */
  copy: z
    .strictObject({
      /** Of the snapshot as etcd restores it: the database, and its SHA-256 behind it. */
      sizeBytes: z.int(),
      databaseSha256: z.string(),
      snapshot: keptSnapshotSchema,
    })
    .nullable(),
  removed,
});

/** send-snapshot: S3's receipt for the part, and how large that is. */
const sentPartSchema = z.strictObject({ sizeBytes: z.int(), etag: z.string() });

const discardedScratchSchema = z.strictObject({ discarded: z.boolean() });

/** What each command's result looks like. */
/** find-command */
const foundCommandSchema = z.strictObject({
  /** Whether a process lives that the command's script has started, or the script itself. */
  running: z.boolean(),
  /** Since the host was started. */
  upSeconds: z.int(),
});

export const HOST_COMMAND_RESULTS = {
  'inspect-host': hostInspectionSchema,
  'control-service': controlledServiceSchema,
  'archive-data-dir': archivedDataDirSchema,
  'revert-data-dir': revertedDataDirSchema,
  'join-cluster': joinedClusterSchema,
  'snapshot-data-dir': salvageSchema,
  'fetch-backup': examinedSnapshotSchema,
  'rehearse-restore': z.union([rehearsedRestoreSchema, gaveWaySchema]),
  'copy-database': z.union([copiedDatabaseSchema, gaveWaySchema]),
  'send-snapshot': sentPartSchema,
  'restore-snapshot': restoredSnapshotSchema,
  'swap-data-dir': swappedDataDirSchema,
  'start-restored': controlledServiceSchema,
  'mark-recovery': discardedScratchSchema,
  'find-command': foundCommandSchema,
} as const satisfies Record<HostCommandName, z.ZodType>;

/** The result of one host command, when one host's failure does not end the execution. */
export function reportOf<Result extends z.ZodType>(result: Result) {
  return z.strictObject({
    member: z.string(),
    host: z.string(),
    /** Null where it failed, and had changed nothing before. */
    result: result.nullable(),
    /** The error's name and message; empty where it ended well. */
    error: z.string(),
    problem: z.string(),
  });
}

export const inspectionReportSchema = reportOf(hostInspectionSchema);
export type InspectionReport = z.output<typeof inspectionReportSchema>;
