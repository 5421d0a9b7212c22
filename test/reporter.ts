import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with one line that a script can read: `123 passed, 0 failed`. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const states = modules.flatMap((module) => [...module.children.allTests()]).map((test) => test.result().state);
    const passed = states.filter((state) => state === 'passed').length;
    const failed = states.filter((state) => state === 'failed').length;
    // A file that could not be loaded, a hook that failed, or an error outside of any test is a failure without a test.
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const broken = suites.filter((suite) => suite.errors().length > 0).length + unhandledErrors.length;
    process.once('exit', () => process.stdout.write(`${passed} passed, ${failed + broken} failed\n`));
  }
}
