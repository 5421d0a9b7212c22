import { describe, expect, it } from 'vitest';
import { assessTokens } from '../../../core/auth-token-reset/token-assessment.ts';
import { findMistakes } from '../../../core/cluster/identity.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { measure } from '../../../core/diagnosis/metrics.ts';
import { memberParametersSchema } from '../../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../../core/member-replacement/member-assessment.ts';
import { assessQuorum } from '../../../core/quorum-recovery/quorum-assessment.ts';
import { assessSpace } from '../../../core/space-reclaim/assess-space.ts';
import { spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { settleWithout } from '../../../core/space-reclaim/left-out-members.ts';
import { parse } from '../../../core/text/parse.ts';
import { apart, clusterFor, diagnosed, proof, rejecting } from '../diagnosis/diagnoses.ts';
import { firstLookAtSpace, firstRefusals } from '../first-looks.ts';
import { clusterOf, configured, failureOf, idOf, ledBy, listed, noSpace, silent, voter } from '../observations.ts';
import { parametersWith } from '../quorum-recovery/recoveries.ts';

const ODD = 'Datenbank 3 数据库';
const NAMES = ['node1', 'node2', 'node3'];
const MEMBERS = NAMES.map((name) => configured(name));
const LIST = NAMES.map((name) => listed(name));

/** At the address of `at` the member `who` answers. */
function answers(at: string, who: string, differences: Parameters<typeof voter>[1] = {}): MemberObservation {
  return { ...voter(who, differences), name: at, endpoint: `https://${at}:2379` };
}
const SWAPPED = [answers('node1', 'node2'), answers('node2', 'node1'), voter('node3')];
const well = () => NAMES.map((name) => voter(name));

const CASES: [string, MemberObservation[], ReturnType<typeof listed>[], string[], RegExp][] = [
  [
    'client URLs that are swapped',
    SWAPPED,
    LIST,
    ['answered-by-another', 'answered-by-another'],
    /^The clientUrl of node1 \(https:\/\/node1:2379\) is answered by node2 \(a2\): correct clusters\.json/,
  ],
  [
    'client URLs that are swapped, one of whose members has died',
    [silent('node1'), answers('node2', 'node1'), voter('node3')],
    LIST,
    ['answered-by-another'],
    /^The clientUrl of node2 \(https:\/\/node2:2379\) is answered by node1 \(a1\): correct clusters\.json/,
  ],
  [
    'one balancer for all, which has taken each to another one',
    [answers('node1', 'node3'), answers('node2', 'node1'), answers('node3', 'node2')],
    LIST,
    ['answered-by-another', 'answered-by-another', 'answered-by-another'],
    /node1.* is answered by node3 \(a3\)/,
  ],
  [
    'one balancer for all, which has taken two to the same',
    [answers('node1', 'node2'), voter('node2'), voter('node3')],
    LIST,
    ['shared-address'],
    /^The same member \(a2\) answers at the addresses of node1, node2: /,
  ],
  [
    'a grpc-proxy that answers for a member',
    [voter('node1'), voter('node2'), voter('node3', { entry: { name: 'vm', peerUrls: [] } })],
    LIST,
    ['grpc-proxy'],
    /^What answers at the clientUrl of node3 is a grpc-proxy of etcd/,
  ],
  [
    'grpc-proxies before all of them, one of which has told the list',
    well(),
    [listed('vm', { id: '0', peerUrls: [] })],
    ['grpc-proxy'],
    /^What answers at the clientUrl of node1, node2, node3 is a grpc-proxy of etcd/,
  ],
  [
    'a member of another cluster that answers',
    [voter('node1'), voter('node2'), answers('node3', 'infra7', { clusterId: 'f00d' })],
    LIST,
    ['answered-by-another'],
    /^The clientUrl of node3 \(https:\/\/node3:2379\) is answered by infra7 \(a7, https:\/\/infra7:2380\), which clusters\.json does not name/,
  ],
  [
    'a name that more than one has in etcd',
    well(),
    NAMES.map((name) => listed('default', { id: idOf(name), peerUrls: [`https://${name}:2380`] })),
    ['equal-names'],
    /^etcd has 3 members of the name "default" \(a1 at https:\/\/node1:2380, a2 /,
  ],
  [
    "a name that is not etcd's",
    well(),
    [listed('infra1', { id: 'a1', peerUrls: ['https://node1:2380'] }), ...LIST.slice(1)],
    ['name-differs'],
    /^clusters\.json calls the member at https:\/\/node1:2380 "node1", and its name in etcd is "infra1"\. Correct name/,
  ],
  [
    "a peer URL that is not etcd's, of a member that answers",
    well(),
    [...LIST.slice(0, 2), listed('node3', { peerUrls: ['https://moved:2380'] })],
    ['peer-url-differs'],
    /^etcd lists node3 at https:\/\/moved:2380, and clusters\.json says https:\/\/node3:2380/,
  ],
  [
    'neither name nor peer URL of what answers',
    well(),
    [...LIST.slice(0, 2), listed('infra3', { id: 'a3', peerUrls: ['https://moved:2380'] })],
    ['peer-url-differs', 'name-differs'],
    /^etcd lists node3 at https:\/\/moved:2380/,
  ],
];

describe('a contradiction about who is who:', () => {
  it.each(CASES)('%s', (_, members, memberList, kinds, message) => {
    const found = findMistakes(MEMBERS, { members, memberList });
    expect(found.map(({ kind }) => kind)).toEqual(kinds);
    expect(found[0]?.message).toMatch(message);
  });

  it.each(CASES)(
    'is a warning of a diagnosis, which tells nobody to remove what is configured: %s',
    (_, members, memberList, kinds) => {
      const evidence = proof(members, { memberList });
      const { warnings, summary } = diagnosed(evidence, clusterOf(MEMBERS));
      expect(warnings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
      expect(JSON.stringify([warnings, summary])).not.toMatch(/remove/);
    },
  );

  it.each(CASES)('is a refusal before the first change of any runbook: %s', (_, members, memberList) => {
    const cluster = { ...clusterOf(MEMBERS), auth: { secret: 'root' } };
    const seen = { members, memberList, alarms: [] };
    const full = { ...seen, alarms: [noSpace('node3')] };
    const { probes } = rejecting(['node1'], proof(members));
    const refusals = [...firstRefusals(seen, cluster, probes), failureOf(() => firstLookAtSpace(full, cluster))];
    for (const { name, message } of refusals) {
      expect(name).toBe('PreconditionFailed');
      expect(message).toMatch(/^The members that answer, or that etcd lists, are not those of clusters\.json:\n- /);
      expect(message).not.toMatch(/remove/);
      expect(message).toMatch(/ Nothing was changed\. Correct this\. Then start again; in AWS, deploy it first\.$/);
    }
  });
});

describe('a name in etcd that clusters.json does not take', () => {
  const memberList = [...LIST.slice(0, 2), listed('node3', { name: ODD })];
  const seen = { members: well(), memberList, alarms: [] };
  const both = `clusters.json calls the member at https://node3:2380 "node3", and its name in etcd is "${ODD}", which clusters.json does not accept`;

  it('is told as a warning that names both, and what the alias does for', () => {
    const { incident, warnings, members } = diagnosed(proof(well(), { memberList }), clusterOf(MEMBERS));
    expect(incident).toBe('healthy');
    expect(members.map(({ state }) => state)).toEqual(['healthy', 'healthy', 'healthy']);
    expect(warnings.map(({ kind }) => kind)).toEqual(['alias']);
    expect(warnings[0]?.message).toContain(both);
    expect(warnings[0]?.message).toContain(
      '"node3" is enough for a reclaim of space and for tokens. No member is replaced',
    );
  });

  it('stops no reclaim and no tokens, which write no names', () => {
    const cluster = { ...clusterOf(MEMBERS), auth: { secret: 'root' } };
    const full = { ...seen, alarms: [noSpace('node3')] };
    const space = parse(spaceParametersSchema, {}, 'parameters');
    expect(assessSpace(full, { cluster, parameters: space }).verdict).toBe('Reclaim');
    const readings = { statuses: [], equal: 0, total: 0 };
    const parameters = { strategy: 'restart-then-toggle' as const, confirmSeconds: 15 };
    const probes = rejecting(['node1'], proof(well())).probes;
    expect(assessTokens({ ...seen, probes, window: null }, { cluster, parameters, readings }).verdict).toBe('Confirm');
  });

  it('stops a replacement and a recovery, which write them, of whichever member', () => {
    const parameters = parse(memberParametersSchema, {}, 'parameters');
    const none = { targets: [], equal: 0, total: 0 };
    const cluster = clusterOf(MEMBERS);
    const firstAway = { ...seen, members: [voter('node1'), silent('node2'), voter('node3')] };
    const leaderless = LIST.map(({ name }) =>
      voter(name, {
        leaderId: '0',
        ...(name === 'node3' && { entry: { name: ODD, peerUrls: ['https://node3:2380'] } }),
      }),
    );
    const recovery = { cluster, parameters: parametersWith(), readings: { lost: 0, total: 0, committed: {} } };
    for (const { name, message } of [
      failureOf(() => assessMembers(firstAway, { cluster, parameters, member: '', readings: none })),
      failureOf(() => assessQuorum({ members: leaderless, memberList: [], alarms: [] }, [], recovery)),
    ]) {
      expect(name).toBe('PreconditionFailed');
      expect(message).toContain(both);
      expect(message).toContain(' Nothing was changed. ');
    }
  });
});

describe('who is who', () => {
  it.each<[string, MemberObservation[], ReturnType<typeof listed>[]]>([
    ['all are who they are', well(), LIST],
    [
      'a peer URL is spelled in another way',
      well(),
      [listed('node1', { peerUrls: ['HTTPS://NODE1:2380/'] }), ...LIST.slice(1)],
    ],
    [
      'a member has two peer URLs',
      well(),
      [listed('node1', { peerUrls: ['https://x:2380', 'https://node1:2380'] }), ...LIST.slice(1)],
    ],
    [
      'a member was added and has not started',
      [...well().slice(0, 2), silent('node3')],
      [...LIST.slice(0, 2), listed('node3', { name: '' })],
    ],
    ['etcd does not list a member', [...well().slice(0, 2), silent('node3')], LIST.slice(0, 2)],
    [
      'a member is in a cluster of its own',
      [...well().slice(0, 2), voter('node3', { id: 'b3', clusterId: 'f00d' })],
      LIST,
    ],
    ['a member was removed and added again, and runs on', [...well().slice(0, 2), voter('node3', { id: 'b3' })], LIST],
    ['members do not tell how they list themselves', well().map(({ entry: _, ...seen }) => seen), LIST],
  ])('is clear where %s', (_, members, memberList) => {
    expect(findMistakes(MEMBERS, { members, memberList })).toEqual([]);
  });

  it('is known without a quorum from what members tell of themselves', () => {
    const leaderless = SWAPPED.map((seen) => ({ ...seen, leaderId: '0' }) as MemberObservation);
    const request = {
      cluster: clusterOf(MEMBERS),
      parameters: parametersWith(),
      readings: { lost: 0, total: 0, committed: {} },
    };
    const { name, message } = failureOf(() =>
      assessQuorum({ members: leaderless, memberList: [], alarms: [] }, [], request),
    );
    expect(name).toBe('PreconditionFailed');
    expect(message).toContain('The clientUrl of node1 (https://node1:2379) is answered by node2 (a2)');
  });

  const ALIASES = [
    answers('node1', 'node2', { version: '3.5.31' }),
    voter('node2', { version: '3.5.31' }),
    voter('node3'),
  ];
  const FOREIGN = answers('node3', 'node9', { version: '3.5.31' });
  it.each<[string, MemberObservation[], ReturnType<typeof listed>[], string[], RegExp]>([
    [
      'are swapped',
      ledBy('node1', SWAPPED as never),
      LIST,
      ['leads', 'follows node1', 'follows node1'],
      /^node1 leads, every member follows it .* But the members that answer are not those of clusters\.json, .* The clientUrl of node1 /,
    ],
    [
      'lead to one member twice',
      ledBy('node3', ALIASES as never),
      LIST,
      ['cannot be judged: another member (a2) answers at its clientUrl https://node1:2379', 'follows node3', 'leads'],
      /^node1 cannot be judged: .* The same member \(a2\) answers at the addresses of node1, node2: /,
    ],
    [
      'lead to a member that the configuration does not name',
      [voter('node1'), voter('node2'), FOREIGN],
      [...LIST, listed('node9')],
      ['leads', 'follows node1', 'cannot be judged: another member (a9) answers at its clientUrl https://node3:2379'],
      /^node3 cannot be judged: .* The clientUrl of node3 \(https:\/\/node3:2379\) is answered by node9 \(a9, /,
    ],
  ])(
    'where addresses %s, it is a condition, and figures stand beside whose they are',
    (_, members, memberList, facts, told) => {
      const evidence = proof(members, { memberList });
      const { incident, summary, members: shown, warnings } = diagnosed(evidence, clusterOf(MEMBERS));
      expect(incident).toBe('member-inaccessible');
      expect(summary).toMatch(told);
      expect(shown.map((each) => each.facts.split(', etcd')[0])).toEqual(facts);
      const [cluster, ...ofMembers] = measure(clusterOf(MEMBERS), evidence).measurements;
      expect(cluster?.values).toMatchObject({ IncidentPresent: 1, FailedMembers: 0 });
      expect(cluster?.values.InaccessibleMembers).toBeGreaterThan(0);
      const answering = shown.filter(({ lagEntries }) => lagEntries !== '').map(({ name }) => name);
      expect(ofMembers.map(({ dimensions }) => dimensions.member)).toEqual(answering);
      expect(JSON.stringify(warnings)).not.toMatch(/3\.5\.31 on node[13]/);
    },
  );

  it('says that nothing was changed only before anything may have been', () => {
    const seen = { members: SWAPPED, memberList: LIST, alarms: [] };
    const refusal = failureOf(() => settleWithout([], seen, MEMBERS, 'wait'));
    expect(refusal.message).toMatch(/^The members that answer, or that etcd lists, are not those of clusters\.json:/);
    expect(refusal.message).not.toContain('Nothing was changed');
  });

  it('is told of the member itself, at whichever address it answers', () => {
    const [first, second, third] = diagnosed(
      proof(ledBy('node1', SWAPPED as never), { memberList: LIST }),
      clusterOf(MEMBERS),
    ).members;
    expect([first?.state, second?.state, third?.state]).toEqual(['healthy', 'healthy', 'healthy']);
    expect(first?.facts).toMatch(/^leads, /);
    expect(second?.facts).toMatch(/^follows node1, /);
  });

  it('leaves nobody for failed where the address of the one that died is that of another', () => {
    const seen = [silent('node1'), answers('node2', 'node1'), voter('node3')];
    const { incident, members } = diagnosed(proof(seen, { memberList: LIST }), clusterOf(MEMBERS));
    expect(incident).toBe('member-inaccessible');
    expect(members.map(({ state }) => state)).toEqual(['healthy', 'unreached', 'healthy']);
    expect(members[1]?.problem).toBe(
      'cannot be judged: another member (a1) answers at its clientUrl https://node2:2379',
    );
  });

  it('takes no member for another one of the same name, which may be at work', () => {
    const same = NAMES.map((name) => listed('default', { id: idOf(name), peerUrls: [`https://${name}:2380`] }));
    const members = [
      configured('node1'),
      configured('node2'),
      configured('default', { peerUrl: 'https://moved:2380' }),
    ];
    const { warnings } = diagnosed(
      proof([voter('node1'), voter('node2'), silent('default')], { memberList: same }),
      clusterOf(members),
    );
    expect(warnings.map(({ kind }) => kind)).toEqual(['equal-names', 'unknown-to-etcd', 'not-configured']);
    expect(warnings[2]?.message).toMatch(
      /clusters\.json has a member default at https:\/\/moved:2380: find out which of both is meant/,
    );
    expect(warnings[2]?.message).not.toContain('remove');
  });

  it('is not asked of a list that was not read', () => {
    const { warnings } = diagnosed(apart(well()), clusterFor(apart(well())));
    expect(warnings.map(({ kind }) => kind)).toEqual(['alarms-unknown']);
  });
});
