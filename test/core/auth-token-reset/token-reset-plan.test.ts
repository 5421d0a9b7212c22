import { describe, expect, it } from 'vitest';
import {
  type MemberTokens,
  type PlanTokenReset,
  type ResetPremises,
  type TokenResetPlan,
  type TokenStatus,
  tokenParametersSchema,
} from '../../../core/auth-token-reset/contracts.ts';
import { planTokenReset, requireRoot } from '../../../core/auth-token-reset/token-reset-plan.ts';
import { forgetsToEnableTokens } from '../../../core/cluster/releases.ts';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { clusterOf, configuration, configured, directory, failureOf, inspection } from '../observations.ts';

const RUNNING = { activeState: 'active', subState: 'running', result: 'success', mainPid: 7 };
const SAFE: ResetPremises = { needed: [], rootRoles: ['root'], admitsWithoutCertificate: false };

function status(name: string, its: TokenStatus, version = '3.5.4'): MemberTokens {
  return { name, id: name, version, status: its, problem: '' };
}
const MEMBERS = [status('node1', 'TakesTokens'), status('node2', 'TakesTokens'), status('node3', 'RejectsTokens')];

function report(member: string, unit = {}) {
  const { unit: usual, ...rest } = inspection(member);
  return {
    member,
    host: `i-${member}`,
    result: { ...rest, unit: { ...usual, ...RUNNING, ...unit } },
    error: '',
    problem: '',
  };
}

interface Case {
  strategy?: PlanTokenReset['parameters']['strategy'];
  rejecting?: string[];
  inspections?: PlanTokenReset['inspections'];
  hostless?: boolean;
  members?: MemberTokens[];
  premises?: Partial<ResetPremises>;
}

function plan({
  strategy,
  rejecting = ['node3'],
  inspections,
  hostless,
  members = MEMBERS,
  premises,
}: Case = {}): TokenResetPlan {
  const named = ['node1', 'node2', 'node3'].map((name) => configured(name, hostless ? { host: undefined } : {}));
  const request: PlanTokenReset = {
    cluster: clusterOf(named as never),
    parameters: tokenParametersSchema.parse({ strategy }),
    rejecting,
    inspections: inspections ?? rejecting.map((name) => report(name)),
  };
  return planTokenReset(request, members, { ...SAFE, ...premises });
}

const withHost = (differences: Partial<HostInspection>) => ({
  ...report('node3'),
  result: { ...report('node3').result, ...differences },
});

const rungs = ({ ladder }: TokenResetPlan) => ladder.filter(({ serves }) => serves).map(({ rung }) => rung);
const unreachable = {
  member: 'node3',
  host: 'i-3',
  result: null,
  error: 'HostUnreachable',
  problem: 'SSM does not reach i-3.',
};

