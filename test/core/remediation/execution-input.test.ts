import { describe, expect, it } from 'vitest';
import { executionInputSchemas } from '../../../core/runbooks.ts';
import * as steps from '../../../core/space-reclaim/contracts.ts';
import { spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { parse } from '../../../core/text/parse.ts';
import { failureOf } from '../observations.ts';

const cluster = {
  name: 'orders',
  members: [{ name: 'node1', clientUrl: 'https://node1:2379', peerUrl: 'https://node1:2380' }],
  quotaBackendBytes: 2_147_483_648,
};
const defaults = {
  retainRevisions: 0,
  minReclaimBytes: 10_485_760,
  minReclaimRatio: 0.2,
  disarmBelowRatio: 0.9,
  leadership: 'move',
};

function read(input: unknown) {
  return parse(executionInputSchemas['space-exceeded'], input, 'The execution input');
}

function problemsOf(input: unknown): string[] {
  const { name, message } = failureOf(() => read(input));
  expect(name, message).toBe('InvalidInput');
  return message.split('\n').slice(1);
}

describe('the execution input of the space runbook', () => {
  it('needs only the name of the cluster', () => {
    expect(read({ cluster: 'orders' })).toEqual({
      cluster: 'orders',
      incident: 'space-exceeded',
      dryRun: false,
      reason: '',
      requestedBy: '',
      parameters: defaults,
    });
  });

  it('keeps what is given', () => {
    const input = {
      cluster: 'orders',
      incident: 'space-exceeded',
      dryRun: true,
      reason: 'x'.repeat(1024),
      requestedBy: 'y'.repeat(256),
      parameters: {
        retainRevisions: 1000,
        minReclaimBytes: 0,
        minReclaimRatio: 0.01,
        disarmBelowRatio: 0.99,
        leadership: 'keep',
      },
    };
    expect(read(input)).toEqual(input);
  });

  it('fills in the parameters that are left out', () => {
    expect(read({ cluster: 'orders', parameters: { retainRevisions: 5 } }).parameters).toEqual({
      ...defaults,
      retainRevisions: 5,
    });
  });

  it('is refused with every problem at once, each with its path', () => {
    const { message } = failureOf(() =>
      read({
        clusters: 'orders',
        incident: 'disk-full',
        dryRun: 'yes',
        reason: 'x'.repeat(1025),
        requestedBy: 'y'.repeat(257),
        parameters: {
          retainRevisions: -1,
          minReclaimBytes: 0.5,
          minReclaimRatio: 0,
          disarmBelowRatio: 1,
          keep: 1,
        },
      }),
    );
    expect(message.split('\n')).toEqual([
      'The execution input has 11 problems; nothing was touched.',
      '- cluster: must be the name of a cluster in clusters.json',
      '- incident: must be "space-exceeded"',
      '- dryRun: must be true or false, and is text',
      '- reason: must be at most 1024 characters',
      '- requestedBy: must be at most 256 characters',
      '- parameters.retainRevisions: must be 0 or more',
      '- parameters.minReclaimBytes: must be a whole number',
      '- parameters.minReclaimRatio: must be more than 0',
      '- parameters.disarmBelowRatio: must be less than 1',
      '- parameters.keep: is not a known field',
      '- clusters: is not a known field',
    ]);
  });

  it.each([
    ['null', null, '(the whole): must be an object, and is null'],
    ['text', 'orders', '(the whole): must be an object, and is text'],
    ['no cluster', {}, 'cluster: must be the name of a cluster in clusters.json'],
    ['an empty cluster', { cluster: '' }, 'cluster: must be the name of a cluster in clusters.json'],
    ['a cluster by number', { cluster: 3 }, 'cluster: must be the name of a cluster in clusters.json'],
    ['parameters as text', { cluster: 'orders', parameters: '{}' }, 'parameters: must be an object, and is text'],
    [
      'the incident of another runbook',
      { cluster: 'orders', incident: 'member-failed' },
      'incident: must be "space-exceeded"',
    ],
    ['a member, which it has no use for', { cluster: 'orders', member: 'node1' }, 'member: is not a known field'],
    [
      'a number as text',
      { cluster: 'orders', parameters: { retainRevisions: '5' } },
      'parameters.retainRevisions: must be a number, and is text',
    ],
    [
      'a share in percent',
      { cluster: 'orders', parameters: { disarmBelowRatio: 90 } },
      'parameters.disarmBelowRatio: must be less than 1',
    ],
    [
      'a negative size',
      { cluster: 'orders', parameters: { minReclaimBytes: -1 } },
      'parameters.minReclaimBytes: must be 0 or more',
    ],
  ])('is refused: %s', (_, input, problem) => {
    expect(problemsOf(input)).toEqual([`- ${problem}`]);
  });
});

describe('what one step hands to the next', () => {
  it('is read again without a change', () => {
    const parameters = parse(spaceParametersSchema, {}, 'parameters');
    expect(parameters).toEqual(defaults);
    const quotas = [
      { name: 'node1', quotaBytes: null, quotaSource: 'member' },
      { name: 'node2', quotaBytes: 7, quotaSource: 'alarm' },
    ];
    const done = { withoutRoom: ['node1'], defragmented: ['node1', 'node1'], turn: 3 };
    const input = { cluster, parameters, leftOut: ['node2'], quotas, ...done };
    expect(parse(steps.chooseNextDefragmentationInput, input, 'choose-next-defragmentation')).toEqual(input);
  });

  it('keeps a revision of 64 bits', () => {
    const input = { cluster, revision: '9223372036854775807' };
    expect(parse(steps.compactHistoryInput, input, 'compact-history')).toEqual(input);
  });

  it.each([
    ['a revision below zero', steps.compactHistoryInput, { cluster, revision: '-1' }],
    ['a revision as a number', steps.compactHistoryInput, { cluster, revision: 5 }],
    [
      'a turn below zero',
      steps.chooseNextDefragmentationInput,
      { cluster, parameters: {}, leftOut: [], quotas: [], defragmented: [], turn: -1 },
    ],
    [
      'a member that is no list',
      steps.chooseNextDefragmentationInput,
      { cluster, parameters: {}, leftOut: [], quotas: [], defragmented: 'n', turn: 0 },
    ],
    ['nobody said to be left out', steps.disarmAlarmsInput, { cluster, parameters: {}, quotas: [] }],
    ['no quotas', steps.disarmAlarmsInput, { cluster, parameters: {}, leftOut: [] }],
    ['no transferee', steps.moveLeadershipInput, { cluster, member: 'node1' }],
    ['a cluster without members', steps.proveWritesInput, { cluster: { ...cluster, members: [] } }],
    ['a field too many', steps.defragmentMemberInput, { cluster, parameters: {}, member: 'node1', force: true }],
  ])('is refused with %s', (_, schema, input) => {
    expect(failureOf(() => parse(schema, input, 'a step')).name).toBe('InvalidInput');
  });
});
