import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ListedMember, MemberObservation, Observation, SilentMember } from '../../core/cluster/observation.ts';
import { diagnose } from '../../core/diagnosis/diagnose.ts';
import { RemediationError } from '../../core/errors.ts';
import { memberParametersSchema, type PlannedTarget, type Target } from '../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../core/member-replacement/member-assessment.ts';
import { chooseNextChange } from '../../core/member-replacement/next-change.ts';
import { planReplacement } from '../../core/member-replacement/replacement-plan.ts';
import { assessQuorum } from '../../core/quorum-recovery/quorum-assessment.ts';
import { assessSpace } from '../../core/space-reclaim/assess-space.ts';
import { spaceParametersSchema } from '../../core/space-reclaim/contracts.ts';
import { chooseAlarmsToDisarm } from '../../core/space-reclaim/disarmed-alarms.ts';
import { chooseNextDefragmentation } from '../../core/space-reclaim/next-defragmentation.ts';
import { provenWrites } from '../../core/space-reclaim/proven-writes.ts';
import { parse } from '../../core/text/parse.ts';
import { sampled } from '../run/worlds.ts';
import {
  clusterOf,
  configured,
  FULL,
  idOf,
  inspection,
  learner,
  listed,
  noSpace,
  silent,
  voter,
} from './observations.ts';
import { parametersWith } from './quorum-recovery/recoveries.ts';

/** A member that is configured may be at work under whatever address or name: whoever is told to remove it loses it. */

const OLD = '3.5.16';

/** What a configured member may look like: what answers at its address, and its entry in etcd's list. */
const LOOKS: Readonly<Record<string, (name: string) => [MemberObservation, ListedMember | undefined]>> = {
  well: (name) => [voter(name), listed(name)],
  away: (name) => [silent(name), listed(name)],
  unreached: (name) => [{ ...silent(name), silence: 'unreached' } as SilentMember, listed(name)],
  refusing: (name) => [{ ...silent(name), silence: 'refused' } as SilentMember, listed(name)],
  'unpromoted learner': (name) => [learner(name, { version: OLD }), listed(name, { isLearner: true })],
  'full learner': (name) => [learner(name, FULL), listed(name, { isLearner: true })],
  'away, renamed and moved': (name) => [
    silent(name),
    listed(`old-${name}`, { peerUrls: [`https://old-${name}:2380`] }),
  ],
  'away and not listed': (name) => [silent(name), undefined],
  'removed, and answers': (name) => [voter(name), undefined],
  'added under another ID': (name) => [voter(name), listed(name, { id: `b${idOf(name)}` })],
  'added and not started': (name) => [silent(name), listed(name, { id: `b${idOf(name)}`, name: '', isLearner: true })],
  'in another cluster': (name) => [voter(name, { clusterId: 'f00d' }), listed(name)],
  'known by another name': (name) => [
    voter(name),
    listed(`old-${name}`, { id: idOf(name), peerUrls: [`https://${name}:2380`] }),
  ],
  'listed elsewhere': (name) => [voter(name), listed(name, { peerUrls: [`https://old-${name}:2380`] })],
  'of a name that others have': (name) => [
    silent(name),
    listed('node1', { id: idOf(name), peerUrls: [`https://${name}:2380`] }),
  ],
  'behind a proxy': (name) => [voter(name, { id: '0', entry: { name: 'vm', peerUrls: [] } }), listed(name)],
};
const STRANGERS: Readonly<Record<string, ListedMember[]>> = {
  nobody: [],
  'a started stranger': [listed('node7')],
  'a stranger that never started': [listed('node8', { name: '', isLearner: true })],
};

interface World {
  description: string;
  observation: Observation;
}

function* worlds(): Generator<World> {
  for (const [second, lookOfSecond] of Object.entries(LOOKS)) {
    for (const [third, lookOfThird] of Object.entries(LOOKS)) {
      for (const [stranger, others] of Object.entries(STRANGERS)) {
        for (const alarms of [[], [noSpace('node1')]]) {
          const looks = [LOOKS.well?.('node1'), lookOfSecond('node2'), lookOfThird('node3')] as const;
          const members = looks.map((look) => look?.[0] as MemberObservation);
          const memberList = [...looks.flatMap((look) => look?.[1] ?? []), ...others];
          const description = `node2 ${second}, node3 ${third}, ${stranger}${alarms.length > 0 ? ', full' : ''}`;
          yield { description, observation: { members, memberList, alarms } };
        }
      }
    }
  }
}

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const cluster = clusterOf(MEMBERS);
const member = parse(memberParametersSchema, {}, 'parameters');
const space = parse(spaceParametersSchema, {}, 'parameters');

