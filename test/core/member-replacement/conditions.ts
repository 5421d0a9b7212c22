/** How a member came to be a target. */
export const CONDITIONS = [
  'crashed',
  'crashed, a learner',
  'in another cluster',
  'following nobody',
  'removed, but answering',
  'removed, and crashed',
  'added as a voter, never started',
  'added as a learner, never started',
  'added, never started, with old data',
  'behind',
  'a learner, not promoted',
] as const;
export type MemberCondition = (typeof CONDITIONS)[number];

/** Those in which nothing runs on the member's host, which may be gone. */
export const NOT_RUNNING = CONDITIONS.filter((condition) => /crashed|never started/.test(condition));
