/** What samples are drawn with. Set once in the process that reads the configuration, and inherited by those that run the tests. */
process.env.TEST_SEED ??= String(Math.floor(Math.random() * 1_000_000));
export const SEED = Number(process.env.TEST_SEED);
