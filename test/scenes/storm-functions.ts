import type { Cluster } from '../../core/cluster/clusters.ts';
import { compareHashesInput } from '../../core/cluster/compared-hashes.ts';
import { type Diagnosis, diagnoseClusterInput } from '../../core/diagnosis/diagnosis.ts';
import { reportsOf } from '../../core/hosts/host-reports.ts';
import { runHostCommandsInput } from '../../core/hosts/run-host-commands.ts';
import {
  assessMembersInput,
  changeMembershipInput,
  chooseNextChangeInput,
  explainChangesInput,
  type NextChange,
  planReplacementInput,
  waitForMemberInput,
} from '../../core/member-replacement/contracts.ts';
import { explainChanges } from '../../core/member-replacement/explain-changes.ts';
import { chooseRunbook } from '../../core/remediation/choose-runbook.ts';
import type { Invocation } from '../../core/remediation/invocation.ts';
import { loadClusterInput } from '../../core/remediation/load-cluster.ts';
import { parseStart } from '../../core/remediation/remediation.ts';
import { chooseRunbookInput, loadRemediationInput } from '../../core/remediation/remediation-steps.ts';
import { executionInputSchemas, RUNBOOKS } from '../../core/runbooks.ts';
import { proveWritesInput } from '../../core/space-reclaim/contracts.ts';
import type { JsonValue } from '../../local/asl/json.ts';
import { failure } from '../lib/execute.ts';
import {
  archivedOn,
  assessmentOf,
  CLUSTER,
  FINISH,
  inspectionOf,
  plannedOf,
  planOf,
  progressOf,
  replaceOf,
  SERVICE,
} from '../lib/replacement-scene.ts';
import type { AwsQuotas } from './aws-quotas.ts';
import type { StormClock } from './storm-clock.ts';

/** Clusters that a zone's outage has hit, and what the functions of a remediation would see and do of their etcd and their hosts. */

const LOST = 'node3';
const DEFECT = 'node3 cannot be removed: etcd refuses it.';

/** `automatic`: its member is replaced at once. `approval`: a person is asked. `failing`: the replacement fails, and a person is called. */
export type Kind = 'automatic' | 'approval' | 'failing';

/** What has become of a cluster. */
interface World {
  name: string;
  kind: Kind;
  isWhole: boolean;
  changes: string[];
}

