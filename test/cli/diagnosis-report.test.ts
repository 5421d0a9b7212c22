import { describe, expect, it } from 'vitest';
import { curableIncident, describeDiagnosis, describeUndiagnosed, diagnosedAs } from '../../cli/diagnosis-report.ts';
import type { Cluster } from '../../core/cluster/clusters.ts';
import {
  CONDITIONS,
  type Condition,
  type Diagnosis,
  IDENTITY_WARNINGS,
  type Warning,
} from '../../core/diagnosis/diagnosis.ts';
import { INCIDENTS } from '../../core/runbooks.ts';
import { clusterOf, configured } from '../core/observations.ts';

const FILES = { config: 'clusters.json' };
const HOSTED = clusterOf([configured('node1')]);
const PLAIN: Cluster = { ...HOSTED, members: HOSTED.members.map(({ host: _, ...member }) => member) };

function diagnosisOf(incident: Condition | 'healthy', differences: Partial<Diagnosis> = {}): Diagnosis {
  return { incident, summary: 'What was seen.', others: [], members: [], hosts: [], warnings: [], ...differences };
}

/** The lines after "Next:". */
function nextOf(cluster: Cluster, diagnosis: Diagnosis, files: Parameters<typeof describeDiagnosis>[2] = FILES) {
  const lines = describeDiagnosis(cluster, diagnosis, files);
  const at = lines.indexOf('  Next:');
  return at === -1 ? [] : lines.slice(at + 1);
}

describe('a diagnosis for a person', () => {
  it('begins with the incident and the summary, goes on with what they rest on, and ends with what to type', () => {
    const failed = { name: 'node10', state: 'failed', problem: 'does not answer', lagEntries: '' } as const;
    const joining = { name: 'node2', state: 'joining', problem: 'is a learner', lagEntries: '0' } as const;
    const diagnosis = diagnosisOf('space-exceeded', {
      others: ['member-failed'],
      members: [
        { name: 'node1', state: 'healthy', problem: '', lagEntries: '0', facts: 'leads' },
        { ...joining, facts: 'follows node1' },
        { ...failed, facts: 'does not answer' },
      ],
      hosts: [
        { host: 'node-a', member: 'node1', reachable: true, problem: '' },
        { host: 'node-bb', member: 'node2', reachable: false, problem: 'ConnectionLost' },
        { host: 'node-c', member: '', reachable: 'unknown', problem: 'SSM was not answered.' },
      ],
      warnings: [{ kind: 'even-voters', message: 'There are 2 voters.' }],
    });
    const command =
      'npx --no etcd-remediation run orders --config clusters.json --secrets secrets.json --hosts hosts.json';
    const files = { ...FILES, secrets: 'secrets.json', hosts: 'hosts.json' };
    expect(describeDiagnosis(HOSTED, diagnosis, files)).toEqual([
      'orders: space-exceeded',
      '  What was seen.',
      '  Besides: member-failed. Diagnose again once space-exceeded is over.',
      '  Members:',
      '    node1   healthy  leads',
      '    node2   joining  is a learner; follows node1',
      '    node10  failed   does not answer',
      '  Hosts:',
      '    node1    node-a   reached',
      '    node2    node-bb  not reached: ConnectionLost',
      '    (spare)  node-c   not known: SSM was not answered.',
      '  Warnings:',
      '    even-voters: There are 2 voters.',
      '  Next:',
      '    A reclaim waits for members that answer and are not well, for some minutes: cure node2, or stop the service there, first.',
      '    A reclaim leaves out members that do not answer: node10. Replace them afterwards (incident member-failed).',
      `    ${command} --incident space-exceeded --dry-run`,
    ]);
  });

  it('of hosts that were not looked for says how they would be', () => {
    const problem = 'it is not in hosts.json';
    const asked: Partial<Diagnosis> = {
      hosts: [{ member: 'node1', host: 'node-a', reachable: false, problem }],
      warnings: [{ kind: 'host-unreachable', message: `The host node-a (node1) is not reached: ${problem}.` }],
    };
    expect(describeDiagnosis(HOSTED, diagnosisOf('healthy', asked), FILES)).toEqual([
      'orders: healthy',
      '  What was seen.',
      '  Members:',
      '  Hosts: not looked for; --hosts FILE says how each is reached.',
    ]);
    expect(describeDiagnosis(PLAIN, diagnosisOf('healthy'), FILES)).toHaveLength(3);
  });

  it('that there is none of says why', () => {
    const told = { cluster: 'orders', error: 'PreconditionFailed', cause: 'They refuse us:\n- node1' };
    expect(describeUndiagnosed(told)).toEqual([
      'orders: could not be diagnosed',
      '  PreconditionFailed: They refuse us:',
      '  - node1',
    ]);
  });
});

