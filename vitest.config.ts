import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/reporter.ts';
import { LongestFirst } from './test/sequencer.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The tests wait for etcd more than they compute: three real clusters at once are what two cores carry without missing elections.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new ClosingLine()],
    // etcd's members on loopback are reached by IP address, TLS included.
    execArgv: ['--disable-warning=DEP0123'],
    // For what hangs: whatever ends has ended by then, however busy the machine is.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
