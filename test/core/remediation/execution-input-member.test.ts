import { describe, expect, it } from 'vitest';
import { loadClusterInput } from '../../../core/remediation/load-cluster.ts';
import { executionInputSchemas, INCIDENTS } from '../../../core/runbooks.ts';
import { parse } from '../../../core/text/parse.ts';
import { failureOf } from '../observations.ts';

const replacement = { host: 'i-9' };

function read(input: unknown) {
  return parse(executionInputSchemas['member-failed'], input, 'The execution input');
}

function problemsOf(input: unknown): string[] {
  const { name, message } = failureOf(() => read(input));
  expect(name, message).toBe('InvalidInput');
  return message
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^- /, ''));
}

describe('the execution input of the member runbook', () => {
  it('needs only the name of the cluster', () => {
    expect(read({ cluster: 'orders' })).toEqual({
      cluster: 'orders',
      incident: 'member-failed',
      dryRun: false,
      reason: '',
      requestedBy: '',
      member: '',
      parameters: { confirmSeconds: 30 },
    });
  });

  it.each([1, 3600])('keeps what is given, and confirms over %d s', (confirmSeconds) => {
    const input = {
      cluster: 'orders',
      incident: 'member-failed',
      dryRun: true,
      reason: 'the disk is gone',
      requestedBy: 'on call',
      member: 'node3',
      parameters: { confirmSeconds, replacement },
    };
    expect(read(input)).toEqual(input);
  });

  it('is refused with every problem at once, each with its path', () => {
    const parameters = {
      confirmSeconds: 3601,
      replacement: { name: 'node9', clientUrl: 'https://node9:2379' },
      retainRevisions: 0,
    };
    expect(problemsOf({ member: 3, incident: 'quorum-lost', force: true, parameters })).toEqual([
      'cluster: must be the name of a cluster in clusters.json',
      'incident: must be "member-failed"',
      'member: must be text, and is a number',
      'parameters.confirmSeconds: must be at most 3600',
      'parameters.replacement.host: is missing',
      'parameters.replacement.name: is not a known field',
      'parameters.replacement.clientUrl: is not a known field',
      'parameters.retainRevisions: is not a known field',
      'force: is not a known field',
    ]);
  });

  it.each([
    ['the incident of another runbook', { incident: 'space-exceeded' }, 'incident: must be "member-failed"'],
    [
      'no time at all, which would make one reading of three',
      { parameters: { confirmSeconds: 0 } },
      'parameters.confirmSeconds: must be 1 or more, for what is seen at one moment only may pass',
    ],
    ['half a second', { parameters: { confirmSeconds: 0.5 } }, 'parameters.confirmSeconds: must be a whole number'],
    ['two members', { member: ['node1', 'node2'] }, 'member: must be text, and is a list'],
    [
      'a replacement by name',
      { parameters: { replacement: 'node9' } },
      'parameters.replacement: must be an object, and is text',
    ],
    [
      'a replacement without a host',
      { parameters: { replacement: { ...replacement, host: undefined } } },
      'parameters.replacement.host: is missing',
    ],
    [
      'a replacement that says whether it stays a learner, as the replaced one does',
      { parameters: { replacement: { ...replacement, learner: true } } },
      'parameters.replacement.learner: is not a known field',
    ],
    [
      'an address, to which a login would be sent',
      { parameters: { replacement: { ...replacement, clientUrl: 'http://10.6.6.6:2379' } } },
      'parameters.replacement.clientUrl: is not a known field',
    ],
    [
      'an address in the place of a host',
      { parameters: { replacement: { host: 'http://10.6.6.6:2379' } } },
      'parameters.replacement.host: must be an instance ID such as "i-0a1b2c3d4e5f60001", or a name in hosts.json: letters, digits, ".", "-" or "_"',
    ],
    [
      'a replacement that says where etcd lies on its host, as clusters.json does',
      { parameters: { replacement: { ...replacement, layout: { dataDir: '/data' } } } },
      'parameters.replacement.layout: is not a known field',
    ],
  ])('is refused: %s', (_, input, problem) => {
    expect(problemsOf({ cluster: 'orders', ...input })).toEqual([problem]);
  });
});

describe('what load-cluster is started with', () => {
  const started = { incident: 'member-failed', execution: '7c2c1b0a-6e0e-4a3c', input: { cluster: 'orders' } };

  it.each(INCIDENTS)('is the incident %s with an execution and any input', (incident) => {
    for (const input of [started.input, null, 'orders', [1]]) {
      expect(parse(loadClusterInput, { ...started, incident, input }, 'The execution')).toEqual({
        ...started,
        incident,
        input,
      });
    }
  });

  it.each([
    [
      'an incident without a runbook',
      { incident: 'disk-full' },
      `incident: must be ${INCIDENTS.map((incident) => `"${incident}"`).join(' or ')}`,
    ],
    ['no execution', { execution: '' }, 'execution: must be an execution\'s name of letters, digits, "-" and "_"'],
    [
      'an execution that no folder may be named after',
      { execution: '../../etc' },
      'execution: must be an execution\'s name of letters, digits, "-" and "_"',
    ],
    ['a field too many', { cluster: 'orders' }, 'cluster: is not a known field'],
  ])('is refused with %s', (_, differences, problem) => {
    expect(failureOf(() => parse(loadClusterInput, { ...started, ...differences }, 'The execution'))).toMatchObject({
      name: 'InvalidInput',
      message: `The execution has 1 problem; nothing was touched.\n- ${problem}`,
    });
  });
});
