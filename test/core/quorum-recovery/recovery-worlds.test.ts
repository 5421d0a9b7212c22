import { describe, expect, it } from 'vitest';
import { quorumIn } from '../../../core/cluster/configured-quorum.ts';
import type { HostInspection, Salvage } from '../../../core/hosts/host-command-results.ts';
import { boundDataLoss } from '../../../core/quorum-recovery/loss-bound.ts';
import { rankCandidates } from '../../../core/quorum-recovery/recovery-candidates.ts';
import { sampled } from '../../run/worlds.ts';
import { failureOf } from '../observations.ts';
import {
  CLUSTER,
  examined,
  FIVE,
  log,
  parametersWith,
  plan,
  recoveryAction,
  STATES,
  salvage,
  salvaged,
  withBackup,
} from './recoveries.ts';

/** Every world of a kind, however unlikely: what must never happen does not happen in any. */

/** Every way to give each of `count` members one of `values`. */
function* combinations<Value>(values: readonly Value[], count: number): Generator<Value[]> {
  if (count === 0) yield [];
  else for (const rest of combinations(values, count - 1)) for (const value of values) yield [...rest, value];
}
const namesOf = (count: number) => Array.from({ length: count }, (_, index) => `node${index + 1}`);
const mapOf = <Value>(values: readonly Value[]) =>
  Object.fromEntries(values.map((value, index) => [`node${index + 1}`, value]));

