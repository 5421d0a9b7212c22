import { describe, expect, it } from 'vitest';
import { READINGS } from '../../core/cluster/confirmation.ts';
import { diagnose } from '../../core/diagnosis/diagnose.ts';
import { measure } from '../../core/diagnosis/metrics.ts';
import { RemediationError } from '../../core/errors.ts';
import type { HostInspection } from '../../core/hosts/host-command-results.ts';
import {
  memberParametersSchema,
  type NextChange,
  type ReplacementPlan,
  type Target,
} from '../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../core/member-replacement/member-assessment.ts';
import { chooseNextChange } from '../../core/member-replacement/next-change.ts';
import { planReplacement } from '../../core/member-replacement/replacement-plan.ts';
import { assessQuorum } from '../../core/quorum-recovery/quorum-assessment.ts';
import { assessSpace } from '../../core/space-reclaim/assess-space.ts';
import { spaceParametersSchema } from '../../core/space-reclaim/contracts.ts';
import { parse } from '../../core/text/parse.ts';
import { randomFor } from '../run/worlds.ts';
import { membersOf } from './member-replacement/changes.ts';
import { clusterOf, noSpace, silent, voter } from './observations.ts';
import { parametersWith } from './quorum-recovery/recoveries.ts';
import { generate, isAlive, reasonToLeave, type World } from './seen-worlds.ts';

/**
 * Clusters as they may be, seen through configurations and networks as they may be, on hosts as they may be: whatever is decided, nothing is done to a member of which any
 * honest view says that it is at work, or of which nothing was seen at all.
 */

const WORLDS = process.env.TEST_WORLDS === 'all' ? 4_000 : 400;

function failed(member: string): Target {
  return { member, kind: 'failed', problem: '' };
}

/** Undefined where it refuses. */
function attempt<Result>(decide: () => Result): Result | undefined {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return undefined;
  }
}

/** The plan for these, with what their hosts say. */
function planOf({ configuration, observation, inspections }: World, targets: Target[]): ReplacementPlan {
  return planReplacement(observation, {
    cluster: clusterOf(configuration),
    parameters: parse(memberParametersSchema, {}, 'parameters'),
    member: '',
    targets,
    inspections: targets.map(({ member }) => ({ member, inspection: inspections[member] as HostInspection })),
    oldHost: [],
  });
}

/**
 * Does in a copy of the world what is decided next, until nothing is left to do.
 * @returns the changes, and with what they were broken off; empty where they were not
 */
function carryOut({ configuration, observation, leader }: World, plan: ReplacementPlan) {
  const seen = structuredClone(observation);
  const done: string[] = [];
  const changes: string[] = [];
  const at = (member: string) => configuration.findIndex(({ name }) => name === member);
  const entryOf = (member: string) =>
    seen.memberList.find(({ peerUrls }) => peerUrls.includes(configuration[at(member)]?.peerUrl ?? ''));
  const request = { cluster: plan.cluster, replaced: null, targets: plan.targets, done, waits: 0, execution: 'run-1' };
  for (let turn = 0; turn < 100; turn++) {
    let next: NextChange;
    try {
      next = chooseNextChange(seen, { ...request, turn });
    } catch (error) {
      return { changes, brokenOff: (error as Error).message };
    }
    if (next.action === 'Finish') return { changes, brokenOff: '' };
    if (next.action === 'GiveUp' || next.action === 'WaitForMember') return { changes, brokenOff: next.action };
    const members = membersOf(next);
    changes.push(...members.map((member) => `${next.action} ${member}`));
    if ('commands' in next) done.push(...members.map((member) => `${next.action} ${member}`));
    if (next.action === 'StopService') for (const member of members) seen.members[at(member)] = silent(member);
    const [member = ''] = members;
    const entry = entryOf(member);
    if (next.action === 'RemoveMember') {
      const { id } = next;
      seen.memberList = seen.memberList.filter((listed) => listed.id !== id);
    }
    if (next.action === 'AddMember') {
      const { peerUrls, asLearner } = next;
      seen.memberList.push({ id: `b${turn}`, name: '', peerUrls, isLearner: asLearner });
    }
    if (next.action === 'JoinCluster' && entry) {
      entry.name = member;
      const { id, isLearner, peerUrls } = entry;
      seen.members[at(member)] = voter(member, {
        id,
        isLearner,
        leaderId: leader?.id ?? '0',
        entry: { name: member, peerUrls },
      });
    }
    if (next.action === 'PromoteMember' && entry) {
      entry.isLearner = false;
      const joined = seen.members[at(member)];
      if (joined?.answering) joined.isLearner = false;
    }
  }
  return { changes, brokenOff: 'It goes on for ever.' };
}

