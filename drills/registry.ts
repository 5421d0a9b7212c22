import type { Scenario } from './scenario.ts';

/** Every drill; the first is run when none is named. What a drill needs is loaded when it is run. */
export const SCENARIOS: readonly [Scenario, ...Scenario[]] = [
  {
    name: 'space-exceeded',
    needsHosts: false,
    takesDamage: false,
    takesStrategy: false,
    takesFaults: false,
    summary: 'The store is full: etcd has raised NOSPACE and refuses every write.',
    run: async (...of) => (await import('./space-exceeded.ts')).spaceExceeded(...of),
  },
  {
    name: 'auth-token-invalid',
    summary: 'A member rejects every token, as etcd did before 3.4.19 and 3.5.5 once it had joined through a snapshot.',
    etcd: '3.3',
    needsHosts: true,
    takesDamage: false,
    takesStrategy: true,
    takesFaults: false,
    run: async (...of) => (await import('./auth-token-invalid.ts')).authTokenInvalid(...of),
  },
  {
    name: 'member-failed',
    summary: 'A member crashes, and its damaged log does not let it start again.',
    needsHosts: true,
    takesDamage: false,
    takesStrategy: false,
    takesFaults: true,
    run: async (...of) => (await import('./member-failed.ts')).memberFailed(...of),
  },
  {
    name: 'quorum-lost',
    summary: 'A quorum of the members is gone, and with it the leader; --damage says what is left.',
    needsHosts: true,
    takesDamage: true,
    takesStrategy: false,
    takesFaults: true,
    run: async (...of) => (await import('./quorum-lost.ts')).quorumLost(...of),
  },
  {
    name: 'full',
    summary: 'The store is full and a member is gone, and only the detector knows.',
    needsHosts: true,
    takesDamage: false,
    takesStrategy: false,
    takesFaults: false,
    run: async (...of) => (await import('./full.ts')).full(...of),
  },
];