export function stormFunctions(
  kinds: Readonly<Record<string, Kind>>,
  { clock, quotas }: { clock: StormClock; quotas: AwsQuotas },
) {
  const worlds = new Map(
    Object.entries(kinds).map(([name, kind]): [string, World] => [name, { name, kind, isWhole: false, changes: [] }]),
  );

  function worldOf(cluster: unknown): World {
    const name = typeof cluster === 'string' ? cluster : String(Object(cluster).name);
    const world = worlds.get(name);
    if (!world) throw new Error(`There is no cluster ${name}.`);
    return world;
  }

  function configurationOf({ name, kind }: World): Cluster {
    return { ...CLUSTER, name, policy: { 'member-failed': kind === 'approval' ? 'approval' : 'automatic' } };
  }

  const next = new Map<string, NextChange[]>();
  const steps: Record<string, (input: JsonValue) => Promise<unknown>> = {
    'load-remediation': async (input) => {
      await quotas.request('parameters');
      const started = parseStart(loadRemediationInput.parse(input).input);
      return { cluster: configurationOf(worldOf(started.request.cluster)), ...started };
    },
    'load-cluster': async (input) => {
      await quotas.request('parameters');
      const { incident, input: given } = loadClusterInput.parse(input);
      const started = executionInputSchemas[incident].parse(given);
      return { ...started, cluster: configurationOf(worldOf(started.cluster)) };
    },
    'diagnose-cluster': async (input) => {
      const { isWhole } = worldOf(diagnoseClusterInput.parse(input).cluster);
      await quotas.request('parameters');
      await secrets();
      // A member that is silent is waited for.
      await clock.wait(isWhole ? 300 : 5_000);
      const incident = isWhole ? 'healthy' : 'member-failed';
      const seen: Diagnosis = {
        incident,
        summary: `It is ${incident}.`,
        others: [],
        members: [],
        hosts: [],
        warnings: [],
      };
      return seen;
    },
    'choose-runbook': async (input) => {
      const parsed = chooseRunbookInput.parse(input);
      const chosen = chooseRunbook(parsed);
      if (chosen.action === 'Run' && chosen.input.dryRun !== true) await lookForOthers(Date.parse(parsed.enteredAt));
      return chosen;
    },
    'assess-members': async (input) => {
      assessMembersInput.parse(input);
      await secrets();
      await clock.wait(5_000);
      return assessmentOf([LOST]);
    },
    'run-host-commands': async (input) => {
      const { command, commands } = runHostCommandsInput.parse(input);
      await clock.wait(3_000);
      return reportsOf(
        commands.map(({ member, host }) => ({ member, host, end: { result: resultOf(command, member, host) } })),
        () => '',
      );
    },
    'plan-replacement': async (input) => {
      const { cluster } = planReplacementInput.parse(input);
      return { ...planOf([plannedOf(LOST)]), cluster };
    },
    'choose-next-change': async (input) => {
      const { execution } = chooseNextChangeInput.parse(input);
      const left = next.get(execution) ?? [...replaceOf(LOST), FINISH];
      next.set(execution, left.slice(1));
      return left[0];
    },
    'change-membership': async (input) => {
      const { cluster, change } = changeMembershipInput.parse(input);
      const world = worldOf(cluster);
      await secrets();
      await clock.wait(200);
      if (world.kind === 'failing') throw failure('UnsafeToProceed', DEFECT);
      world.changes.push(change);
      if (change === 'PromoteMember') world.isWhole = true;
      return { changed: true, member: LOST, id: 'b1' };
    },
    'wait-for-member': async (input) => {
      waitForMemberInput.parse(input);
      await clock.wait(20_000);
      return progressOf(LOST, '9');
    },
    'compare-hashes': async (input) => {
      compareHashesInput.parse(input);
      await clock.wait(500);
      return { revision: '9', hash: 4711, members: ['node1', 'node2', LOST] };
    },
    'prove-writes': async (input) => {
      proveWritesInput.parse(input);
      await clock.wait(500);
      return { members: ['after'] };
    },
    'explain-changes': async (input) => {
      return explainChanges(explainChangesInput.parse(input));
    },
  };

  async function secrets(): Promise<void> {
    await quotas.request('secrets');
    await quotas.request('secrets');
  }

  /** As lambdas/executions.ts does: a list of each runbook's executions, where this environment has none that is new enough. Names tell the rest. */
  const environments: { isFree: boolean; seenAt: Map<string, number> }[] = [];
  async function lookForOthers(sinceMs: number): Promise<void> {
    // Lambda takes the environment that was used last.
    const environment = environments.findLast(({ isFree }) => isFree) ?? { isFree: true, seenAt: new Map() };
    if (!environments.includes(environment)) environments.push(environment);
    environment.isFree = false;
    try {
      for (const { stateMachineName } of Object.values(RUNBOOKS)) {
        if ((environment.seenAt.get(stateMachineName) ?? 0) >= sinceMs) continue;
        const askedAt = clock.now();
        await quotas.request('lists', 8);
        environment.seenAt.set(stateMachineName, askedAt);
      }
    } finally {
      environment.isFree = true;
    }
  }

  function resultOf(command: string, member: string, host: string): unknown {
    switch (command) {
      case 'inspect-host':
        return inspectionOf(member);
      case 'archive-data-dir':
        return archivedOn(host);
      case 'control-service':
      case 'join-cluster':
        return SERVICE;
      default:
        throw new Error(`Nobody sends ${command}.`);
    }
  }

  async function invoke(_arn: string, event: unknown): Promise<unknown> {
    const { step, input } = event as Invocation;
    const run = steps[step];
    if (!run) throw new Error(`What is ${step}?`);
    return quotas.run(() => run(input as JsonValue));
  }

  return { worlds: () => [...worlds.values()], secrets, invoke };
}
