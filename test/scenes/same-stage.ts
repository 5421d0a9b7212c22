import { afterAll, onTestFailed } from 'vitest';

/**
 * Makes a stage for the test that asks for it: the one of the test before where it was asked for with the same options and that test passed,
 * and a new one else. For tests that leave a whole cluster behind.
 */
export function sameStage<Options, Made extends { close(): Promise<void> }>(
  make: (options: Partial<Options>) => Promise<Made>,
): (options?: Partial<Options>) => Promise<Made> {
  let current: { stage: Made; options: string; failed: boolean } | undefined;
  const close = async () => {
    const { stage } = current ?? {};
    current = undefined;
    await stage?.close();
  };
  afterAll(close);
  return async (options = {}) => {
    const wanted = JSON.stringify(options);
    if (current?.options !== wanted || current.failed) {
      await close();
      current = { stage: await make(options), options: wanted, failed: false };
    }
    const taken = current;
    onTestFailed(() => {
      taken.failed = true;
    });
    return taken.stage;
  };
}
