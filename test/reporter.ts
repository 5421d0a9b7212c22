import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with one line that a script can read: `123 passed, 0 failed`. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const states = modules.flatMap((module) => [...module.children.allTests()]).map((test) => test.result().state);
    const failed = states.filter((state) => state === 'failed').length;
    // A file that could not be loaded, or an error outside of any test, is a failure without a test.
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandledErrors.length;
    const passed = states.filter((state) => state === 'passed').length;
    process.once('exit', () => process.stdout.write(`${passed} passed, ${failed + broken} failed\n`));
  }
}
