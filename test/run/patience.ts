/**
 * For what hangs: whatever ends has ended by then, however busy the machine is. Tests and hooks are ended after it, and whoever waits for
 * a condition gives up a little before. `TEST_PATIENCE=3` makes it three times as long.
 */
export const HANGS_AFTER_MS = 600_000 * Number(process.env.TEST_PATIENCE ?? 1);

/** How long a test waits for a condition: less than a test may take, so that the condition is named. */
export const WAIT_MS = HANGS_AFTER_MS / 2;
