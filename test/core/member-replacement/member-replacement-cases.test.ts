import { describe, expect, it } from 'vitest';
import { surveyMembers } from '../../../core/cluster/member-survey.ts';
import { memberParametersSchema } from '../../../core/member-replacement/contracts.ts';
import { assessMembers } from '../../../core/member-replacement/member-assessment.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import { scopeOf } from '../../../core/member-replacement/replacement-scope.ts';
import { parse } from '../../../core/text/parse.ts';
import { TEXT_RULES, textSchema } from '../../../core/text/text-rules.ts';
import {
  clusterOf,
  configuration,
  configured,
  directory,
  failureOf,
  inspected,
  inspection,
  LAYOUT,
  learner,
  listed,
  observation,
  silent,
  spare,
  voter,
} from '../observations.ts';
import { choose, LIST, MEMBERS, STARTED, started, withThird } from './changes.ts';
import { crashed, only, plan } from './plans.ts';

const parameters = parse(memberParametersSchema, {}, 'parameters');
const behind = (name: string) => voter(name, { raftAppliedIndex: '12' });
const replacement = { host: 'i-9' };

function planReplaced(replaced = silent('node3') as Parameters<typeof observation>[0][number], host = {}, layout = {}) {
  return planReplacement(
    observation([voter('node1'), voter('node2'), silent('node9'), replaced], { memberList: LIST }),
    {
      cluster: clusterOf(MEMBERS, { spareHosts: [spare('node9')], layout: { ...LAYOUT, ...layout } }),
      parameters: parse(memberParametersSchema, { replacement }, 'parameters'),
      member: 'node3',
      targets: [{ member: 'node9', kind: 'failed', problem: '' }],
      oldHost: [inspected('node3')],
      inspections: [
        {
          member: 'node9',
          inspection: inspection('node9', { dataDir: directory(LAYOUT.dataDir, { empty: true }), ...host }),
        },
      ],
    },
  );
}

describe('members that only have to catch up', () => {
  it.each([
    ['one of 2', [voter('node1'), behind('node2')]],
    ['one of 3 where another has failed', [voter('node1'), behind('node2'), silent('node3')]],
    ['two of 3', [voter('node1'), behind('node2'), behind('node3')]],
    ['one of 4 where another has failed', [voter('node1'), voter('node2'), behind('node3'), silent('node4')]],
    [
      'one of 5 where two have failed',
      [voter('node1'), voter('node2'), behind('node3'), silent('node4'), silent('node5')],
    ],
  ])('are waited for: %s', (_, members) => {
    const cluster = clusterOf(members.map(({ name }) => configured(name)));
    const readings = { targets: [], equal: 0, total: 0 };
    expect(
      failureOf(() => assessMembers(observation(members), { cluster, parameters, member: '', readings })).name,
    ).toBe('EtcdUnavailable');
  });
});

it.each([
  ['follows no leader', { leaderId: '0' }],
  ['belongs to another cluster', { clusterId: 'f00d' }],
])('a learner that %s is not promoted', (_, differences) => {
  expect(choose(withThird(learner('node3', { id: 'b3', ...differences }), started), { done: STARTED }).action).toBe(
    'WaitForMember',
  );
});

it('the replaced member that came back after the assessment is not removed', () => {
  expect(failureOf(() => planReplaced(voter('node3'))).name).toBe('PreconditionFailed');
});

it('the wal of somebody on a spare host is not touched', () => {
  const host = { walDir: directory('/wal'), configuration: configuration('node9', { walDir: '/wal' }) };
  expect(failureOf(() => planReplaced(silent('node3'), host, { walDir: '/wal' })).name).toBe('PreconditionFailed');
});

it('a URL of a member that stays is refused however it is spelled', () => {
  const request = {
    cluster: clusterOf(MEMBERS, { spareHosts: [spare('node9', { clientUrl: 'https://NODE2:2379' })] }),
    member: 'node3',
    parameters: parse(memberParametersSchema, { replacement }, 'p'),
  };
  expect(failureOf(() => scopeOf(request)).name).toBe('InvalidInput');
});

it('a target whose own etcd is of 3.5.0 to 3.5.19 joins as a voter', () => {
  expect(only(plan(crashed, { inspections: { node3: { etcdVersion: '3.5.16' } } })).asLearner).toBe(false);
});

it('an initial cluster token does not look like an option', () => {
  expect(textSchema(TEXT_RULES.token).safeParse('-x').success).toBe(false);
});

it('one member that is reached under two client URLs is one vote', () => {
  const five = ['node1', 'node2', 'node3', 'node4', 'node5'];
  const members = [voter('node1'), voter('node2'), voter('node3', { id: 'a2' }), silent('node4'), silent('node5')];
  const reading = observation(members, { memberList: five.map((name) => listed(name)) });
  expect(
    failureOf(() =>
      surveyMembers(
        five.map((name) => configured(name)),
        reading,
      ),
    ).name,
  ).toBe('EtcdUnavailable');
});
