import { failure } from './execute.ts';
import { WRITTEN } from './recovery-scene.ts';
import { hostOf } from './replacement-scene.ts';
import { LAYOUT } from './stacks.ts';

/** Errors of a quorum recovery, and what its cause then tells. */

export const BROKEN = failure('HostCommandFailed', 'The disk is gone.');
export const UNSAFE = failure('UnsafeToProceed', 'Its data is newer.');
export const RUN_AGAIN = 'The services that ran before run again.';
export const LOST = 'The quorum is still lost: no member takes writes. Correct what is said above, and start again.';

export const SWAPPED = { dataDir: '/x', walDir: '', ...WRITTEN };

/** The configuration of these members, and where it lies as it was before. */
export const files = (members: readonly string[]) =>
  members
    .map((member) => `${hostOf(member)}: ${LAYOUT.configFile} (as it was before: ${LAYOUT.configFile}.copy)`)
    .join('; ');

/** What is told of the hosts whose configuration is another one now. */
export const configured = (written: readonly string[], unsure: readonly string[] = []) =>
  [
    written.length > 0 &&
      `The configuration of etcd is NOT as it was found. The membership was written into ${files(written)}.`,
    unsure.length > 0 &&
      `It is not known whether the membership was written into ${unsure
        .map(
          (member) => `${hostOf(member)}: ${LAYOUT.configFile} (if it was, the original is ${LAYOUT.configFile}.run-1)`,
        )
        .join('; ')}.`,
    'A member that has its data does not read the membership, and starts as before. To have a file as it was, move the original over it.',
  ]
    .filter(Boolean)
    .join(' ');
