import { describe, expect, it } from 'vitest';
import type { ExecutionResult } from '../../../local/asl/execution.ts';
import type { JsonValue } from '../../../local/asl/json.ts';
import { deliveriesOf, type EventPattern, executionEnded, matches } from '../../../local/aws/events.ts';

const EVENT = {
  source: 'aws.states',
  resources: ['arn:a', 'arn:b'],
  detail: { name: 'run-1', status: 'FAILED', output: null, retries: 0, redriven: false, deeper: { level: 2 } },
};

describe('a pattern', () => {
  const cases: [string, EventPattern, boolean][] = [
    ['a value that is in the list', { source: ['aws.ec2', 'aws.states'] }, true],
    ['a value that is not', { source: ['aws.ec2'] }, false],
    ['an empty list', { source: [] }, false],
    ['a part of a value', { source: ['aws'] }, false],
    ['another case', { source: ['AWS.states'] }, false],
    ['all fields', { source: ['aws.states'], detail: { status: ['FAILED'], name: ['run-1'] } }, true],
    ['one field of two', { source: ['aws.states'], detail: { status: ['FAILED'], name: ['run-2'] } }, false],
    ['no field at all', {}, true],
    ['a field in a field of a field', { detail: { deeper: { level: [2] } } }, true],
    ['a number', { detail: { retries: [0] } }, true],
    ['a number as a text', { detail: { retries: ['0'] } }, false],
    ['a truth value', { detail: { redriven: [false] } }, true],
    ['nothing where there is another nothing', { detail: { redriven: [null] } }, false],
    ['null', { detail: { output: [null] } }, true],
    ['null where the field is missing', { detail: { input: [null] } }, false],
    ['a field that is missing', { account: ['1'] }, false],
    ['a field in a field that is missing', { other: { name: ['run-1'] } }, false],
    ['a field of what is no object', { source: { name: ['run-1'] } }, false],
    ['a value of what is an object', { detail: ['FAILED'] }, false],
    ['a field that every object has', { constructor: { name: ['Object'] } }, false],
    ['one value of a list', { resources: ['arn:c', 'arn:b'] }, true],
    ['no value of a list', { resources: ['arn:c'] }, false],
    ['a beginning', { detail: { status: [{ prefix: 'FAIL' }] } }, true],
    ['another beginning', { detail: { status: [{ prefix: 'AIL' }] } }, false],
    ['the beginning of one value of a list', { resources: [{ prefix: 'arn:b' }] }, true],
    ['the beginning of a number', { detail: { retries: [{ prefix: '0' }] } }, false],
    ['the beginning of a field that is missing', { account: [{ prefix: '' }] }, false],
    ['a value or a beginning', { detail: { status: ['ABORTED', { prefix: 'F' }] } }, true],
    ['anything but others', { detail: { status: [{ 'anything-but': ['ABORTED', 'TIMED_OUT'] }] } }, true],
    ['anything but itself', { detail: { status: [{ 'anything-but': ['ABORTED', 'FAILED'] }] } }, false],
    ['anything but others, of a field that is missing', { account: [{ 'anything-but': ['1'] }] }, false],
  ];

  it.each(cases)('with %s: %j is %s', (_, pattern, isMatch) => {
    expect(matches(pattern, EVENT)).toBe(isMatch);
  });

  it.each([
    ['a beginning in any case', { detail: { status: [{ prefix: { 'equals-ignore-case': 'fail' } }] } }],
    ['anything but one value, which is no list', { detail: { status: ['ABORTED', { 'anything-but': 'SUCCEEDED' }] } }],
    ['anything but a beginning', { detail: { status: [{ 'anything-but': [{ prefix: 'A' }] }] } }],
    ['two operators at once', { detail: { status: [{ prefix: 'F', suffix: 'D' }] } }],
    ['a field that is there', { detail: { status: [{ exists: true }] } }],
    ['a range', { detail: { retries: [{ numeric: ['>', 0] }] } }],
    ['one of several patterns', { $or: [{ source: ['aws.states'] }, { source: ['aws.ec2'] }] }],
  ])('is refused with an operator: %s', (_, pattern) => {
    expect(() => matches(pattern as unknown as EventPattern, EVENT)).toThrow(
      /^The embedded platform does not know the pattern \{.*\} of (status|retries|\$or)\.$/,
    );
  });

  it('is refused where anything but a value is wanted of a list', () => {
    expect(() => matches({ resources: [{ 'anything-but': ['arn:c'] }] }, EVENT)).toThrow(
      'The embedded platform does not know "anything-but" for a list: resources.',
    );
  });

  it.each([[null], ['text'], [7], [[EVENT]]] as [JsonValue][])('does not match what is no event: %j', (event) => {
    expect(matches({ source: ['aws.states'] }, event)).toBe(false);
  });
});