describe('the choice of a recoveryAction, in every state of the hosts', () => {
  const KINDS = ['killed', 'up', 'waiting', 'crashed', 'empty', 'unreachable'] as const;
  const hasData = (kind: (typeof KINDS)[number]) => kind !== 'empty' && kind !== 'unreachable';
  const runs = (kind: (typeof KINDS)[number]) => kind === 'up' || kind === 'waiting';

  it.each([
    [3, CLUSTER],
    [5, FIVE],
  ])('of %i members starts a quorum that has data, or none', (count, cluster) => {
    const quorum = quorumIn(cluster);
    const wrong: string[] = [];
    for (const kinds of sampled(combinations(KINDS, count))) {
      const hosts = mapOf<Partial<HostInspection> | null>(
        kinds.map((kind) => (kind === 'unreachable' ? null : STATES[kind])),
      );
      for (const restarted of [false, true]) {
        const ready = kinds.filter(hasData).length;
        const running = kinds.filter(runs).length;
        const canRestart = !restarted && ready >= quorum && running < ready;
        const expected = canRestart ? 'Restart' : running >= quorum ? 'WaitForQuorum' : 'Salvage';
        const chosen = failureOf(() => {
          const { action, commands } = recoveryAction({ cluster, hosts, restarted });
          const unfit = commands.filter(({ member }) => {
            const kind = kinds[Number(member.slice(4)) - 1] as (typeof KINDS)[number];
            return action === 'Restart' ? !hasData(kind) || runs(kind) : kind === 'unreachable';
          });
          return `${action}${unfit.length > 0 ? ` on ${unfit.map(({ member }) => member).join()}` : ''}`;
        });
        const nobody = kinds.every((kind) => kind === 'unreachable');
        const isRight = nobody ? chosen.name === 'PreconditionFailed' : chosen.message === `returned "${expected}"`;
        if (!isRight) wrong.push(`${kinds.join()} ${restarted}: ${chosen.message}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('the plan of a recovery, in every state of the data', () => {
  const KINDS = ['live', 'replayed', 'raw', 'none', 'failed', 'unreachable'] as const;
  const isAway = (kind: (typeof KINDS)[number]) => kind === 'failed' || kind === 'unreachable';

  it.each([
    ['nobody may be left out', false],
    ['members may be left out', true],
  ])('restores the newest that is left, on hosts that are reached: %s', (_, acceptFewerMembers) => {
    const wrong: string[] = [];
    for (const kinds of combinations(KINDS, 3)) {
      for (const revisions of sampled(combinations([9, 10, 11], 3))) {
        const data = Object.fromEntries(
          kinds.flatMap((kind, index) => {
            if (kind === 'unreachable') return [];
            return [[`node${index + 1}`, kind === 'failed' ? null : salvage(kind, revisions[index] ?? 0)]];
          }),
        );
        const hosts = mapOf(
          kinds.map((kind) => (kind === 'unreachable' ? null : STATES[kind === 'live' ? 'up' : 'killed'])),
        );
        const left = kinds.flatMap((kind, index) => (isAway(kind) || kind === 'none' ? [] : [revisions[index] ?? 0]));
        const planned = failureOf(() => {
          const { winner, targets, ladder, loss, commands, leftOut } = plan({
            hosts,
            data,
            parameters: parametersWith({ acceptFewerMembers }),
          });
          const names = targets.map(({ member }) => member);
          return {
            revision: winner.revision,
            isReached: names.includes(winner.member),
            kept: loss.keptRevision,
            serving: ladder.filter(({ serves }) => serves).length,
            all: [...names, ...leftOut.map(({ member }) => member)].sort().join(),
            members: commands.restore[0]?.parameters.initialCluster?.split(',').length === names.length,
          };
        });
        const newest = String(Math.max(...left));
        const mayPlan = left.length > 0 && (acceptFewerMembers || !kinds.some(isAway));
        const right = {
          revision: newest,
          isReached: true,
          kept: newest,
          serving: 1,
          all: 'node1,node2,node3',
          members: true,
        };
        const isRight = mayPlan
          ? planned.message === `returned ${JSON.stringify(right)}`
          : planned.name === 'PreconditionFailed';
        if (!isRight) wrong.push(`${kinds.join()} at ${revisions.join()}: ${planned.name} ${planned.message}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each([false, true])('restores a backup only where it is newer than all, or forced: %s', (force) => {
    for (const revisions of combinations([9, 10, 11], 3)) {
      const data = mapOf(revisions.map((revision) => salvage('replayed', revision)));
      const { winner } = plan({ ...withBackup(force), data, examined: examined(10) });
      const newest = Math.max(...revisions);
      expect([winner.source, winner.revision]).toEqual(
        force || newest < 10 ? ['backup', '10'] : ['replay', String(newest)],
      );
    }
  });
});

describe('the bound of loss, in every small world', () => {
  /** What is left of a voter's data: its whole log, its log with the end cut off, its database, or nothing. */
  const KINDS = ['whole', 'cut', 'raw', 'none'] as const;

  /** A voter's log up to `last`, of which it knew `committed` as committed. A revision is an index here. */
  function leftOf(kind: (typeof KINDS)[number], last: number, committed: number): Salvage {
    if (kind === 'none') return salvage('none', 0);
    // No database is whole enough for the other argument.
    if (kind === 'raw') return salvage('raw', committed, { rawRevision: '0' });
    return salvage('replayed', committed, { log: log(committed, last, kind === 'whole'), rawRevision: '0' });
  }

  it.each([
    [1, 3],
    [2, 2],
    [3, 3],
    [4, 1],
  ])('of %i voters with logs of up to %i entries is never exceeded', (count, entries) => {
    const voters = namesOf(count);
    const quorum = Math.floor(count / 2) + 1;
    const indexes = Array.from({ length: entries + 1 }, (_, index) => index + 10);
    let bounded = 0;
    const exceeded: string[] = [];
    for (const lasts of sampled(combinations(indexes, count))) {
      // What a quorum has in its logs may have been acknowledged, and no voter knows of more as committed.
      const acknowledged = lasts.toSorted((a, b) => b - a)[quorum - 1] ?? 0;
      for (const known of combinations([acknowledged, acknowledged - 1], count)) {
        const committed = known.map((index, voter) => Math.max(1, Math.min(index, lasts[voter] ?? 0)));
        for (const kinds of combinations(KINDS, count)) {
          const reports = voters.map((name, index) =>
            salvaged(name, leftOf(kinds[index] ?? 'none', lasts[index] ?? 0, committed[index] ?? 0)),
          );
          const found = { salvaged: reports, examined: null, launched: [], parameters: parametersWith() };
          const [winner] = rankCandidates(found);
          if (!winner) continue;
          const { atMostWrites } = boundDataLoss({ voters, quorum, salvaged: reports, winner });
          if (atMostWrites === null) continue;
          bounded++;
          const lost = acknowledged - Number(winner.revision);
          if (lost > atMostWrites) exceeded.push(`${lasts} of which ${committed}, ${kinds}: ${lost} > ${atMostWrites}`);
        }
      }
    }
    expect(exceeded).toEqual([]);
    expect(bounded).toBeGreaterThan(0);
  });
});
