import { createHash } from 'node:crypto';
import type { SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod';
import type { HostReach } from '../../core/contracts/diagnosis.ts';
import {
  documentName,
  HOST_COMMANDS,
  type HostCommandName,
  parameterSchema,
} from '../../core/contracts/host-commands.ts';
import { NOT_LISTED, WRONG_IN_HOSTS_FILE } from '../../core/contracts/hosts-file.ts';
import { parse } from '../../core/contracts/parse.ts';
import { HostUnreachable, PreconditionFailed, RemediationError } from '../../core/errors.ts';
import { AWS_CLIENT } from '../aws.ts';
import { type HostCommandResult, readOutcome } from './outcome.ts';
import { withoutSignatures } from './redaction.ts';
import { BY_HOSTS_FILE, NOT_IN_FILE, NOT_MANAGED, refusalOf } from './refusals.ts';

/** A host that comes back later must not run an old command. */
const DELIVERY_SECONDS = 60;
/** For clocks that differ, and for SSM's own delays. */
const MARGIN_SECONDS = 300;
/** SSM takes so many instance IDs in one request. */
const MAX_IDS = 50;
/** The SDK would send a command again that was not answered; the step that is run again looks for it first. */
const ONE_ATTEMPT = { ...AWS_CLIENT, maxAttempts: 1 };
const UNKNOWN_TO_SSM = 'not a managed node, or stopped';
/** Any other word comes from the way to a host that hosts.json names, where this runs without AWS. */
const SAID_BY_SSM = [UNKNOWN_TO_SSM, 'ConnectionLost', 'Inactive'];
const POLL_SECONDS = { minDelay: 0.5, maxDelay: 2 };

/** The parameters of a command, by name; each is text. */
export type HostCommandParameters<Command extends HostCommandName> = Readonly<
  Record<keyof (typeof HOST_COMMANDS)[Command]['parameters'], string>
>;

export interface SentCommand<Command extends HostCommandName> {
  /** The ID of a managed node. */
  host: string;
  commandId: string;
  command: Command;
}

/**
 * Asks SSM whether its agent answers on every host.
 * @throws HostUnreachable naming each that does not; PreconditionFailed where hosts.json has to be corrected, or SSM refuses; AwsUnavailable
 */
export async function requireReachable(hosts: readonly string[]): Promise<void> {
  const away = (await askForHosts(hosts)).filter(({ reachable }) => !reachable);
  if (away.length === 0) return;
  const list = away.map(({ host, problem }) => `- ${host}: ${problem}`).join('\n');
  // However often it is asked, it stays so.
  if (away.some(({ problem }) => WRONG_IN_HOSTS_FILE.test(problem))) {
    const advice = away.some(({ problem }) => problem.startsWith(NOT_LISTED)) ? NOT_IN_FILE : BY_HOSTS_FILE;
    throw new PreconditionFailed(`Not every host is reached:\n${list}\n${advice}`);
  }
  const isOfSsm = away.every(({ problem }) => SAID_BY_SSM.includes(problem));
  throw new HostUnreachable(
    isOfSsm
      ? `SSM does not reach every host:\n${list}\n${NOT_MANAGED}`
      : `Not every host is reached:\n${list}\n${BY_HOSTS_FILE}`,
  );
}

/** The same as an answer for each host: where SSM does not answer, or refuses to, nothing is known of any. It is asked once. */
export async function lookForHosts(hosts: readonly string[]): Promise<HostReach[]> {
  try {
    return await askForHosts(hosts, ONE_ATTEMPT);
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return hosts.map((host) => ({ host, reachable: 'unknown', problem: error.message }));
  }
}

async function askForHosts(hosts: readonly string[], options = AWS_CLIENT): Promise<HostReach[]> {
  if (hosts.length === 0) return [];
  const pings = new Map<string, string>();
  const ask: Asking<void> = async (client, { paginateDescribeInstanceInformation }) => {
    for (let at = 0; at < hosts.length; at += MAX_IDS) {
      const Filters = [{ Key: 'InstanceIds', Values: hosts.slice(at, at + MAX_IDS) }];
      for await (const page of paginateDescribeInstanceInformation({ client, pageSize: MAX_IDS }, { Filters })) {
        for (const { InstanceId = '', PingStatus = '' } of page.InstanceInformationList ?? []) {
          pings.set(InstanceId, PingStatus);
        }
      }
    }
  };
  await withSsm('which hosts it reaches', ask, options);
  return hosts.map((host) => {
    const ping = pings.get(host) ?? UNKNOWN_TO_SSM;
    return ping === 'Online' ? { host, reachable: true, problem: '' } : { host, reachable: false, problem: ping };
  });
}

/**
 * Sends a command, once: one that an earlier invocation of the same step has sent and that still runs is taken up instead.
 * @param execution the execution's name
 * @param late makes parameters only when the command really is sent. They take the place of the given ones, and are no part of what
 * tells it from others: a presigned URL is another one each time.
 * @returns the command's ID
 * @throws InvalidInput with nothing sent, HostUnreachable, PreconditionFailed, HostCommandFailed, AwsUnavailable
 */
export function sendCommand<Command extends HostCommandName>({
  host,
  command,
  parameters,
  execution,
  late,
}: {
  host: string;
  command: Command;
  parameters: HostCommandParameters<Command>;
  execution: string;
  late?: () => Promise<Partial<HostCommandParameters<Command>>>;
}): Promise<string> {
  const check = (values: object) => parse(parametersSchema(command), values, `The call of ${command} on ${host}`);
  const Comment = commentOf(execution, command, Object.entries(check(parameters)).toSorted());
  return withSsm(
    `${host}, ${command}`,
    async (client, { SendCommandCommand, paginateListCommandInvocations }) => {
      // SendCommand knows no token that would make it idempotent, and a function can end after it has sent.
      const recent = { InstanceId: host, Filters: filtersOfRunning(command) };
      for await (const page of paginateListCommandInvocations({ client, pageSize: MAX_IDS }, recent)) {
        const running = page.CommandInvocations?.find(
          (sent) => sent.Comment === Comment && ['Pending', 'InProgress', 'Delayed'].includes(sent.Status ?? ''),
        );
        if (running?.CommandId) return running.CommandId;
      }
      const values = Object.entries(check({ ...parameters, ...(await late?.()) }));
      const { Command: sent } = await client.send(
        new SendCommandCommand({
          DocumentName: documentName(command),
          InstanceIds: [host],
          Parameters: Object.fromEntries(values.map(([name, value]) => [name, [value]])),
          Comment,
          TimeoutSeconds: DELIVERY_SECONDS,
        }),
      );
      return sent?.CommandId ?? '';
    },
    ONE_ATTEMPT,
  );
}

/**
 * The command's result, or `InProgress` where it has none by then. SSM may take some seconds more than `waitMs` to answer.
 * @throws the error that the command ended with; see ./outcome.ts and ./refusals.ts
 */
export function waitForCommand<Command extends HostCommandName>(
  { host, commandId, command }: SentCommand<Command>,
  { waitMs }: { waitMs: number },
): Promise<{ status: 'InProgress' } | { status: 'Done'; result: HostCommandResult<Command> }> {
  const id = { CommandId: commandId, InstanceId: host };
  return withSsm(`${host}, ${command}`, async (client, { GetCommandInvocationCommand, waitUntilCommandExecuted }) => {
    const read = async () => {
      try {
        const {
          StandardOutputContent = '',
          StandardErrorContent = '',
          ...rest
        } = await client.send(new GetCommandInvocationCommand(id));
        return readOutcome(host, command, {
          ...rest,
          StandardOutputContent: withoutSignatures(StandardOutputContent),
          StandardErrorContent: withoutSignatures(StandardErrorContent),
        });
      } catch (error) {
        // SSM does not know it at once after it was sent.
        if ((error as Error).name === 'InvocationDoesNotExist') return { status: 'InProgress' as const };
        throw error;
      }
    };
    // Before any waiting, for the waiter goes on asking even where SSM refuses to answer.
    let outcome = await read();
    const maxWaitTime = waitMs / 1000;
    if (outcome.status === 'InProgress' && maxWaitTime > POLL_SECONDS.minDelay) {
      // It rejects for every end but success; how it ended is read below.
      await waitUntilCommandExecuted({ client, maxWaitTime, ...POLL_SECONDS }, id).catch(() => undefined);
      outcome = await read();
    }
    if (outcome.status === 'Failed') throw outcome.error;
    return outcome;
  });
}

/** Ends a command that still runs. @throws HostUnreachable, PreconditionFailed, HostCommandFailed, AwsUnavailable */
export function cancelCommand({ host, commandId }: { host: string; commandId: string }): Promise<void> {
  return withSsm(`${host}, cancelling ${commandId}`, async (client, { CancelCommandCommand }) => {
    await client.send(new CancelCommandCommand({ CommandId: commandId, InstanceIds: [host] }));
  });
}

function parametersSchema(command: HostCommandName): z.ZodType<Record<string, string>> {
  const parameters = Object.entries(HOST_COMMANDS[command].parameters);
  return z.strictObject(Object.fromEntries(parameters.map(([name, parameter]) => [name, parameterSchema(parameter)])));
}

/** What tells a command from every other: SSM takes 100 characters. The hash alone is unique, the rest is for a person. */
function commentOf(execution: string, command: HostCommandName, values: readonly (readonly string[])[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([execution, command, values]))
    .digest('hex');
  return `${command} ${hash.slice(0, 32)} ${execution.slice(0, 40)}`;
}

/** Commands that can still run: older ones were ended by one of their two limits. */
function filtersOfRunning(command: HostCommandName): { key: 'DocumentName' | 'InvokedAfter'; value: string }[] {
  const seconds = DELIVERY_SECONDS + HOST_COMMANDS[command].timeoutSeconds + MARGIN_SECONDS;
  return [
    { key: 'DocumentName', value: documentName(command) },
    { key: 'InvokedAfter', value: new Date(Date.now() - seconds * 1000).toISOString() },
  ];
}

type Asking<Result> = (client: SSMClient, sdk: typeof import('@aws-sdk/client-ssm')) => Promise<Result>;

/** Runs calls of SSM, with what it refuses as errors of the taxonomy. @param subject what is asked for */
async function withSsm<Result>(subject: string, run: Asking<Result>, options = AWS_CLIENT): Promise<Result> {
  const sdk = await import('@aws-sdk/client-ssm');
  const client = new sdk.SSMClient(options);
  try {
    return await run(client, sdk);
  } catch (error) {
    if (error instanceof RemediationError) throw error;
    const refusal = refusalOf(error, subject);
    refusal.message = withoutSignatures(refusal.message);
    throw refusal;
  } finally {
    client.destroy();
  }
}
