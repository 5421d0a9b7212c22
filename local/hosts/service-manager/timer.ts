export interface Timer {
  cancel(): void;
}

/** The longest time that Node's timers can wait; longer ones would end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls back after a time, which may be infinite. */
export function after(timeMs: number, callback: () => void): Timer {
  const timer = timeMs > LONGEST_MS ? undefined : setTimeout(callback, timeMs);
  return { cancel: () => clearTimeout(timer) };
}