describe('a plan', () => {
  it('restarts first, and toggles only where that does not help', () => {
    const planned = plan();
    expect(rungs(planned)).toEqual(['restart', 'toggle']);
    expect(planned).toMatchObject({ restartable: ['node3'], mayToggle: true });
    expect(planned.steps).toEqual([
      'restart the service of node3, alone, while the others are a quorum',
      expect.stringMatching(/^where that does not help, disable authentication and enable it again at once/),
      'prove it: fresh tokens taken, and strangers refused, by every member',
    ]);
  });

  it.each<[string, Case, { restartable: string[]; mayToggle: boolean; why: string }]>([
    ['restart', { strategy: 'restart' }, { restartable: ['node3'], mayToggle: false, why: 'the strategy is restart' }],
    ['toggle', { strategy: 'toggle' }, { restartable: [], mayToggle: true, why: 'the strategy is toggle' }],
  ])('does as it is told by the strategy %s', (_, given, { why, ...expected }) => {
    const planned = plan(given);
    expect(planned).toMatchObject(expected);
    expect(planned.ladder.find(({ serves }) => !serves)?.why).toContain(why);
  });

  it.each<[string, Case, string]>([
    ['the configuration names no host', { hostless: true, inspections: [] }, 'clusters.json names no "host"'],
    ['its host cannot be reached', { inspections: [unreachable] }, 'SSM does not reach i-3'],
    ['its host was not inspected', { inspections: [] }, 'it was not inspected'],
    [
      'its unit does not run etcd',
      { inspections: [report('node3', { activeState: 'inactive', subState: 'dead', mainPid: 0 })] },
      'etcd runs there in another way',
    ],
    [
      'its host is that of another member',
      {
        inspections: [
          { ...report('node3'), result: { ...report('node3').result, configuration: configuration('node2') } },
        ],
      },
      `is another member's: etcd announces the peer URL "https://node2:2380", and clusters.json says https://node3:2380`,
    ],
    [
      'its data was deleted while it runs',
      { inspections: [withHost({ dataDir: directory('/var/lib/etcd', { empty: true }), raftLog: null })] },
      'node3 cannot be restarted: its data dir /var/lib/etcd is empty',
    ],
    [
      'its log was deleted while it runs',
      { inspections: [withHost({ raftLog: null })] },
      'there is no log in /var/lib/etcd/member/wal',
    ],
    [
      'its data is not where the configuration says',
      { inspections: [withHost({ configuration: configuration('node3', { dataDir: '/srv/etcd' }) })] },
      `etcd's data dir is "/srv/etcd", and clusters.json says /var/lib/etcd`,
    ],
    ['the quorum needs it', { premises: { needed: ['node3'] } }, 'the others are no quorum without it'],
  ])('has nothing but the toggle where %s', (_, given, why) => {
    const planned = plan(given);
    expect(rungs(planned)).toEqual(['toggle']);
    expect(planned.ladder[0]?.why).toContain(why);
    expect(planned.steps[0]).toMatch(/^disable authentication/);
  });

  it('restarts whom it can of two, and toggles for the other', () => {
    const members = [
      status('node1', 'TakesTokens'),
      status('node2', 'RejectsTokens'),
      status('node3', 'RejectsTokens'),
    ];
    const planned = plan({ members, rejecting: ['node2', 'node3'], inspections: [report('node2'), unreachable] });
    expect(planned).toMatchObject({ restartable: ['node2'], mayToggle: true });
    expect(planned.ladder[0]?.why).toMatch(/^node2 can be restarted.*node3 cannot be restarted/);
  });

  it.each<[string, Case, string]>([
    ['there is no user root', { premises: { rootRoles: null } }, 'etcd has no user root'],
    ['root does not have the role root', { premises: { rootRoles: ['guest'] } }, 'does not have the role root'],
    [
      'no member takes a token',
      { members: MEMBERS.map((each) => ({ ...each, status: 'RejectsTokens' })) },
      'without a token authentication cannot be disabled',
    ],
  ])('only restarts where %s, and refuses where that cannot be had either', (_, given, why) => {
    const planned = plan(given);
    expect(rungs(planned)).toEqual(['restart']);
    expect(planned.ladder[1]?.why).toContain(why);
    const failure = failureOf(() => plan({ ...given, inspections: [unreachable] }));
    expect(failure).toMatchObject({ name: 'PreconditionFailed', message: expect.stringContaining(why) });
    expect(failureOf(() => plan({ ...given, strategy: 'toggle' }))).toMatchObject({ name: 'PreconditionFailed' });
  });

  it('says who gets in while authentication is disabled', () => {
    expect(plan().steps[1]).toContain('mutual TLS keeps out everyone else');
    expect(plan({ premises: { admitsWithoutCertificate: true } }).steps[1]).toContain(
      'anyone who reaches a client port may read and write',
    );
  });

  it('says how it does not happen again, and is at a loss where the release is not known for it', () => {
    expect(plan().advice).toContain('upgrade to 3.4.20, 3.5.6 or later');
    expect(plan({ members: MEMBERS.map((each) => ({ ...each, version: '3.5.30' })) }).advice).toContain(
      'report it to the etcd project',
    );
  });
});

describe('before authentication is disabled', () => {
  it('root is looked at once more', () => {
    expect(() => requireRoot(['root'])).not.toThrow();
    for (const roles of [null, [], ['guest']])
      expect(failureOf(() => requireRoot(roles))).toMatchObject({ name: 'PreconditionFailed' });
  });
});

describe('a release', () => {
  it.each([
    ['3.3.25', true],
    ['3.4.18', true],
    ['3.4.19', false],
    ['3.5.0', true],
    ['3.5.4', true],
    ['3.5.5', false],
    ['3.5.16', false],
    ['3.6.0', false],
  ])('%s forgets to enable its tokens: %s', (release, forgets) => {
    expect(forgetsToEnableTokens(release)).toBe(forgets);
  });
});