/** Whom anything would act on, by the name of the member to which it would happen. */
function actedOn(world: World): { what: string; member: string }[] {
  const { configuration, observation, truths } = world;
  const cluster = clusterOf(configuration);
  const nameOf = (id: string) => truths.find((truth) => truth.id === id)?.name ?? '';
  const acted: { what: string; member: string }[] = [];
  const diagnosis = attempt(() => {
    const nothing = {
      committing: [],
      agreementProblem: observation.memberList.length > 0 ? '' : 'No.',
      probes: [],
      probesProblem: '',
      loginProblem: '',
      hosts: [],
      certificates: [],
      readAt: 0,
    };
    const evidence = { ...observation, ...nothing };
    const found = diagnose(cluster, evidence);
    const values = measure(cluster, evidence).measurements[0]?.values ?? {};
    expect(values.FailedMembers ?? 0).toBeLessThanOrEqual(
      found.members.filter(({ state }) => state === 'failed').length,
    );
    return values.HasLeader === 1 ? found : undefined;
  });
  for (const { name, state } of diagnosis?.members ?? [])
    if (state === 'failed') acted.push({ what: 'diagnosed', member: name });

  const parameters = parse(memberParametersSchema, {}, 'parameters');
  let readings = { targets: [] as Target[], equal: 0, total: 0 };
  const assessed = attempt(() => {
    let last = assessMembers(observation, { cluster, parameters, member: '', readings });
    for (let reading = 1; reading < READINGS; reading++) {
      readings = last.readings;
      last = assessMembers(observation, { cluster, parameters, member: '', readings });
    }
    return last;
  });
  for (const { member } of assessed?.inspections ?? []) acted.push({ what: 'assessed', member });
  const targets = assessed?.readings.targets ?? configuration.map(({ name }) => failed(name));
  // Whatever the assessment said, the plan looks again, and so does each change.
  const planned = attempt(() => planOf(world, targets));
  for (const { member, removeIds } of planned?.targets ?? []) {
    acted.push(
      { what: 'planned', member },
      ...removeIds.map((id) => ({ what: 'planned to remove', member: nameOf(id) })),
    );
  }
  const first = configuration.slice(0, 1).map(({ name, host }) => ({
    ...{
      member: name,
      host: host ?? '',
      removeIds: [],
      prepare: true,
      asLearner: true,
      staysLearner: false,
      wasActive: true,
      start: { unit: 'etcd' },
      peerUrls: [],
    },
  }));
  const change = attempt(() =>
    chooseNextChange(observation, {
      cluster,
      replaced: null,
      targets: first,
      done: [],
      waits: 0,
      turn: 0,
      execution: 'run-1',
    }),
  );
  if (change) acted.push(...membersOf(change).map((member) => ({ what: change.action, member })));

  const full = { ...observation, alarms: observation.memberList.length > 0 ? [noSpace('node1')] : [] };
  const space = attempt(() =>
    assessSpace(full, { cluster, parameters: parse(spaceParametersSchema, {}, 'parameters') }),
  );
  for (const { member } of space?.leftOut ?? []) acted.push({ what: 'left out', member });
  return acted;
}

describe('in generated worlds', () => {
  // The same worlds in every run.
  const next = randomFor('honest views');
  const worlds = Array.from({ length: WORLDS }, () => generate(next));

  it('nothing is done to a member that any honest view shows at work, or of which nothing is known', () => {
    const wrong: string[] = [];
    const counts: Record<string, number> = {};
    for (const [index, world] of worlds.entries()) {
      for (const { what, member } of actedOn(world)) {
        counts[what] = (counts[what] ?? 0) + 1;
        const isOnHost = what.startsWith('planned') && world.leader && isAlive(world, member);
        const reason = isOnHost ? 'its own host shows it at work' : reasonToLeave(world, member);
        if (reason !== undefined)
          wrong.push(
            `world ${index}: ${what} ${member}, though ${reason}: ${JSON.stringify(world.observation.members.map((seen) => (seen.answering ? [seen.name, seen.id, seen.leaderId] : [seen.name, seen.silence])))}`,
          );
      }
    }
    expect(wrong).toEqual([]);
    // A world in which nothing is ever done would prove nothing.
    for (const what of ['diagnosed', 'assessed', 'planned', 'planned to remove', 'StopService', 'left out']) {
      expect(counts[what] ?? 0, what).toBeGreaterThan(WORLDS / 100);
    }
  });

  it('nothing is refused after the first change: no service, member list or data dir is left changed by a refusal', () => {
    const wrong: string[] = [];
    let [refused, carriedOut] = [0, 0];
    for (const [index, world] of worlds.entries()) {
      const targets = world.truths.filter(({ isAlive }) => !isAlive).map(({ name }) => failed(name));
      const plan = targets.length === 0 ? undefined : attempt(() => planOf(world, targets));
      if (!plan) {
        refused++;
        continue;
      }
      const late = plan.targets.filter(({ member }) => world.unfit.includes(member));
      for (const { member } of late) wrong.push(`world ${index}: ${member} is planned, and its host will refuse`);
      const { changes, brokenOff } = carryOut(world, plan);
      if (brokenOff === '' && changes.length > 0) carriedOut++;
      if (brokenOff !== '' && changes.length > 0)
        wrong.push(`world ${index}: ${changes.join(', ')}, and then: ${brokenOff}`);
    }
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(WORLDS / 20);
    expect(carriedOut).toBeGreaterThan(WORLDS / 100);
  });

  it('no quorum is called lost while one is at work that any answer shows', () => {
    const wrong: string[] = [];
    let lost = 0;
    for (const [index, { configuration, observation, leader, truths }] of worlds.entries()) {
      const request = {
        cluster: clusterOf(configuration),
        parameters: parametersWith(),
        readings: { lost: 2, total: 2, committed: {} },
      };
      const assessed = attempt(() => assessQuorum({ ...observation, memberList: [], alarms: [] }, [], request));
      if (assessed?.verdict !== 'Lost') continue;
      lost++;
      const followers = new Set(
        observation.members.flatMap((seen) => (seen.answering && seen.leaderId !== '0' ? [seen.id] : [])),
      );
      const kept = observation.members.filter(
        (seen) => !seen.answering && ['refused', 'unreached'].includes(seen.silence),
      );
      if (leader && followers.size > truths.length / 2) wrong.push(`world ${index}: a quorum follows ${leader.name}`);
      if (kept.length > truths.length / 2) wrong.push(`world ${index}: a quorum was not seen at all`);
    }
    expect(wrong).toEqual([]);
    expect(lost).toBeGreaterThan(WORLDS / 100);
  });
});
