import type * as z from 'zod';
import type { ClusterView, MemberFacts } from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import type { Evidence } from '../cluster/evidence.ts';
import type { MetricName } from '../cluster/metrics.ts';
import type { ChangesSoFar, DescribeChanges, SoFar } from './step-run.ts';

/** What a runbook says of itself: all that is asked of it outside its own folder. `core/runbooks.ts` lists the runbooks. */
export interface Runbook {
  /** What it remediates. */
  readonly incident: string;
  /** Its name: that of its folder, and of its workflow. */
  readonly runbook: string;
  readonly stateMachineName: string;
  /** What starts an execution of it; `parameters` among it. */
  readonly input: z.ZodObject<{ parameters: z.ZodType }>;
  /** Whether it cannot do without the members' hosts. */
  readonly needsHosts: boolean;
  /** Whether hosts send it data, and receive it, through the staging bucket. */
  readonly movesSnapshots: boolean;
  /** Where a cluster's configuration does not say: whether someone has to approve it. */
  readonly policy: 'automatic' | 'approval';
  /** Why a configuration may not let it wait for an approval; empty where it may. */
  readonly neverWaits: string;
  /** What a start may ask of it beyond what it does by itself, and by which more may be lost: each has an entry of its own in a policy. */
  readonly acts: Readonly<Record<string, Act>>;
  /** Whether a plan that was approved is asked about again once the runbook has failed: another plan may be the right one then. */
  readonly asksAnewAfterFailure: boolean;
  /** How it begins where an earlier execution was stopped in the middle, to go on with "it ". */
  readonly wayOn: string;
  /** The alarms that start it, by the end of their names. */
  readonly alarms: Readonly<Record<string, RunbookAlarm>>;
  /** The steps that are its own, by their file names in `lambdas/steps`. */
  readonly steps: Readonly<Record<string, RunbookStep>>;

  /**
   * Whether its incident is there: a summary for a responder who has just been woken up, or nothing. It is one reading, from which nothing is changed;
   * the runbook makes sure of it before it acts.
   */
  present(seen: Seen): string | undefined;

  /**
   * What someone has approved of, as parameters that hold the runbook to it: hours later other members may have failed, or data may be gone.
   * @throws InvalidInput for a plan that does not say it: nothing is run without limits
   */
  heldTo(plan: Readonly<Record<string, unknown>>): Record<string, unknown>;

  /** What a person should know before it is started. */
  advice(diagnosis: DiagnosedMembers): string[];

  /** In what state it leaves a cluster in which it is stopped after these changes; empty where there is nothing to say. */
  leavesBehind(soFar: SoFar, changes: ChangesSoFar): string;
}

/** What is seen of a cluster when it is diagnosed. */
export interface Seen {
  cluster: Cluster;
  evidence: Evidence;
  view: ClusterView;
}

/** As much of a diagnosis as advice is given by. */
export interface DiagnosedMembers {
  /** What is present besides the incident. */
  others: readonly string[];
  members: readonly MemberFacts[];
}

interface Act {
  /** What it is, to go on with "asked for: ". */
  description: string;
  /** @param parameters of the start, checked */
  isRequestedBy(parameters: object): boolean;
}

/** When a cluster's alarm is raised. */
export interface RunbookAlarm {
  /** What is wrong, to go on with "the etcd cluster NAME ". */
  problem: string;
  metric: MetricName;
  /** Against which the worst value of a minute is held; `atLeast: 1` for what is counted. */
  limit: { atLeast: number } | { above: number } | { below: number };
  /** For so many minutes, all of them. */
  minutes: number;
  /** Calls for a person at once, besides what it starts. */
  pages?: boolean;
  /** Only for clusters that have a login. */
  needsLogin?: boolean;
  /** What it starts is told its incident: to a diagnosis the cluster is a healthy one still. */
  saysIncident?: boolean;
}

/** Which of the functions runs a step: one with the permissions and the time that it needs. `lib/functions.ts` has them. */
export type RunsIn = 'etcd' | 'etcd-long' | 'authentication' | 'transfers' | 'backups' | 'decisions';

interface RunbookStep {
  runsIn: RunsIn;
  /** What it has changed; not there where it only looks. */
  changes?: DescribeChanges;
}

/** What the plan is called where it does not say what it has to. */
export const APPROVED_PLAN = 'The plan that was approved';
