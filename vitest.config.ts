import { defineConfig } from 'vitest/config';
import { HANGS_AFTER_MS, WAIT_MS } from './test/run/patience.ts';
import { Progress } from './test/run/reporter.ts';
import { LongestFirst } from './test/run/sequencer.ts';
import './test/run/seed.ts';

const shared = {
  // A process for a file after the other: to load all modules again for each file would cost a fifth of the time.
  isolate: false,
  setupFiles: ['test/run/leave-nothing.ts'],
  globalSetup: ['test/run/prepare.ts'],
  // etcd's members on loopback are reached by IP address, TLS included.
  execArgv: ['--disable-warning=DEP0123'],
  testTimeout: HANGS_AFTER_MS,
  hookTimeout: HANGS_AFTER_MS,
  expect: { poll: { timeout: WAIT_MS } },
};

/** `fast` is for every change; `real` is what takes long: faults on real etcd, releases, drills, real systemd. */
export default defineConfig({
  test: {
    // The tests wait for etcd and for processes as much as they compute: this many keep two cores busy.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    reporters: [new Progress()],
    coverage: {
      provider: 'v8',
      include: ['cli', 'client', 'core', 'drills', 'lambdas', 'lib', 'local', 'report'].map(
        (folder) => `${folder}/**/*.ts`,
      ),
      reporter: ['text'],
    },
    projects: [
      { test: { ...shared, name: 'fast', include: ['test/**/*.test.ts'], exclude: ['test/real/**'] } },
      { test: { ...shared, name: 'real', include: ['test/real/**/*.test.ts'] } },
    ],
  },
});
