import { formatBytes } from '../text/format.ts';
import type { Defragmented, MemberSpace, NextDefragmentation } from './contracts.ts';
import { describeUse } from './quotas.ts';

/** What the steps of the space runbook have found or done, in a sentence each. */

export function summarizeSizes(members: readonly MemberSpace[]): string {
  return `${members.map((member) => `${member.name} ${describeUse(member.dbSizeBytes, member.quotaBytes)}`).join(', ')}.`;
}

export function summarizeCompaction({ revision, outcome }: { revision: string; outcome: string }): string {
  return `To revision ${revision}: ${outcome}.`;
}

export function summarizeNextDefragmentation(next: NextDefragmentation | { action: 'Choose' }): string {
  switch (next.action) {
    case 'Choose':
      return 'What is next is not known yet: the next step asks again.';
    case 'Defragment':
      return `Next: defragment ${next.member}.`;
    case 'MoveLeadership':
      return `Next: move leadership from ${next.member} to ${next.transferee}.`;
    case 'Finish':
      return next.left
        ? `The time is over, and nothing more was begun. Still fragmented: ${next.left.join(', ')}.`
        : 'No member is left to defragment.';
  }
}

export function summarizeTransfer({ from, to }: { from: string; to: string }): string {
  return `${from} -> ${to}`;
}

export function summarizeDefragmentation({
  defragmentations: [done],
  next,
}: Pick<Defragmented, 'defragmentations' | 'next'>): string {
  return done
    ? `${formatBytes(done.dbSizeBytesBefore)} -> ${formatBytes(done.dbSizeBytesAfter)}`
    : `Left as it is for now. ${next.summary}`;
}

export function summarizeDisarming(disarmed: readonly unknown[]): string {
  return `${disarmed.length} disarmed, none is left.`;
}