describe('what rules make of an event', () => {
  const pattern = { source: ['aws.states'] };
  const transformed = (template: string, paths: Record<string, string>) =>
    deliveriesOf([{ pattern, targets: [{ arn: 'a', transformer: { template, paths } }] }], EVENT);

  it('is the event as it is for each target of each rule that it matches', () => {
    const rules = [
      { pattern, targets: [{ arn: 'a' }, { arn: 'b' }] },
      { pattern: { source: ['aws.ec2'] }, targets: [{ arn: 'c' }] },
      { pattern: {}, targets: [{ arn: 'd' }] },
    ];
    expect(deliveriesOf(rules, EVENT)).toEqual(['a', 'b', 'd'].map((arn) => ({ arn, input: EVENT })));
  });

  it('is a template with texts of the event in it, where there is one', () => {
    const template = '{"cluster":"orders","reason":"<detail-status> of <name>: <name>"}';
    expect(transformed(template, { 'detail-status': '$.detail.status', name: '$.detail.name' })).toEqual([
      { arn: 'a', input: { cluster: 'orders', reason: 'FAILED of run-1: run-1' } },
    ]);
  });

  it('is what the text says, whatever is in it', () => {
    const name = 'a "quoted" \\ name';
    const event = { detail: { name } };
    const template = '{"reason":"alarm <name>","alarm":<name>}';
    const targets = [{ arn: 'a', transformer: { template, paths: { name: '$.detail.name' } } }];
    expect(deliveriesOf([{ pattern: {}, targets }], event)).toEqual([
      { arn: 'a', input: { reason: `alarm ${name}`, alarm: name } },
    ]);
  });

  it.each<[string, string, Record<string, string>, string | RegExp]>([
    ['a name without a path', '{"a":"<b>"}', {}, 'the path of <b>: ""'],
    ['a name that every object has', '{"a":"<constructor>"}', {}, 'the path of <constructor>: ""'],
    ["one of EventBridge's own", '{"a":"<aws.events.rule-arn>"}', {}, 'the path of <aws.events.rule-arn>: ""'],
    ['a path with an index', '{"a":"<b>"}', { b: '$.resources[0]' }, 'the path of <b>: "$.resources[0]"'],
    ['a number', '{"a":"<b>"}', { b: '$.detail.retries' }, '$.detail.retries is none.'],
    ['a field that is missing', '{"a":"<b>"}', { b: '$.detail.nothing' }, '$.detail.nothing is none.'],
    ['what comes to no JSON', '{"a":"<b>}', { b: '$.detail.name' }, /JSON/],
  ])('is refused for %s', (_, template, paths, message) => {
    expect(() => transformed(template, paths)).toThrow(message);
  });
});

describe('the event that an execution has ended', () => {
  const machine = 'etcd-remediation-auth-token-reset';
  const execution = { stateMachineName: machine, name: 'run-1', input: { cluster: 'orders' }, startedAt: 1_000 };
  const failed = (status: 'FAILED' | 'TIMED_OUT' | 'ABORTED'): ExecutionResult => ({
    ...{ status, error: 'UnsafeToProceed', cause: 'CORRUPT is raised.', history: [] },
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
  it.each(['FAILED', 'TIMED_OUT', 'ABORTED'] as const)('has the fields that AWS documents: %s', (status) => {
    const before = Date.now();
    const event = executionEnded(execution, failed(status));
    const arn = `arn:aws:states:local:000000000000:execution:${machine}:run-1`;
    expect(event).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      'detail-type': 'Step Functions Execution Status Change',
      source: 'aws.states',
      account: '000000000000',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: 'local',
      resources: [arn],
      detail: {
        executionArn: arn,
        stateMachineArn: `arn:aws:states:local:000000000000:stateMachine:${machine}`,
        name: 'run-1',
        status,
        startDate: 1_000,
        stopDate: expect.any(Number),
        // The execution's input is a text.
        input: '{"cluster":"orders"}',
        inputDetails: { included: true },
        output: null,
        outputDetails: null,
        error: 'UnsafeToProceed',
        cause: 'CORRUPT is raised.',
      },
    });
    expect(Object(event.detail).stopDate).toBeGreaterThanOrEqual(before);
  });

  it('has the output as a text where it succeeded, and no error', () => {
    const { detail } = executionEnded(execution, { status: 'SUCCEEDED', output: { outcome: 'Planned' }, history: [] });
    expect(detail).toMatchObject({
      status: 'SUCCEEDED',
      output: '{"outcome":"Planned"}',
      outputDetails: { included: true },
      error: null,
      cause: null,
    });
  });

  it('is another one each time', () => {
    expect(executionEnded(execution, failed('FAILED')).id).not.toBe(executionEnded(execution, failed('FAILED')).id);
  });
});
