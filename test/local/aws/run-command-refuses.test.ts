import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandsCommand,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../../local/aws/run-command.ts';
import {
  HERE,
  HOST,
  OTHER_HOST,
  STOP_PARAMETERS,
  serveControlService,
  temporaryFolder,
} from '../../lambdas/hosts/support.ts';

const UNKNOWN_COMMAND = '00000000-0000-4000-8000-000000000000';

describe('what SSM would refuse, and what is not known here,', () => {
  const sendWith = (more: object) =>
    new SendCommandCommand({
      DocumentName: 'etcd-remediation-control-service',
      InstanceIds: [HOST],
      Parameters: STOP_PARAMETERS,
      TimeoutSeconds: 60,
      ...more,
    });
  const one = { CommandId: UNKNOWN_COMMAND, InstanceId: HOST };
  const ids = (Values: string[]) => [{ Key: 'InstanceIds', Values }];

  it.each([
    ['InvalidDocument', 'a document', sendWith({ DocumentName: 'AWS-RunShellScript' })],
    ['InvalidDocument', 'a name that every object has', sendWith({ DocumentName: 'toString' })],
    ['InvalidInstanceId', 'a host', sendWith({ InstanceIds: ['i-unknown'] })],
    ['InvalidInstanceId', 'one host of two', sendWith({ InstanceIds: [HOST, 'constructor'] })],
    ['DuplicateInstanceId', 'a host twice', sendWith({ InstanceIds: [HOST, HOST] })],
    ['InvalidParameters', 'a parameter', sendWith({ Parameters: { ...STOP_PARAMETERS, user: ['root'] } })],
    ['InvalidParameters', 'no parameters', sendWith({ Parameters: undefined })],
    ['InvalidParameters', 'a list of values', sendWith({ Parameters: { ...STOP_PARAMETERS, unit: ['a', 'b'] } })],
    ['ValidationException', 'no host', sendWith({ InstanceIds: [] })],
    [
      'ValidationException',
      'too many hosts',
      sendWith({ InstanceIds: Array.from({ length: 51 }, (_, n) => `i-${n}`) }),
    ],
    ['ValidationException', 'a long comment', sendWith({ Comment: 'x'.repeat(101) })],
    ['ValidationException', 'too little time to deliver', sendWith({ TimeoutSeconds: 29 })],
    ['ValidationException', 'too much time to deliver', sendWith({ TimeoutSeconds: 2_592_001 })],
    ['ValidationException', 'a field', sendWith({ OutputS3BucketName: 'logs' })],
    ['ValidationException', 'targets by tag', sendWith({ Targets: [{ Key: 'tag:a', Values: ['b'] }] })],
    ['InvocationDoesNotExist', 'a command', new GetCommandInvocationCommand(one)],
    ['ValidationException', 'an ID of another length', new GetCommandInvocationCommand({ ...one, CommandId: 'x' })],
    ['ValidationException', 'a plugin', new GetCommandInvocationCommand({ ...one, PluginName: 'x' })],
    ['InvalidCommandId', 'a command to cancel', new CancelCommandCommand({ CommandId: UNKNOWN_COMMAND })],
    ['ValidationException', 'a list for one host', new ListCommandsCommand({ InstanceId: HOST })],
    ['ValidationException', 'a list of one command', new ListCommandsCommand({ CommandId: UNKNOWN_COMMAND })],
    ['InvalidFilterKey', 'another filter', new ListCommandsCommand({ Filters: [{ key: 'Status', value: 'Success' }] })],
    ['ValidationException', 'a time', new ListCommandsCommand({ Filters: [{ key: 'InvokedAfter', value: 'now' }] })],
    ['InvalidNextToken', 'a token', new ListCommandsCommand({ NextToken: 'x' })],
    ['InvalidNextToken', 'a token past the end', new ListCommandsCommand({ NextToken: '5' })],
    ['ValidationException', 'a page of none', new ListCommandsCommand({ MaxResults: 0 })],
    ['ValidationException', 'hosts without a filter', new DescribeInstanceInformationCommand({})],
    [
      'InvalidFilterKey',
      'another filter of hosts',
      new DescribeInstanceInformationCommand({ Filters: [{ Key: 'PingStatus', Values: ['Online'] }] }),
    ],
    [
      'ValidationException',
      'a page of hosts that is too small',
      new DescribeInstanceInformationCommand({ Filters: ids([HOST]), MaxResults: 4 }),
    ],
  ])('is %s: %s', async (name, _, command) => {
    const ran = join(await temporaryFolder(), 'ran');
    const local = await serveControlService(`touch ${ran}`);
    await expect(new SSMClient({}).send(command as SendCommandCommand)).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: 400 },
    });
    await local.close();
    expect(existsSync(ran)).toBe(false);
  });

  it('names the fields', async () => {
    await serveControlService('echo never');
    await expect(new SSMClient({}).send(sendWith({ OutputS3BucketName: 'a', MaxErrors: '1' }))).rejects.toThrow(
      'This endpoint does not know OutputS3BucketName, MaxErrors.',
    );
  });

  it('is a command on another host than it was sent to', async () => {
    await serveControlService('echo done', { ...HERE, [OTHER_HOST]: { exec: ['sh'] } });
    const { Command } = await new SSMClient({}).send(sendWith({}));
    const elsewhere = { CommandId: Command?.CommandId, InstanceId: OTHER_HOST };
    await expect(new SSMClient({}).send(new GetCommandInvocationCommand(elsewhere))).rejects.toMatchObject({
      name: 'InvocationDoesNotExist',
    });
    const cancel = new CancelCommandCommand({ CommandId: Command?.CommandId, InstanceIds: [OTHER_HOST] });
    await expect(new SSMClient({}).send(cancel)).rejects.toMatchObject({ name: 'InvalidInstanceId' });
  });

  it('keeps a document that it could not run as SSM does from being served', () => {
    expect(() => runCommand({ documents: { sample: { schemaVersion: '0.3' } }, hosts: HERE })).toThrow(
      'The embedded platform cannot run the document sample: ',
    );
  });
});
