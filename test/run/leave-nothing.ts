import { afterAll, afterEach, vi } from 'vitest';

// Test files share a process: what one replaces of the process, no later one may meet.
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
