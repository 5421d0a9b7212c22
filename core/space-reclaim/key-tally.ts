import { prefixesOf, printable } from './key-prefixes.ts';
import type { KeyFigures, KeyGroup, LargeKey } from './store-analysis.ts';

/** A key as it is read. Of its value the size is left. */
export interface SeenKey {
  /** A character a byte. */
  key: string;
  valueBytes: number;
  /** How often it was written since it was created. */
  version: number;
  createRevision: bigint;
  modRevision: bigint;
  /** "0" for none. */
  lease: string;
}

/** A prefix with less of everything than this share is counted with the one around it. */
const KEPT_SHARE = 0.01;
/** One with more than this share is split... */
const SPLIT_ABOVE_SHARE = 0.1;
/** ...into those with more than this one. */
const ROW_SHARE = 0.02;
const MOST_ROWS = 20;
const LARGEST_KEYS = 10;

interface TallyOptions {
  /** Up to which history was compacted. */
  compactRevision: bigint;
  /** From when on growth is counted. */
  growthSince?: bigint | undefined;
  /** Whether the largest keys are kept. */
  keys: boolean;
}

/**
 * Counts keys by their prefixes. They come in their order, so a prefix is whole when another one follows. What is small by then is folded into
 * the one around it: what is kept does not grow with the number of keys. Only leases are all kept, each once.
 */
export class KeyTally {
  readonly #options: TallyOptions;
  /** From the one for all keys to the one that the last key is in. */
  readonly #open: Prefix[] = [new Prefix('')];
  #largest: LargeKey[] = [];

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  /** How many keys it has counted. */
  get count(): number {
    return this.#whole.keys;
  }

  /** In which prefix the last key is. */
  get lastPrefix(): string {
    return printable(this.#open.at(-1)?.prefix ?? '');
  }

  get #whole(): Prefix {
    return this.#open[0] as Prefix;
  }