describe('what to do next', () => {
  it('is a dry run of the runbook, for every condition that has one', () => {
    expect(CONDITIONS.filter(curableIncident).toSorted()).toEqual(INCIDENTS.toSorted());
    for (const incident of INCIDENTS) {
      expect(nextOf(HOSTED, diagnosisOf(incident), { ...FILES, hosts: 'h.json' })).toEqual([
        ...(incident === 'quorum-lost'
          ? ['    If an earlier recovery was interrupted, this runbook finishes it first.']
          : []),
        `    npx --no etcd-remediation run orders --config clusters.json --hosts h.json --incident ${incident} --dry-run`,
      ]);
    }
  });

  it.each([
    ['are configured', HOSTED, ''],
    ['are not configured', PLAIN, ' Add to clusters.json the "host" of each member, and the "layout", first.'],
  ])('is to say how hosts are reached, where the runbook works on them and they %s', (_, cluster, preparation) => {
    expect(nextOf(cluster, diagnosisOf('member-failed'))).toEqual([
      `    This runbook works on hosts: hosts.json has to say how each is reached (see docs/operate.md).${preparation}`,
      '    npx --no etcd-remediation run orders --config clusters.json --hosts hosts.json --incident member-failed --dry-run',
    ]);
    expect(nextOf(cluster, diagnosisOf('space-exceeded'))).toHaveLength(1);
  });

  it('can be typed as it stands, whatever the files are called', () => {
    const [command] = nextOf(PLAIN, diagnosisOf('space-exceeded'), { config: "my cluster's.json", secrets: '$HOME/s' });
    expect(command).toContain("run orders --config 'my cluster'\\''s.json' --secrets '$HOME/s' --incident");
  });

  it('takes the backups that were looked at', () => {
    const [, , command] = nextOf(HOSTED, diagnosisOf('quorum-lost'), { ...FILES, backups: '/srv/backups' });
    expect(command).toBe(
      '    npx --no etcd-remediation run orders --config clusters.json --hosts hosts.json --backups /srv/backups --incident quorum-lost --dry-run',
    );
  });

  it.each(['member-inaccessible', 'quorum-inaccessible'] as const)('is for a person where it is %s', (incident) => {
    expect(nextOf(PLAIN, diagnosisOf(incident))).toEqual([
      expect.stringMatching(/^ {4}No runbook cures this: .* Correct what is said of each member above/),
    ]);
  });

  it.each([
    ['nearly-full', true],
    ['fragmented', true],
    ['version-skew', false],
  ] as const)('of a healthy cluster with the warning %s is to reclaim space: %s', (kind, isToReclaim) => {
    const next = nextOf(PLAIN, diagnosisOf('healthy', { warnings: [{ kind, message: 'It is so.' }] }));
    expect(next).toEqual(isToReclaim ? [expect.stringContaining('--incident space-exceeded --dry-run')] : []);
  });
});

it.each(IDENTITY_WARNINGS)('says in the headline of a healthy cluster that the configuration is wrong: %s', (kind) => {
  const [headline] = describeDiagnosis(PLAIN, diagnosisOf('healthy', { warnings: [{ kind, message: '' }] }), FILES);
  expect(headline).toBe('orders: healthy, but clusters.json is wrong about who is who');
});

describe('the outcome', () => {
  const healthy = { cluster: 'a', diagnosis: diagnosisOf('healthy') };
  const lost = { cluster: 'b', diagnosis: diagnosisOf('quorum-lost') };
  const unknown = { cluster: 'c', diagnosis: null, error: 'PreconditionFailed', cause: 'They refuse us.' };

  const mistaken = (kind: Warning['kind']) => ({
    cluster: 'd',
    diagnosis: diagnosisOf('healthy', { warnings: [{ kind, message: 'It is so.' }] }),
  });

  it.each([
    ['Healthy', [healthy, healthy]],
    ['Healthy', [healthy, mistaken('version-skew')]],
    ['IncidentFound', [healthy, unknown, lost]],
    ['NotDiagnosed', [healthy, unknown, mistaken('peer-url-differs')]],
    ['ConfigurationDiffers', [healthy, mistaken('peer-url-differs')]],
    ['ConfigurationDiffers', [mistaken('not-configured')]],
  ])('is %s of such clusters', (outcome, found) => {
    expect(diagnosedAs(found)).toBe(outcome);
  });
});
