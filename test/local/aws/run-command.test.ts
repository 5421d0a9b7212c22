import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListCommandInvocationsCommand, SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '../../../local/aws/run-command.ts';
import { startInvocation } from '../../../local/aws/ssm-invocation.ts';
import {
  controlScript,
  documents,
  HERE,
  HOST,
  isRunning,
  linesIn,
  OTHER_HOST,
  serve,
  serveControlService,
  temporaryFolder,
  until,
} from '../../lambdas/hosts/support.ts';
import { BOTH, ended, get, NAME, pidIn, pluginOf, send, sendInput } from './sent-commands.ts';

describe('a command', () => {
  it('is answered before it runs, and tells how it ended', async () => {
    await serveControlService('echo "$unit $action"; echo careful >&2');
    const { Command } = await new SSMClient({}).send(new SendCommandCommand(sendInput({ Comment: 'why' })));
    expect(Command).toMatchObject({ DocumentName: NAME, Comment: 'why', InstanceIds: [HOST], Status: 'Pending' });
    expect(Command?.CommandId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(Math.abs(Date.now() - Number(Command?.RequestedDateTime))).toBeLessThan(60_000);
    expect(await ended(Command?.CommandId ?? '')).toMatchObject({
      CommandId: Command?.CommandId,
      InstanceId: HOST,
      DocumentName: NAME,
      Comment: 'why',
      PluginName: 'runScript',
      Status: 'Success',
      StatusDetails: 'Success',
      ResponseCode: 0,
      StandardOutputContent: 'etcd stop\n',
      StandardErrorContent: 'careful\n',
      ExecutionStartDateTime: expect.stringMatching(/^\d{4}-.*Z$/),
      ExecutionEndDateTime: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('is in progress without output while it runs', async () => {
    const open = join(await temporaryFolder(), 'open');
    await serveControlService(`echo early; ${until(open)}`);
    const id = await send();
    await expect.poll(async () => (await get(id)).Status).toBe('InProgress');
    expect(await get(id)).toMatchObject({
      StatusDetails: 'In Progress',
      ResponseCode: -1,
      StandardOutputContent: '',
      ExecutionStartDateTime: expect.stringMatching(/Z$/),
      ExecutionEndDateTime: '',
    });
  });

  it.each([1, 65, 124, 255])('fails with its exit code, and the line that SSM Agent adds: %i', async (code) => {
    await serveControlService(`echo out; echo err >&2; exit ${code}`);
    const CommandId = await send();
    expect(await ended(CommandId)).toMatchObject({
      Status: 'Failed',
      StatusDetails: 'Failed',
      ResponseCode: code,
      StandardOutputContent: 'out\n',
      StandardErrorContent: `err\nfailed to run commands: exit status ${code}`,
    });
    const listed = new ListCommandInvocationsCommand({ CommandId, InstanceId: HOST, Details: true });
    expect((await new SSMClient({}).send(listed)).CommandInvocations).toMatchObject([
      { CommandId, InstanceId: HOST, Status: 'Failed', CommandPlugins: [{ Output: expect.stringContaining('out\n') }] },
    ]);
  });

  it('has its ID in the environment of its script, and of all that this starts', async () => {
    await serveControlService(`sh -c 'echo "$SSM_COMMAND_ID"'`);
    const CommandId = await send();
    expect(await ended(CommandId)).toMatchObject({ StandardOutputContent: `${CommandId}\n` });
  });

  it('keeps the beginning of long outputs, in bytes, and says that it does', async () => {
    await serveControlService(`printf 'ab%.0s' {1..15000}; printf 'cd%.0s' {1..15000} >&2`);
    const id = await send();
    const { StandardOutputContent, StandardErrorContent } = await ended(id);
    expect(StandardOutputContent).toBe(`${'ab'.repeat(11_990)}--output truncated--`);
    expect(StandardErrorContent).toBe(`${'cd'.repeat(3_990)}--output truncated--`);
    expect(await pluginOf(id)).toMatch(
      /^[ab]+\n---Output truncated---\n----------ERROR-------\n[cd]+\n---Error truncated----$/,
    );
    expect((await pluginOf(id))?.length).toBeLessThanOrEqual(2_500);
  });

  it('whose output is no longer than what is handed on is told whole', async () => {
    await serveControlService(`printf 'ä%.0s' {1..11999}; printf 'b'`);
    expect(await ended(await send())).toMatchObject({ StandardOutputContent: `${'ä'.repeat(11_999)}b` });
  });

  it.each([
    [168, 'Success', 'out\n\nStep exited with code 168. Therefore, marking step as succeeded.', ''],
    [
      169,
      'Failed',
      'out\n\nStep exited with code 169. Therefore, marking step as Failed.',
      'err\n\nStep exited with code 169.',
    ],
  ])('ends as SSM Agent says with a code of its own: %i', async (code, Status, stdout, stderr) => {
    await serveControlService(`echo out; echo err >&2; exit ${code}`);
    expect(await ended(await send())).toMatchObject({
      ...{ Status, StatusDetails: Status, ResponseCode: code },
      StandardOutputContent: expect.stringMatching(new RegExp(`^${stdout}`)),
      StandardErrorContent: stderr === '' ? '' : expect.stringMatching(new RegExp(`^${stderr}`)),
    });
  });

  it('that ends with 194 has its host rebooted, and its script runs again after that', async () => {
    const folder = await temporaryFolder();
    const rebooted: string[] = [];
    const local = runCommand({
      documents: documents({
        'control-service': controlScript(`echo run >> ${folder}/runs; [ -e ${folder}/up ] || exit 194`),
      }),
      hosts: HERE,
      reboot: async (host) => {
        rebooted.push(host);
        await writeFile(join(folder, 'up'), '');
      },
    });
    await serve(local.operations);
    expect(await ended(await send())).toMatchObject({ Status: 'Success' });
    expect([rebooted, linesIn(join(folder, 'runs'))]).toEqual([[HOST], ['run', 'run']]);
  });

  it('takes as long to its host as it is told to', async () => {
    const local = runCommand({
      documents: documents({ 'control-service': controlScript('echo done') }),
      ...{ hosts: HERE, deliveryMs: 400 },
    });
    await serve(local.operations);
    const end = await ended(await send());
    const [command] = local.record();
    expect(Date.parse(end.ExecutionStartDateTime ?? '') - (command?.sentMs ?? 0)).toBeGreaterThanOrEqual(390);
  });

  it('times out when its script takes longer than its document says', async () => {
    const pidFile = join(await temporaryFolder(), 'pid');
    const contents = documents({ 'control-service': controlScript(`echo $$ > ${pidFile}; echo out; sleep 60`) });
    const content = contents[NAME] as { mainSteps: [{ inputs: { timeoutSeconds: string } }] };
    content.mainSteps[0].inputs.timeoutSeconds = '1';
    const local = runCommand({ documents: contents, hosts: HERE });
    await serve(local.operations);
    expect(await ended(await send())).toMatchObject({
      Status: 'TimedOut',
      StatusDetails: 'Execution Timed Out',
      ResponseCode: 137,
      StandardOutputContent: '',
    });
    const pid = await pidIn(pidFile);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it('that was killed counts as one that timed out, as for SSM Agent', async () => {
    await serveControlService('kill -KILL $$');
    expect(await ended(await send())).toMatchObject({ Status: 'TimedOut', StatusDetails: 'Execution Timed Out' });
  });

  it('connects to its host once', async () => {
    const connections = join(await temporaryFolder(), 'connections');
    await serveControlService('echo done', {
      [HOST]: { exec: ['bash', '-c', `echo one >> ${connections}; exec bash`] },
    });
    expect(await ended(await send())).toMatchObject({ Status: 'Success', StandardOutputContent: 'done\n' });
    expect(linesIn(connections)).toEqual(['one']);
  });

  it('is undeliverable where its script does not start', async () => {
    await serveControlService('echo never', {
      [HOST]: { exec: ['sh', '-c', 'echo "no route to host" >&2; exit 255'] },
    });
    expect(await ended(await send())).toMatchObject({
      Status: 'Failed',
      StatusDetails: 'Undeliverable',
      ResponseCode: -1,
      StandardOutputContent: '',
      StandardErrorContent: 'exit status 255: no route to host',
      ExecutionStartDateTime: '',
    });
  });

  it('that a host does not take in time was not delivered', async () => {
    const access = { exec: ['sleep', '60'] };
    const invocation = startInvocation({
      access,
      script: 'echo never',
      commandId: 'c',
      deliverySeconds: 0.3,
      timeoutSeconds: 60,
    });
    expect(invocation.state().Status).toBe('Pending');
    await invocation.ended;
    expect(invocation.state()).toMatchObject({
      Status: 'TimedOut',
      StatusDetails: 'Delivery Timed Out',
      ResponseCode: -1,
      StandardErrorContent: 'no answer within 0.3 s',
    });
  });

  it('runs on each of its hosts', async () => {
    await serveControlService('echo "$unit"', BOTH);
    const id = await send({ InstanceIds: [HOST, OTHER_HOST] });
    for (const host of [HOST, OTHER_HOST])
      expect(await ended(id, host)).toMatchObject({ StandardOutputContent: 'etcd\n' });
  });
});

/** By its host and its fault: what the agent tells. */
describe('a command that is lost', () => {
  it.each([
    ['agent-disk-full', /no space left on device/],
    ['worker-killed', /timeout signal/],
    ['host-rebooted', /timeout signal/],
  ] as const)('has failed with nothing said, and the reason is in the list alone: %s', async (name, reason) => {
    const local = runCommand({
      documents: documents({ 'control-service': controlScript('rm -f /nonexistent/none; echo out; echo err >&2') }),
      ...{ hosts: HERE, faults: [{ name, command: 'control-service' as const }], reboot: async () => undefined },
    });
    onTestFinished(() => local.close());
    await serve(local.operations);
    const id = await send();
    expect(await ended(id)).toMatchObject({
      ...{ Status: 'Failed', StatusDetails: 'Failed', ResponseCode: 1 },
      ...{ StandardOutputContent: '', StandardErrorContent: '' },
    });
    expect(await pluginOf(id)).toMatch(reason);
  });
});
