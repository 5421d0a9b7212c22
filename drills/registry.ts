import { authTokenInvalid } from './auth-token-invalid.ts';
import { full } from './full.ts';
import { memberFailed } from './member-failed.ts';
import { quorumLost } from './quorum-lost.ts';
import type { Scenario } from './scenario.ts';
import { spaceExceeded } from './space-exceeded.ts';

/** Every drill; the first is run when none is named. */
export const SCENARIOS: readonly [Scenario, ...Scenario[]] = [
  spaceExceeded,
  authTokenInvalid,
  memberFailed,
  quorumLost,
  full,
];
