import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes long, the longest first: parts of the paths of files that took from five minutes down to some seconds on two cores. */
const LONGEST = [
  '/test/workflows/member-replacement.test',
  '/test/workflows/auth-token-reset-interrupted',
  '/test/workflows/quorum-recovery.test',
  '/test/cli/drill-auth-token-invalid',
  '/test/workflows/space-reclaim-survives',
  '/test/cli/drill-member-failed',
  '/test/cli/drill-quorum-lost',
  '/test/workflows/quorum-recovery',
  '/test/workflows/',
  '/test/documents/recovery-interrupted',
  '/test/cli/drill-',
  '/test/lib/synth.test',
  '/test/api/re',
  '/test/documents/salvage-data-dir.test',
  '/test/cli/',
  '/test/lambdas/etcd/errors',
  '/test/documents/',
  '/test/lambdas/',
  '/test/local/',
];

/** Begins with the files that take longest, so that no worker is left with one of them at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONGEST.findIndex((part) => moduleId.includes(part));
  return rank < 0 ? LONGEST.length : rank;
}
