import { createHash } from 'node:crypto';
import type { CommandFilter } from '@aws-sdk/client-ssm';
import * as z from 'zod';
import { deployedName } from '../../client/names.ts';
import type { HostReach } from '../../core/cluster/evidence.ts';
import { HostUnreachable, PreconditionFailed, RemediationError } from '../../core/errors.ts';
import {
  documentName,
  HOST_COMMANDS,
  type HostCommandName,
  parameterSchema,
  SENT_AT,
} from '../../core/hosts/host-commands.ts';
import { NOT_LISTED, WRONG_IN_HOSTS_FILE } from '../../core/hosts/hosts-file.ts';
import { parse } from '../../core/text/parse.ts';
import { withoutSignatures } from '../../core/text/redaction.ts';
import { type CommandInvocation, type CommandOutcome, type HostCommandResult, readOutcome } from './outcome.ts';
import { HOSTS_FILE_ADVICE, MANAGED_NODE_ADVICE, NOT_LISTED_ADVICE } from './refusals.ts';
import { openSsm, type Ssm, type SsmCall } from './ssm.ts';

/** A host that comes back later must not begin an old command. It is sent again instead, see ./run.ts. */
const DELIVERY_SECONDS = 60;
/** By so much the clocks of Step Functions and of SSM may differ. */
const CLOCKS_MS = 300_000;
/** SSM takes so many instance IDs in one request. */
const MAX_IDS = 50;
const PINGS = 'which hosts it reaches';
const UNKNOWN_TO_SSM = 'not a managed node, or stopped';
/** Any other word comes from the way to a host that hosts.json names, where this runs without AWS. */
const PING_STATUSES = [UNKNOWN_TO_SSM, 'ConnectionLost', 'Inactive'];

/** The parameters of a command, by name; each is text. */
export type HostCommandParameters<Command extends HostCommandName> = Readonly<
  Record<keyof (typeof HOST_COMMANDS)[Command]['parameters'], string>
>;

export interface SentCommand {
  commandId: string;
  /** Milliseconds since 1970. */
  sentAt: number;
}

/**
 * Asks SSM whether its agent answers on every host.
 * @throws HostUnreachable naming each that does not; PreconditionFailed where hosts.json has to be corrected, or SSM refuses; AwsUnavailable
 */
export async function requireReachable(ssm: Ssm, hosts: readonly string[]): Promise<void> {
  const away = (await ssm.ask(PINGS, pingHosts(hosts))).filter(({ reachable }) => !reachable);
  if (away.length === 0) return;
  const list = away.map(({ host, problem }) => `- ${host}: ${problem}`).join('\n');
  // However often it is asked, it stays so.
  if (away.some(({ problem }) => WRONG_IN_HOSTS_FILE.test(problem))) {
    const advice = away.some(({ problem }) => problem.startsWith(NOT_LISTED)) ? NOT_LISTED_ADVICE : HOSTS_FILE_ADVICE;
    throw new PreconditionFailed(`Not every host is reached:\n${list}\n${advice}`);
  }
  const isOfSsm = away.every(({ problem }) => PING_STATUSES.includes(problem));
  throw new HostUnreachable(
    isOfSsm
      ? `SSM does not reach every host:\n${list}\n${MANAGED_NODE_ADVICE}`
      : `Not every host is reached:\n${list}\n${HOSTS_FILE_ADVICE}`,
  );
}

/** The same as an answer for each host: where SSM does not answer, or refuses to, nothing is known of any. It is asked once. */
export async function observeHosts(hosts: readonly string[]): Promise<HostReach[]> {
  if (hosts.length === 0) return [];
  const ssm = await openSsm();
  try {
    return await ssm.askOnce(PINGS, pingHosts(hosts));
  } catch (error) {
    if (!(error instanceof RemediationError)) throw error;
    return hosts.map((host) => ({ host, reachable: 'unknown', problem: error.message }));
  } finally {
    ssm.close();
  }
}

function pingHosts(hosts: readonly string[]): SsmCall<HostReach[]> {
  return async ({ client, sdk }) => {
    const pings = new Map<string, string>();
    for (let at = 0; at < hosts.length; at += MAX_IDS) {
      const Filters = [{ Key: 'InstanceIds', Values: hosts.slice(at, at + MAX_IDS) }];
      for await (const page of sdk.paginateDescribeInstanceInformation({ client, pageSize: MAX_IDS }, { Filters })) {
        for (const { InstanceId = '', PingStatus = '' } of page.InstanceInformationList ?? []) {
          pings.set(InstanceId, PingStatus);
        }
      }
    }
    return hosts.map((host) => {
      const ping = pings.get(host) ?? UNKNOWN_TO_SSM;
      return ping === 'Online' ? { host, reachable: true, problem: '' } : { host, reachable: false, problem: ping };
    });
  };
}

/**
 * What was sent of these commands since then: each by its client token, the newest first. ListCommands is asked, because only it also lists commands that
 * no host has got yet.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandFilter.html
 * @throws AwsUnavailable
 */
export async function findCommands(
  ssm: Ssm,
  command: HostCommandName,
  clientTokens: readonly string[],
  since: string,
): Promise<Map<string, SentCommand[]>> {
  const Filters: CommandFilter[] = [
    { key: 'DocumentName', value: deployedName(documentName(command)) },
    { key: 'InvokedAfter', value: new Date(Date.parse(since) - CLOCKS_MS).toISOString() },
  ];
  const found = await ssm.ask(`what was sent of ${command}`, async ({ client, sdk }) => {
    const sent: (SentCommand & { clientToken: string })[] = [];
    for await (const { Commands = [] } of sdk.paginateListCommands({ client, pageSize: MAX_IDS }, { Filters })) {
      for (const { CommandId: commandId = '', Comment: clientToken = '', RequestedDateTime } of Commands) {
        if (clientTokens.includes(clientToken))
          sent.push({ commandId, clientToken, sentAt: RequestedDateTime?.getTime() ?? Date.now() });
      }
    }
    return sent.toSorted((one, other) => other.sentAt - one.sentAt);
  });
  return Map.groupBy(found, ({ clientToken }) => clientToken);
}

