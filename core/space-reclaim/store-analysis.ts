import * as z from 'zod';
import { clusterName } from '../cluster/clusters.ts';

/** What fills a cluster's store, by the prefixes of its keys. Sizes are bytes; revisions of etcd are decimal strings. */

const count = z.int().min(0);

/** How long a look may read for, and how long one may wait for growth: together less than a function has. */
const MOST_SECONDS = 120;

/** analyze-store: by the cluster's name, for a caller may not choose where its login is sent. */
export const analyzeStoreInput = z.strictObject({
  cluster: clusterName,
  /** The reading ends then, and says how much it has read. */
  seconds: z.int().min(1).max(MOST_SECONDS).default(30),
  /** What is written meanwhile is told as growth; 0 for none. */
  growthSeconds: z.int().min(0).max(MOST_SECONDS).default(0),
  /** Whether the largest keys are named, too. */
  keys: z.boolean().default(false),
});
export type AnalyzeStore = Omit<z.output<typeof analyzeStoreInput>, 'cluster'>;

const growthSchema = z.object({
  keys: count.describe('Created meanwhile, and still there'),
  revisions: count.describe('Written meanwhile. An estimate where a key was there before'),
  revisionBytes: z.number().min(0).describe('What these take, with the sizes that the keys have now'),
});

const figuresSchema = z.object({
  keys: count,
  bytes: z.number().min(0).describe('Of the keys and their values, as they are now'),
  revisions: count.describe(
    'That the database still holds of these keys. An estimate, from what each key says of itself',
  ),
  revisionBytes: z.number().min(0).describe('What these revisions take, with the sizes that the keys have now'),
  keysWithLease: count,
  leases: count.describe('Different ones'),
  growth: growthSchema.nullable().describe('Null where nobody has asked for it'),
});
export type KeyFigures = z.output<typeof figuresSchema>;

const keyGroupSchema = figuresSchema.extend({
  prefix: z.string().describe('Bytes that are not printable are written as \\xNN. Empty for keys that share none'),
  isRest: z.boolean().describe('Whether it leaves out longer prefixes, which have an entry of their own'),
});
export type KeyGroup = z.output<typeof keyGroupSchema>;

const largeKeySchema = z.object({
  key: z.string(),
  bytes: z.number(),
  revisions: count,
  revisionBytes: z.number(),
  hasLease: z.boolean(),
});
export type LargeKey = z.output<typeof largeKeySchema>;

export const storeAnalysisSchema = z.object({
  member: z.string().describe('Whose database was read'),
  revision: z.string().describe('At which it was read. Where it was compacted meanwhile, the last one'),
  newerRevisions: count.describe('How often the reading went on at a newer revision, for a compaction came in between'),
  compactRevision: z.string().nullable().describe('Up to which history was compacted, "0" for never; null if unknown'),
  totalKeys: count,
  readKeys: count,
  isWhole: z.boolean().describe('Whether the reading came to its end in time'),
  stoppedIn: z.string().describe('Of one that did not: the prefix in which it stopped. Keys are read in their order'),
  total: figuresSchema.describe('Of all keys that were read'),
  groups: z.array(keyGroupSchema).describe('The largest first'),
  largestKeys: z.array(largeKeySchema).describe('Only where somebody has asked for single keys'),
  dbSizeBytes: z.number(),
  dbSizeInUseBytes: z.number(),
  growthSeconds: count,
  tookMs: z.number(),
});
export type StoreAnalysis = z.output<typeof storeAnalysisSchema>;

/** Of what a remediation adds to an error, where keys have to be deleted... */
export const EXPLAINED: AnalyzeStore = { seconds: 10, growthSeconds: 0, keys: false };
/** ...and to the report of a store that has got its space back: nobody waits for more then. */
export const REPORTED: AnalyzeStore = { ...EXPLAINED, seconds: 3 };
