import { describe, expect, it } from 'vitest';
import type { ExecutionResult } from '../../../local/asl/execution.ts';
import type { JsonValue } from '../../../local/asl/json.ts';
import { type EventPattern, executionEnded, matches } from '../../../local/aws/events.ts';

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
  ];

  it.each(cases)('with %s: %j is %s', (_, pattern, isMatch) => {
    expect(matches(pattern, EVENT)).toBe(isMatch);
  });

  it.each([
    ['a beginning', { detail: { status: [{ prefix: 'FAIL' }] } }],
    ['anything but a value', { detail: { status: ['ABORTED', { 'anything-but': 'SUCCEEDED' }] } }],
    ['a field that is there', { detail: { status: [{ exists: true }] } }],
    ['a range', { detail: { retries: [{ numeric: ['>', 0] }] } }],
    ['one of several patterns', { $or: [{ source: ['aws.states'] }, { source: ['aws.ec2'] }] }],
  ])('is refused with an operator: %s', (_, pattern) => {
    expect(() => matches(pattern as unknown as EventPattern, EVENT)).toThrow(
      /^The embedded platform does not know the pattern \{.*\} of (status|retries|\$or)\.$/,
    );
  });

  it.each([[null], ['text'], [7], [[EVENT]]] as [JsonValue][])('does not match what is no event: %j', (event) => {
    expect(matches({ source: ['aws.states'] }, event)).toBe(false);
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