/**
 * Sends a command. Whether it was sent before is the caller's to find out: SendCommand knows no token that would make it idempotent.
 * @param lateParameters makes parameters only now. They take the place of the given ones, and are no part of the client token: a presigned URL is another one each time.
 * @throws InvalidInput with nothing sent, HostUnreachable, PreconditionFailed, HostCommandFailed, AwsUnavailable
 */
export async function sendCommand<Command extends HostCommandName>(
  ssm: Ssm,
  {
    host,
    command,
    parameters,
    clientToken,
    lateParameters,
  }: {
    host: string;
    command: Command;
    parameters: HostCommandParameters<Command>;
    clientToken: string;
    lateParameters?: () => Promise<Partial<HostCommandParameters<Command>>>;
  },
): Promise<SentCommand> {
  const values = Object.entries({
    ...checkParameters(host, command, { ...parameters, ...(await lateParameters?.()) }),
    ...(SENT_AT.commands.includes(command) && { [SENT_AT.name]: String(Math.floor(Date.now() / 1000)) }),
  });
  return ssm.send(`${host}, ${command}`, async ({ client, sdk }) => {
    const { Command: sent } = await client.send(
      new sdk.SendCommandCommand({
        DocumentName: deployedName(documentName(command)),
        InstanceIds: [host],
        Parameters: Object.fromEntries(values.map(([name, value]) => [name, [value]])),
        Comment: clientToken,
        TimeoutSeconds: DELIVERY_SECONDS,
      }),
    );
    return { commandId: sent?.CommandId ?? '', sentAt: Date.now() };
  });
}

/**
 * How a command is now: with its result, or with the error that it ended with; see ./outcome.ts. Where its script did not say its end, only
 * ListCommandInvocations has what SSM Agent itself says of it.
 * @throws what SSM refuses the question with, see ./refusals.ts; AwsUnavailable
 */
export function readCommand<Command extends HostCommandName>(
  ssm: Ssm,
  host: string,
  command: Command,
  { commandId }: SentCommand,
): Promise<CommandOutcome<HostCommandResult<Command>>> {
  return ssm.ask(`${host}, ${command}`, async ({ client, sdk }) => {
    try {
      const {
        StandardOutputContent = '',
        StandardErrorContent = '',
        ...rest
      } = await client.send(new sdk.GetCommandInvocationCommand({ CommandId: commandId, InstanceId: host }));
      const invocation: CommandInvocation = {
        ...rest,
        StandardOutputContent: withoutSignatures(StandardOutputContent),
        StandardErrorContent: withoutSignatures(StandardErrorContent),
      };
      const outcome = readOutcome(host, command, invocation);
      if (outcome.status !== 'Failed' || !outcome.isLost) return outcome;
      const { CommandInvocations = [] } = await client
        .send(new sdk.ListCommandInvocationsCommand({ CommandId: commandId, InstanceId: host, Details: true }))
        // They only say why: what is known without them is told without them.
        .catch(() => ({ CommandInvocations: [] }));
      const words = CommandInvocations.flatMap(({ CommandPlugins = [] }) =>
        CommandPlugins.map(({ Output = '' }) => Output),
      );
      return readOutcome(host, command, { ...invocation, agentOutput: withoutSignatures(words.join('\n')) });
    } catch (error) {
      // SSM does not know it at once after it was sent.
      if ((error as Error).name === 'InvocationDoesNotExist') return { status: 'InProgress' };
      throw error;
    }
  });
}

/** Ends a command that still runs. @throws HostUnreachable, PreconditionFailed, HostCommandFailed, AwsUnavailable */
export async function cancelCommand(ssm: Ssm, host: string, { commandId }: SentCommand): Promise<void> {
  await ssm.ask(`${host}, cancelling ${commandId}`, ({ client, sdk }) =>
    client.send(new sdk.CancelCommandCommand({ CommandId: commandId, InstanceIds: [host] })),
  );
}

/**
 * What tells one host's command of one phase from every other: SSM takes 100 characters. The hash alone is unique, the rest is for a person.
 * @param visit what tells this phase from another time that the same execution comes to it
 * @throws InvalidInput
 */
export function clientTokenOf(
  { execution, visit, command }: { execution: string; visit: string; command: HostCommandName },
  { host, parameters }: { host: string; parameters: Readonly<Record<string, string>> },
): string {
  const values = Object.entries(checkParameters(host, command, parameters)).toSorted();
  const hash = createHash('sha256')
    .update(JSON.stringify([execution, visit, command, host, values]))
    .digest('hex');
  return `${command} ${hash.slice(0, 32)} ${execution.slice(0, 40)}`;
}

/** @throws InvalidInput naming each that is missing, unknown or not as the document takes it */
function checkParameters(host: string, command: HostCommandName, values: object): Record<string, string> {
  const parameters = Object.entries(HOST_COMMANDS[command].parameters);
  const schema = z.strictObject(
    Object.fromEntries(parameters.map(([name, parameter]) => [name, parameterSchema(parameter)])),
  );
  return parse(schema, values, `The call of ${command} on ${host}`);
}