/** All that anybody would be told of such a cluster. */
function textsOf({ observation }: World): string[] {
  const texts: string[] = [];
  const ask = <Answer>(decide: () => Answer): Answer | undefined => {
    try {
      return decide();
    } catch (error) {
      if (!(error instanceof RemediationError)) throw error;
      texts.push(error.message);
      return undefined;
    }
  };
  const nothing = { committing: [], agreementProblem: '', loginProblem: '', probes: [], probesProblem: '', hosts: [] };
  const diagnosis = ask(() => diagnose(cluster, { ...observation, ...nothing, certificates: [], readAt: 0 }));
  texts.push(
    diagnosis?.summary ?? '',
    ...(diagnosis?.warnings.map(({ message }) => message) ?? []),
    ...(diagnosis?.members.map(({ problem }) => problem) ?? []),
  );
  const readings = { targets: [], equal: 0, total: 0 };
  const assessed = ask(() => assessMembers(observation, { cluster, parameters: member, member: '', readings }));
  texts.push(assessed?.summary ?? '');
  const targets: Target[] = MEMBERS.slice(1).map(({ name }) => ({ member: name, kind: 'joining', problem: '' }));
  const inspections = MEMBERS.map(({ name }) => ({ member: name, inspection: inspection(name) }));
  for (const target of targets) {
    ask(() =>
      planReplacement(observation, {
        cluster,
        parameters: member,
        member: '',
        targets: [target],
        inspections,
        oldHost: [],
      }),
    );
    const planned: PlannedTarget = {
      ...{ member: target.member, host: 'i-1', removeIds: [], prepare: false, asLearner: false, staysLearner: false },
      ...{ wasActive: true, start: { unit: 'etcd' }, peerUrls: [] },
    };
    const before = { replaced: null, done: [], waits: 0, turn: 0, execution: 'run-1' };
    ask(() => chooseNextChange(observation, { cluster, targets: [planned], ...before }));
  }
  texts.push(ask(() => assessSpace(observation, { cluster, parameters: space }))?.summary ?? '');
  const reclaim = { cluster, parameters: space, leftOut: [], quotas: [], withoutRoom: [], defragmented: [], turn: 0 };
  ask(() => chooseNextDefragmentation(observation, reclaim, 0));
  ask(() => chooseAlarmsToDisarm(observation, reclaim));
  ask(() => provenWrites(observation, reclaim));
  ask(() =>
    assessQuorum(observation, [], {
      cluster,
      parameters: parametersWith(),
      readings: { lost: 0, total: 0, committed: {} },
    }),
  );
  return texts;
}

const OF_REMOVAL = /\bremove\b/i;

describe('advice to remove a member', () => {
  it('is given for no member that is configured, and for none that may be one', () => {
    const wrong: string[] = [];
    let given = 0;
    for (const world of sampled(worlds())) {
      const { memberList, members } = world.observation;
      const isAnyUnlisted = members.some(
        ({ name, answering }) =>
          !answering &&
          !memberList.some((entry) => entry.name === name || entry.peerUrls.includes(`https://${name}:2380`)),
      );
      for (const sentence of textsOf(world).flatMap((text) => text.split(/\n|\. /))) {
        if (!OF_REMOVAL.test(sentence)) continue;
        given++;
        const named = MEMBERS.filter(
          ({ name, peerUrl }) => sentence.includes(peerUrl) || new RegExp(`\\b${name}\\b`).test(sentence),
        );
        const mayBeOne = isAnyUnlisted && !sentence.includes('(not started)');
        if (named.length > 0 || mayBeOne) wrong.push(`${world.description}: ${sentence}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(given).toBeGreaterThan(20);
  });

  /** Where a text may speak of it, and of what. */
  const KNOWN: Readonly<Record<string, readonly string[]>> = {
    'core/cluster/identity.ts': ['if it is really no part of the cluster, remove it with "etcdctl member remove '],
    // A step of a plan, and no advice.
    'core/member-replacement/replacement-steps.ts': ['`remove member '],
    // Of a word in clusters.json.
    'core/cluster/backups.ts': ['add "everyMinutes", or remove it', 'add "everyMinutes", or remove it'],
    'core/cluster/clusters.ts': ['write https or remove "tls"`'],
    'core/remediation/maintenance.ts': ['Let the policy say "automatic", or remove '],
    // A state of a workflow.
    'core/api/api-examples.ts': ["'Remove expired backups'"],
    'lib/workflows/backup.ts': ["'Remove expired backups'"],
    // Of old data that is kept aside.
    'report/next-steps.ts': ['Once you do not need it any more, remove it'],
    'report/page/page.ts': ['Once you do not need it any more, remove it'],
  };

  it('is in no text but these', () => {
    const found: Record<string, string[]> = {};
    for (const folder of ['core', 'report', 'client', 'lambdas', 'lib', 'cli']) {
      for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!file.endsWith('.ts')) continue;
        const path = join(folder, file);
        const texts = readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line) && /['"`].*\b[Rr]emove (?!member')[a-z$"'`]/.test(line));
        if (texts.length > 0) found[path] = texts;
      }
    }
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(KNOWN).toSorted());
    for (const [path, texts] of Object.entries(KNOWN)) {
      expect(found[path]).toEqual(texts.map((text) => expect.stringContaining(text)));
    }
  });
});