  add(key: SeenKey): void {
    const { compactRevision, growthSince, keys } = this.#options;
    const prefixes = prefixesOf(key.key);
    while (this.#open.length > 1 && this.#open.at(-1)?.prefix !== prefixes[this.#open.length - 2]) this.#close();
    for (const prefix of prefixes.slice(this.#open.length - 1)) this.#open.push(new Prefix(prefix));
    const bytes = key.key.length + key.valueBytes;
    const revisions = revisionsKept(key, compactRevision);
    const written = growthSince === undefined ? 0 : revisionsAfter(key, growthSince);
    const isNew = growthSince !== undefined && key.createRevision > growthSince;
    const hasLease = key.lease !== '0';
    for (const each of this.#open) {
      each.keys += 1;
      each.bytes += bytes;
      each.revisions += revisions;
      each.revisionBytes += revisions * bytes;
      each.keysWithLease += hasLease ? 1 : 0;
      each.newKeys += isNew ? 1 : 0;
      each.written += written;
      each.writtenBytes += written * bytes;
    }
    if (hasLease) this.#open.at(-1)?.leases.add(key.lease);
    if (keys) this.#keepIfLarge({ key: key.key, bytes, revisions, revisionBytes: revisions * bytes, hasLease });
  }

  /** What was counted. Nothing can be added any more. */
  end(): { total: KeyFigures; groups: KeyGroup[]; largestKeys: LargeKey[] } {
    while (this.#open.length > 1) this.#close();
    const whole = this.#whole;
    const grows = this.#options.growthSince !== undefined;
    return {
      total: figuresOf(whole, [], grows),
      groups: rowsOf(whole).map(({ prefix, shown }) => ({
        prefix: printable(prefix.prefix),
        isRest: shown.length > 0,
        ...figuresOf(prefix, shown, grows),
      })),
      largestKeys: this.#largest.map((each) => ({ ...each, key: printable(each.key) })),
    };
  }

  #close(): void {
    const closed = this.#open.pop() as Prefix;
    const around = this.#open.at(-1) as Prefix;
    if (shareOf(closed, this.#whole) >= KEPT_SHARE) around.children.push(closed);
    else for (const lease of closed.allLeases()) around.leases.add(lease);
  }

  #keepIfLarge(key: LargeKey): void {
    const least = this.#largest.at(-1);
    if (this.#largest.length >= LARGEST_KEYS && least && least.revisionBytes >= key.revisionBytes) return;
    this.#largest = [...this.#largest, key]
      .toSorted((one, other) => other.revisionBytes - one.revisionBytes)
      .slice(0, LARGEST_KEYS);
  }
}

/** What was counted of the keys with one prefix, those with a longer one among them. */
class Prefix {
  readonly prefix: string;
  /** Longer ones that were large enough when they were whole. */
  readonly children: Prefix[] = [];
  /** Of keys that no child has. */
  readonly leases = new Set<string>();
  keys = 0;
  bytes = 0;
  revisions = 0;
  revisionBytes = 0;
  keysWithLease = 0;
  newKeys = 0;
  written = 0;
  writtenBytes = 0;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Without those of some children. */
  allLeases(except: readonly Prefix[] = []): Set<string> {
    const all = new Set(this.leases);
    for (const child of this.children) {
      if (!except.includes(child)) for (const lease of child.allLeases()) all.add(lease);
    }
    return all;
  }
}

interface Row {
  prefix: Prefix;
  /** Its children that have rows of their own. */
  shown: Prefix[];
}

/** From one row for all keys on, the largest that can be split is, until the table is as long as a person wants to read. */
function rowsOf(whole: Prefix): Row[] {
  if (whole.keys === 0) return [];
  const rows: Row[] = [{ prefix: deepest(whole), shown: [] }];
  for (;;) {
    const [widest] = rows
      .filter(({ shown }) => shown.length === 0)
      .map((row) => ({ row, share: shareOf(row.prefix, whole), children: largeIn(row.prefix, whole) }))
      .filter(({ share, children }) => share > SPLIT_ABOVE_SHARE && children.length > 0)
      .toSorted((one, other) => other.share - one.share);
    const room = MOST_ROWS - rows.length;
    if (!widest || room < 1) break;
    widest.row.shown = widest.children.slice(0, room);
    rows.push(...widest.row.shown.map((prefix) => ({ prefix: deepest(prefix), shown: [] })));
    // Whoever has nothing left beside its children needs no row.
    if (lessThan(widest.row.prefix, widest.row.shown, 'keys') === 0) rows.splice(rows.indexOf(widest.row), 1);
  }
  return rows.toSorted(
    (one, other) =>
      lessThan(other.prefix, other.shown, 'revisionBytes') - lessThan(one.prefix, one.shown, 'revisionBytes'),
  );
}

/** The longest prefix of the very same keys. */
function deepest(prefix: Prefix): Prefix {
  const [only] = prefix.children;
  return only && only.keys === prefix.keys ? deepest(only) : prefix;
}

function largeIn({ children }: Prefix, whole: Prefix): Prefix[] {
  return children
    .filter((child) => shareOf(child, whole) >= ROW_SHARE)
    .toSorted((one, other) => shareOf(other, whole) - shareOf(one, whole));
}

/** Many small keys are worth as much attention as a few large ones. */
function shareOf({ keys, revisionBytes, written }: Prefix, whole: Prefix): number {
  return Math.max(keys / whole.keys, revisionBytes / whole.revisionBytes, whole.written && written / whole.written);
}

type Counted =
  | 'keys'
  | 'bytes'
  | 'revisions'
  | 'revisionBytes'
  | 'keysWithLease'
  | 'newKeys'
  | 'written'
  | 'writtenBytes';

function lessThan(prefix: Prefix, children: readonly Prefix[], field: Counted): number {
  return children.reduce((left, child) => left - child[field], prefix[field]);
}

function figuresOf(prefix: Prefix, without: readonly Prefix[], grows: boolean): KeyFigures {
  const left = (field: Counted) => lessThan(prefix, without, field);
  return {
    keys: left('keys'),
    bytes: left('bytes'),
    revisions: left('revisions'),
    revisionBytes: left('revisionBytes'),
    keysWithLease: left('keysWithLease'),
    leases: prefix.allLeases(without).size,
    growth: grows ? { keys: left('newKeys'), revisions: left('written'), revisionBytes: left('writtenBytes') } : null,
  };
}

/** A compaction leaves of each key the last revision before it, and each after it. */
function revisionsKept(key: SeenKey, compactRevision: bigint): number {
  return revisionsAfter(key, compactRevision) + (key.createRevision <= compactRevision ? 1 : 0);
}

/**
 * How often a key was written after a revision. Exact for one that was created after it, or not written any more. Any other is taken to have been
 * written as often in each stretch of its life.
 */
export function revisionsAfter({ version, createRevision, modRevision }: SeenKey, revision: bigint): number {
  if (modRevision <= revision) return 0;
  if (createRevision > revision) return version;
  const share = Number(modRevision - revision) / Number(modRevision - createRevision);
  const most = Math.min(version - 1, Number(modRevision - revision));
  return Math.max(1, Math.min(most, Math.round((version - 1) * share)));
}
