import { describe, expect, it } from 'vitest';
import { type CommandInvocation, readOutcome } from '../../../lambdas/hosts/outcome.ts';

const RESULT = { activeState: 'active', subState: 'running', mainPid: 7 };

function read(invocation: CommandInvocation) {
  return readOutcome('i-1', 'control-service', invocation);
}

/** The error's name and message. */
function errorOf(invocation: CommandInvocation): [string, string] {
  const outcome = read(invocation);
  if (outcome.status !== 'Failed') throw new Error(`This is ${outcome.status}.`);
  return [outcome.error.name, outcome.error.message];
}

describe('the outcome of a command', () => {
  it.each(['Pending', 'InProgress', 'Delayed', 'Cancelling'])('is open: %s', (Status) => {
    expect(read({ Status, StatusDetails: Status })).toEqual({ status: 'InProgress' });
  });

  it.each([
    ['the only line', JSON.stringify(RESULT)],
    ['the last line', `{"message":"not yet"}\n${JSON.stringify(RESULT)}\n`],
    ['the last line before blank ones', `${JSON.stringify(RESULT)}\n\n \n`],
  ])('is its result: %s', (_, StandardOutputContent) => {
    expect(read({ Status: 'Success', StatusDetails: 'Success', ResponseCode: 0, StandardOutputContent })).toEqual({
      status: 'Done',
      result: RESULT,
    });
  });

  it.each([
    ['no JSON', 'active\n', /It ended with: active$/],
    ['another result', '{"activeState":"active"}', /subState: .*mainPid: /],
    ['a field too many', JSON.stringify({ ...RESULT, more: 1 }), /more/],
    ['a cut off one', `${'ü'.repeat(12_000)}`, /Of an output the first 24000 characters are handed on/],
  ])('is a failure without a result: %s', (_, StandardOutputContent, problem) => {
    const [name, message] = errorOf({ Status: 'Success', StandardOutputContent });
    expect(name).toBe('HostCommandFailed');
    expect(message).toMatch(/^i-1, control-service: its last line is not the result that was expected/);
    expect(message).toMatch(problem);
    expect(message.length).toBeLessThan(1_000);
  });

  it('is an error with what was changed before it, where the script says so', () => {
    const read = (more: object) =>
      readOutcome('i-1', 'join-cluster', {
        ...{ Status: 'Failed', StatusDetails: 'Failed', ResponseCode: 1 },
        StandardOutputContent: JSON.stringify({ message: 'it does not start', ...more }),
      });
    const done = { file: '/etc/etcd/etcd.yaml', copy: '', changed: true };
    expect(read({ done })).toMatchObject({ status: 'Failed', error: { message: expect.any(String) }, done });
    for (const none of [{}, { done: null }, { done: 'much' }]) expect(read(none)).not.toHaveProperty('done');
  });

  it.each([
    [64, 'InvalidInput'],
    [65, 'PreconditionFailed'],
    [66, 'UnsafeToProceed'],
    [1, 'HostCommandFailed'],
    [63, 'HostCommandFailed'],
    [124, 'HostCommandFailed'],
    [255, 'HostCommandFailed'],
  ])('is the error that exit code %i stands for: %s', (ResponseCode, name) => {
    const failed = { Status: 'Failed', StatusDetails: 'Failed', ResponseCode };
    expect(errorOf({ ...failed, StandardOutputContent: 'x\n{"message":"it is so"}\n' })).toEqual([
      name,
      'i-1, control-service: it is so',
    ]);
    const StandardErrorContent = `sh: no such thing\nfailed to run commands: exit status ${ResponseCode}`;
    expect(errorOf({ ...failed, StandardErrorContent })).toEqual([
      name,
      `i-1, control-service: it ended with exit code ${ResponseCode}\nIt ended with: sh: no such thing`,
    ]);
  });

  it.each([
    [64, 'InvalidInput'],
    [65, 'PreconditionFailed'],
    [66, 'UnsafeToProceed'],
    [63, 'HostCommandFailed'],
  ])('whose reason did not come through says so, under the name of its exit code: %i', (ResponseCode, name) => {
    expect(errorOf({ Status: 'Failed', StatusDetails: 'Failed', ResponseCode })).toEqual([
      name,
      expect.stringMatching(
        /it ended with exit code \d+, and its reason is lost, for SSM Agent could not store its output\..* is full/,
      ),
    ]);
  });

  it('is a result that is lost where a script that ended well has left no output', () => {
    const [name, message] = errorOf({ Status: 'Success', StandardOutputContent: '\n' });
    expect([name, message]).toEqual(['HostCommandFailed', expect.stringMatching(/its result is lost, .* is full/)]);
  });

  it.each([126, 127])('tells of a host that cannot run the script: exit code %i', (ResponseCode) => {
    const StandardErrorContent = `env: bash: No such file or directory\nfailed to run commands: exit status ${ResponseCode}`;
    const [name, message] = errorOf({ Status: 'Failed', StatusDetails: 'Failed', ResponseCode, StandardErrorContent });
    expect(name).toBe('HostCommandFailed');
    expect(message).toMatch(/so nothing was done\. It has no bash, .*noexec\.\nIt ended with: env: bash: No such file/);
  });

  it.each([
    ['of the agent', 1, ''],
    ['of a script that was killed, where sh is bash', -1, 'failed to run commands: signal: killed'],
  ])('is lost where the script did not tell it, and the end is that %s', (_, ResponseCode, StandardErrorContent) => {
    const agentOutput = 'write .../channels/1: no space left on device';
    const ended = { Status: 'Failed', StatusDetails: 'Failed', ResponseCode, StandardErrorContent };
    expect(read({ ...ended, agentOutput })).toMatchObject({
      ...{ status: 'Failed', isLost: true },
      error: {
        name: 'HostCommandFailed',
        message: expect.stringMatching(
          /did not report its end .*restarted.* full or read-only.* killed.*SSM Agent says: write .*no space left on device/s,
        ),
      },
    });
    expect(read({ ...ended, StandardOutputContent: '{"message":"it is so"}' })).not.toHaveProperty('isLost');
  });

  it.each([
    ['of a script that took too long', '00:05:00', /Most often it took too long: it may take 300 s/],
    ['of one that somebody else has killed', '00:00:07', /It ran for 7 s of the 300 s .*the kernel killed it/],
  ])('is lost where it was killed: that %s', (_, end, meaning) => {
    const outcome = read({
      ...{ Status: 'TimedOut', StatusDetails: 'Execution Timed Out', ResponseCode: 137 },
      ...{ ExecutionStartDateTime: '2026-01-01T00:00:00.000Z', ExecutionEndDateTime: `2026-01-01T${end}.100Z` },
    });
    expect(outcome).toMatchObject({ isLost: true, error: { message: expect.stringMatching(meaning) } });
  });

  it('quotes the end of a long standard error', () => {
    const [, message] = errorOf({
      Status: 'Failed',
      ResponseCode: 1,
      StandardErrorContent: `${'x'.repeat(8_000)} the end`,
    });
    expect(message).toMatch(/It ended with: \.\.\.x+ the end$/);
    expect(message.length).toBeLessThan(1_000);
  });

  // SSM has no output of such a command.
  it.each([
    ['TimedOut', 'Delivery Timed Out', 'no answer within 60 s'],
    ['Failed', 'Undeliverable', 'exit status 255: kex_exchange_identification: Connection closed by remote host'],
  ])('is told in the words of the way to the host, where these are known: %s, %s', (Status, StatusDetails, words) => {
    const [name, message] = errorOf({ Status, StatusDetails, ResponseCode: -1, StandardErrorContent: words });
    expect(name).toBe('HostUnreachable');
    expect(message).toMatch(/^i-1, control-service: the host was not reached, and the command did not run: /);
    expect(message).toContain(
      `did not run: ${words}\nBring the host back into reach, or correct its command in hosts.json`,
    );
    expect(message).not.toMatch(/SSM/);
  });

  it.each([
    ['TimedOut', 'Delivery Timed Out', 'HostUnreachable', /it did not run/],
    ['TimedOut', 'DeliveryTimedOut', 'HostUnreachable', /it did not run/],
    ['Failed', 'Undeliverable', 'HostUnreachable', /it did not run/],
    ['TimedOut', 'Execution Timed Out', 'HostCommandFailed', /it was killed.*it may take 300 s/],
    ['TimedOut', 'ExecutionTimedOut', 'HostCommandFailed', /it was killed/],
    ['Cancelled', 'Cancelled', 'HostCommandFailed', /it was cancelled/],
    ['Cancelled', 'Terminated', 'HostCommandFailed', /had failed elsewhere/],
    ['Failed', 'Access Denied', 'HostCommandFailed', /has no access to this host/],
    ['Failed', 'AccessDenied', 'HostCommandFailed', /has no access to this host/],
    ['Failed', 'InvalidPlatform', 'HostCommandFailed', /does not run Linux/],
    ['Failed', 'RateExceeded', 'HostCommandFailed', /before its own end: Failed, RateExceeded\. Look at the host/],
    ['Failed', 'Failed', 'HostCommandFailed', /did not report its end \(code -1\)/],
    ['Postponed', 'Postponed', 'HostCommandFailed', /before its own end: Postponed\. /],
    ['Failed', 'toString', 'HostCommandFailed', /before its own end: Failed, toString\. /],
  ])('is told where the script did not end by itself: %s, %s', (Status, StatusDetails, name, meaning) => {
    const [said, message] = errorOf({ Status, StatusDetails, ResponseCode: -1 });
    expect(said).toBe(name);
    expect(message).toMatch(/^i-1, control-service: /);
    expect(message).toMatch(meaning);
  });
});
