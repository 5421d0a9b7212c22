import type { BackupRecord } from '../backups/record.ts';
import type { RehearsedRestore } from '../hosts/host-command-results.ts';

/** What a restored member holds beside what was recorded of its backup: a sentence for each that differs, and for each that nobody can compare. */
export interface Compared {
  differing: string[];
  unknown: string[];
}

type Recorded = Pick<BackupRecord, 'revision' | 'revisionAtMost' | 'keys' | 'hash'>;

export function compareRestored(record: Recorded, restored: RehearsedRestore): Compared {
  const compared = [compareRevisions(record, restored), compareKeys(record, restored), compareHashes(record, restored)];
  const those = (kind: 'differs' | 'unknown') => compared.flatMap((each) => (each.kind === kind ? [each.message] : []));
  return { differing: those('differs'), unknown: those('unknown') };
}

type Comparison = { kind: 'same' } | { kind: 'differs' | 'unknown'; message: string };
const SAME = { kind: 'same' } as const;

/** A snapshot holds every write up to the first revision, and none after the second. */
function compareRevisions({ revision, revisionAtMost }: Recorded, restored: RehearsedRestore): Comparison {
  const held = BigInt(restored.revision);
  if (held < BigInt(revision)) {
    const message = `it holds revision ${restored.revision}, and ${revision} was recorded`;
    return { kind: 'differs', message };
  }
  if (held <= BigInt(revisionAtMost)) return SAME;
  const message = `The revision is ${restored.revision}, and at most ${revisionAtMost} was recorded: leases have ended since, which deletes their keys.`;
  return { kind: 'unknown', message };
}

function compareKeys({ keys, revision }: Recorded, restored: RehearsedRestore): Comparison {
  if (keys === null) return { kind: 'unknown', message: 'The keys could not be counted when the backup was made.' };
  if (restored.keys === null) {
    const message = `The keys at revision ${revision} could not be counted: the cluster was written to while the backup was made, and has authentication enabled.`;
    return { kind: 'unknown', message };
  }
  if (keys === restored.keys) return SAME;
  return {
    kind: 'differs',
    message: `it holds ${restored.keys} keys at revision ${revision}, and ${keys} were recorded`,
  };
}

/** Equal hashes are equal data. Others say so only where both sides were compacted up to the same revision. */
function compareHashes({ hash, revision }: Recorded, restored: RehearsedRestore): Comparison {
  if (!hash) return { kind: 'unknown', message: 'No hash of the keys was recorded when the backup was made.' };
  if (!restored.hash) return { kind: 'unknown', message: `The hash at revision ${revision} was not told.` };
  if (hash.hash === restored.hash.hash) return SAME;
  if (hash.compactRevision !== restored.hash.compactRevision) {
    const message = `The hashes at revision ${revision} cannot be compared: a compaction came in between (${hash.compactRevision}, and ${restored.hash.compactRevision}).`;
    return { kind: 'unknown', message };
  }
  const message = `its keys have the hash ${restored.hash.hash} at revision ${revision}, and ${hash.hash} was recorded`;
  return { kind: 'differs', message };
}
