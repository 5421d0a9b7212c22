import { existsSync, readFileSync } from 'node:fs';
import {
  GetCommandInvocationCommand,
  type GetCommandInvocationResult,
  ListCommandInvocationsCommand,
  SendCommandCommand,
  type SendCommandCommandInput,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { expect } from 'vitest';
import { HERE, HOST, OTHER_HOST, STOP_PARAMETERS } from '../../lambdas/hosts/support.ts';

/** Commands as the AWS SDK sends them, and asks how they are. */

export const NAME = 'etcd-remediation-control-service';
export const BOTH = { ...HERE, [OTHER_HOST]: { exec: ['bash'] } };

export function sendInput(more: Partial<SendCommandCommandInput> = {}): SendCommandCommandInput {
  return { DocumentName: NAME, InstanceIds: [HOST], Parameters: STOP_PARAMETERS, TimeoutSeconds: 60, ...more };
}

export async function send(more: Partial<SendCommandCommandInput> = {}): Promise<string> {
  const { Command } = await new SSMClient({}).send(new SendCommandCommand(sendInput(more)));
  return Command?.CommandId ?? '';
}

export function get(CommandId: string, InstanceId = HOST): Promise<GetCommandInvocationResult> {
  return new SSMClient({}).send(new GetCommandInvocationCommand({ CommandId, InstanceId }));
}

/** The invocation once it has ended. */
export async function ended(CommandId: string, InstanceId = HOST): Promise<GetCommandInvocationResult> {
  const isOpen = async () =>
    ['Pending', 'InProgress', 'Cancelling'].includes((await get(CommandId, InstanceId)).Status ?? '');
  await expect.poll(isOpen).toBe(false);
  return get(CommandId, InstanceId);
}

/** What only the list of invocations tells. */
export async function pluginOf(CommandId: string): Promise<string | undefined> {
  const list = new ListCommandInvocationsCommand({ CommandId, InstanceId: HOST, Details: true });
  return (await new SSMClient({}).send(list)).CommandInvocations?.[0]?.CommandPlugins?.[0]?.Output;
}

export async function pidIn(file: string): Promise<number> {
  await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n')).toBe(true);
  return Number(readFileSync(file, 'utf8'));
}
