/** How long a call waits for what. A test has less time. */
export const PATIENCE = {
  /** Most commands end within this time. For a longer one the state machine waits, which costs nothing, and asks again. */
  endMs: 40_000,
  /** Run Command may need so long until it lists what was sent. */
  listedMs: 3_000,
  /**
   * Before each further try on a host that is away for a moment; the last one goes for all that follow. SSM calls a host lost only minutes after it
   * has heard of it last, so for such a one two tries are enough.
   */
  awayMs: [5_000, 10_000, 20_000, 30_000],
  /** So long what is not delivered is sent again: systemd starts an SSM agent that has crashed again after 90 s. */
  restartMs: 120_000,
  /** Whether a command still runs is known within this time, or not. */
  lookMs: 10_000,
};
