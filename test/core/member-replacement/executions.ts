import { PreconditionFailed } from '../../../core/errors.ts';
import {
  memberParametersSchema,
  type Readings,
  type ReplacementPlan,
} from '../../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../../core/member-replacement/member-assessment.ts';
import { chooseNextChange, scopeInView } from '../../../core/member-replacement/next-change.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import { scopeOf } from '../../../core/member-replacement/replacement-scope.ts';
import { parse } from '../../../core/text/parse.ts';
import { sampled } from '../../run/worlds.ts';
import { inspected } from '../observations.ts';
import { membersOf } from './changes.ts';
import type { SimulatedMembership } from './simulated-membership.ts';

/** Executions of the member runbook without its state machine, on a simulated cluster. */

const NO_READINGS: Readings = { targets: [], equal: 0, total: 0 };
/** A replacement takes 5 changes and 2 waits, besides the removals that are planned. */
const TURNS_PER_TARGET = 7;
/** Whoever meddles makes one more removal necessary, or all the waits for a member that does not start. */
const TURNS_FOR_MEDDLING = 20;

/** What may be cut off half done. */
const ON_HOSTS = /^(StopService|ArchiveDataDir|JoinCluster) /;

interface Execution {
  /** The member whose place node9 takes; if not said, all that have failed are replaced. */
  replaced?: string;
  /** It is cut off after so many turns... */
  maxTurns?: number;
  /** ...or in the midst of the next one. */
  halfway?: boolean;
  /** What somebody else does before a turn. */
  meddle?: (turn: number) => void;
}

/** What the first steps of an execution come to: the confirmed targets, and the plan for them. */
function plan(simulated: SimulatedMembership, replaced: string): ReplacementPlan | undefined {
  const replacement = replaced ? { host: 'i-9' } : undefined;
  const parameters = parse(memberParametersSchema, { replacement }, 'parameters');
  const request = { cluster: simulated.cluster, parameters, member: replaced };
  const { observed } = scopeOf(request);
  let readings = NO_READINGS;
  for (;;) {
    const { verdict, ...assessment } = assessMembers(simulated.observe(observed), { ...request, readings });
    readings = assessment.readings;
    if (verdict === 'NothingToDo') return undefined;
    if (verdict === 'Confirm') continue;
    const inspections = assessment.inspections.map(({ member }) => ({ member, inspection: simulated.inspect(member) }));
    const oldHost = assessment.oldHost.map(({ member }) => inspected(member));
    return planReplacement(simulated.observe(observed), {
      ...request,
      targets: readings.targets,
      inspections,
      oldHost,
    });
  }
}

/**
 * One execution, which asks and does what is answered until it is "Finish" or "GiveUp", or is cut off.
 * @returns what was done, turn by turn
 * @throws whatever the decisions refuse
 */
export function execute(
  simulated: SimulatedMembership,
  { replaced = '', maxTurns = Number.POSITIVE_INFINITY, halfway = false, meddle }: Execution = {},
): string[] {
  const done: string[] = [];
  const turns: string[] = [];
  const planned = plan(simulated, replaced);
  if (!planned) return turns;
  const { targets } = planned;
  const removals = targets.reduce((sum, { removeIds }) => sum + removeIds.length, 0);
  const enough = TURNS_PER_TARGET * targets.length + removals + (meddle ? TURNS_FOR_MEDDLING : 0);
  let waits = 0;
  for (let turn = 0; halfway ? turn <= maxTurns : turn < maxTurns; turn++) {
    meddle?.(turn);
    const request = { ...planned, done, waits, turn, execution: 'run-1' };
    const next = chooseNextChange(simulated.observe(scopeInView(request).observed), request);
    if (turn > enough) throw new Error(`there is no end to it: ${turns.join(', ')}`);
    if (halfway && turn === maxTurns) {
      if ('commands' in next) simulated.apply(next, true);
      return turns;
    }
    simulated.apply(next);
    if (next.action === 'Finish') return turns;
    turns.push(`${next.action} ${membersOf(next)}`);
    waits = next.action === 'WaitForMember' ? waits + 1 : 0;
    done.push(...membersOf(next).map((member) => `${next.action} ${member}`));
    if (next.action === 'GiveUp') return turns;
  }
  return turns;
}

interface Case {
  make: () => SimulatedMembership;
  replaced?: string;
  /** What somebody does by hand, once, at any moment. */
  byHand?: (simulated: SimulatedMembership) => void;
}

/** What is wrong after one execution that was cut off after each number of turns, or in the midst of the next one, and the one that went on from there. */
export function violationsWhenCutOff({ make, replaced = '', byHand }: Case): string[] {
  const turns = execute(make(), { replaced });
  const cuts = Array.from({ length: turns.length + 1 }, (_, maxTurns) => [
    { maxTurns, halfway: false },
    ...(ON_HOSTS.test(turns[maxTurns] ?? '') ? [{ maxTurns, halfway: true }] : []),
  ]).flat();
  return [...sampled(cuts)].flatMap((cut) => {
    const simulated = make();
    execute(simulated, { replaced, ...cut });
    byHand?.(simulated);
    execute(simulated, { replaced });
    return violationsAfter(simulated, replaced).map(
      (what) =>
        `cut off after ${cut.maxTurns} of ${turns.length} turns${cut.halfway ? ', in the midst of the next' : ''}: ${what}`,
    );
  });
}

/** What is wrong after one execution into which somebody meddled before each of its turns, and a second one if that gave up, or has refused to go on. */
export function violationsWhenMeddled({ make, replaced = '', byHand }: Case): string[] {
  const turns = execute(make(), { replaced }).length;
  return [...sampled(Array(turns + 1).keys())].flatMap((before) => {
    const simulated = make();
    const isWhole = endsByItself(() =>
      execute(simulated, { replaced, meddle: (turn) => turn === before && byHand?.(simulated) }),
    );
    if (!isWhole) execute(simulated, { replaced });
    return violationsAfter(simulated, replaced).map((what) => `by hand before turn ${before} of ${turns}: ${what}`);
  });
}

/** Whether it has neither given up, nor refused to remove what the plan does not name. */
function endsByItself(run: () => string[]): boolean {
  try {
    return !run().at(-1)?.startsWith('GiveUp');
  } catch (error) {
    if (error instanceof PreconditionFailed && error.message.includes('which this plan does not remove')) return false;
    throw error;
  }
}

function violationsAfter(simulated: SimulatedMembership, replaced: string): string[] {
  const { violations, cluster, list, healthyVoters } = simulated;
  const names = cluster.members.map(({ name }) => name).filter((name) => name !== replaced);
  if (replaced) names.push('node9');
  if (healthyVoters.join() !== names.join()) violations.push(`only ${healthyVoters.join()} are healthy voters`);
  if (list.length !== names.length) violations.push(`etcd has ${list.length} members`);
  if (execute(simulated, { replaced }).length > 0) violations.push('one more execution finds something to do');
  return violations;
}
