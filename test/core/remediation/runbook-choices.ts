import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { Condition, Diagnosis } from '../../../core/diagnosis/diagnosis.ts';
import { chooseRunbook } from '../../../core/remediation/choose-runbook.ts';
import { type ChooseRunbook, chooseRunbookInput } from '../../../core/remediation/remediation-steps.ts';
import { RUNBOOKS as DECLARED, type Incident } from '../../../core/runbooks.ts';
import { clusterOf, configured, failureOf } from '../observations.ts';

/** What is chosen after a diagnosis and what was done before it. */

/** As they declare themselves. */
const RUNBOOKS: ChooseRunbook['runbooks'] = Object.fromEntries(
  Object.entries(DECLARED).map(([incident, { runbook, policy }]) => [incident, { runbook, policy }]),
);
export const SUMMARY = 'This is what was seen.';

export interface Scene {
  found: Condition | 'healthy';
  others?: Condition[];
  request?: Record<string, unknown>;
  /** `space-exceeded Remediated` */
  rounds?: string[];
  runbooks?: ChooseRunbook['runbooks'];
  policy?: Cluster['policy'];
  question?: ChooseRunbook['question'];
  healthyLooks?: number;
  approved?: ChooseRunbook['approved'];
  warnings?: Diagnosis['warnings'];
  maintenance?: boolean;
  enteredAt?: string;
}

export function choose(scene: Scene) {
  return chooseRunbook(inputOf(scene));
}

export function inputOf(scene: Scene): ChooseRunbook {
  const {
    found,
    others = [],
    request = {},
    rounds = [],
    runbooks = RUNBOOKS,
    policy,
    question = null,
    healthyLooks = 0,
    approved = null,
    warnings = [],
    maintenance = false,
    enteredAt = '2025-01-01T00:00:00.000Z',
  } = scene;
  return chooseRunbookInput.parse({
    cluster: clusterOf([configured('node1')], policy && { policy }),
    request: { cluster: 'orders', dryRun: false, reason: 'INC-1', requestedBy: 'ann', ...request },
    diagnosis: { incident: found, summary: SUMMARY, others, warnings } satisfies Partial<Diagnosis>,
    maintenance,
    enteredAt,
    question,
    healthyLooks,
    approved,
    rounds: rounds.map((round) => {
      const [incident, outcome] = round.split(' ') as [Incident, string];
      return { incident, outcome, runbook: RUNBOOKS[incident]?.runbook };
    }),
    runbooks,
  });
}

/** `Run space-reclaim`, `Run member-replacement dry`, `Finish NothingToDo`, or the name of the error. */
export function choiceOf(scene: Scene): string {
  try {
    const next = choose(scene);
    if (next.action === 'Finish') return `Finish ${next.outcome}`;
    if (next.action === 'Stop') return `Stop ${next.runbook}`;
    return `${next.action} ${next.runbook}${next.input.dryRun ? ' dry' : ''}`;
  } catch (error) {
    return (error as Error).name;
  }
}

/** What it ends with. */
export function refusal(scene: Scene): string {
  const { name, message } = failureOf(() => choose(scene));
  return `${name}: ${message}`;
}
