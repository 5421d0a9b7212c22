import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { describeNotListed } from '../../core/hosts/hosts-file.ts';
import type { HostAccess, HostsFile } from '../hosts/access.ts';
import { AwsError } from './aws-error.ts';
import { type HostFault, takeFault } from './host-faults.ts';
import type { Operation } from './iam.ts';
import { readDocument, renderScript } from './ssm-document.ts';
import { findReachProblem, type Invocation, startInvocation } from './ssm-invocation.ts';
import { pageFields, pageOf, parseRequest } from './ssm-requests.ts';

/** Below the 5 s that a Lambda function waits for an answer: SSM knows from the agent's pings, here each host is asked. */
const PING_MS = 4_000;

const commandId = z.string().length(36);
const instanceIds = z.array(z.string()).min(1).max(50);

const sendCommandSchema = z.strictObject({
  DocumentName: z.string(),
  InstanceIds: instanceIds,
  Parameters: z.record(z.string(), z.array(z.string())).default({}),
  Comment: z.string().max(100).default(''),
  TimeoutSeconds: z.int().min(30).max(2_592_000),
});
const getInvocationSchema = z.strictObject({ CommandId: commandId, InstanceId: z.string() });
const listCommandsSchema = z.strictObject({
  Filters: z
    .array(z.strictObject({ key: z.string(), value: z.string().min(1) }))
    .max(5)
    .default([]),
  ...pageFields(1, 50),
});
const listInvocationsSchema = z.strictObject({
  CommandId: commandId,
  InstanceId: z.string(),
  Details: z.literal(true),
});
const cancelCommandSchema = z.strictObject({ CommandId: commandId, InstanceIds: instanceIds.optional() });
const describeInstancesSchema = z.strictObject({
  Filters: z.tuple([z.strictObject({ Key: z.string(), Values: instanceIds })]),
  ...pageFields(5, 50),
});

/** One command on one host. */
interface Sent {
  CommandId: string;
  InstanceId: string;
  DocumentName: string;
  Comment: string;
  stepName: string;
  requestedMs: number;
  invocation: Invocation;
}

export interface RunCommandOptions {
  /** The contents of the deployed documents, by name. */
  documents: Readonly<Record<string, unknown>>;
  hosts: HostsFile;
  /** How long a command takes at least until its host has it: about 2 s, with the real agent. */
  deliveryMs?: number;
  /** What is to go wrong. Each is taken out of the list when it strikes. */
  faults?: HostFault[];
  /** What a host takes at least until it runs again what it was sent before: scripts allow clocks to differ by nearly as much. */
  bootMs?: number;
  /** Kills all that runs on a host, and starts it again. */
  reboot?: ((host: string) => Promise<void>) | undefined;
  /** Kills the functions that send commands. */
  killSenders?: () => void;
}

/** How long an agent is away that restarts. The real one takes some seconds more. */
const RESTART_MS = 1_000;

/** A command as one host was sent it, in milliseconds since 1970. */
export interface CommandOnHost {
  document: string;
  host: string;
  /** By which its sender recognises it. */
  comment: string;
  sentMs: number;
  /** NaN where its script was never run, or still runs. */
  endedMs: number;
}

export interface RunCommand {
  operations: Record<string, Operation>;
  /** Every command that was sent so far, in their order. */
  record(): CommandOnHost[];
  /** Kills what still runs, and waits until it has ended. */
  close(): Promise<void>;
}

/**
 * What the embedded platform knows of Run Command: it runs the documents of the synthesized stacks on the hosts of hosts.json.
 * @throws for a document that it could not run as SSM does
 */
export function runCommand({
  documents: contents,
  hosts,
  deliveryMs = 0,
  faults = [],
  bootMs = 6_000,
  reboot,
  killSenders = () => undefined,
}: RunCommandOptions): RunCommand {
  const documents = new Map(Object.entries(contents).map(([name, content]) => [name, readDocument(name, content)]));
  const sent: Sent[] = [];
  /** By host: until its agent takes commands again. */
  const back = new Map<string, Promise<void>>();
  /** By host that was rebooted: when it was up again, in milliseconds since 1970. */
  const started = new Map<string, number>();

  /** While the agent of a host is away, nothing is delivered there. */
  const during = (host: string, absence: Promise<void>): Promise<void> => {
    back.set(host, absence);
    return absence;
  };
  /** @param own the command in which it happens, whose script has ended */
  const crashAndReboot = async (
    host: string,
    own: Invocation,
    restart: (host: string) => Promise<void>,
  ): Promise<void> => {
    for (const { InstanceId, invocation } of sent) {
      const isThere = InstanceId === host && invocation !== own && invocation.state().Status !== 'Pending';
      if (isThere) invocation.crash();
    }
    started.set(host, Date.now());
    await restart(host);
  };

  const accessOf = (instanceId: string): HostAccess => {
    const access = Object.hasOwn(hosts, instanceId) ? hosts[instanceId] : undefined;
    if (!access) throw new AwsError('InvalidInstanceId', `${instanceId} is not among the hosts.`);
    return access;
  };

  const sendCommand: Operation = (request) => {
    const { DocumentName, InstanceIds, Parameters, Comment, TimeoutSeconds } = parseRequest(sendCommandSchema, request);
    const document = documents.get(DocumentName);
    if (!document) throw new AwsError('InvalidDocument', `There is no document ${DocumentName}.`);
    if (new Set(InstanceIds).size < InstanceIds.length) {
      throw new AwsError('DuplicateInstanceId', 'InstanceIds names an instance twice.');
    }
    const targets = InstanceIds.map((InstanceId) => ({ InstanceId, access: accessOf(InstanceId) }));
    const script = renderScript(document, Parameters);
    const { stepName, timeoutSeconds } = document;
    const CommandId = randomUUID();
    const requestedMs = Date.now();
    let isAnswered = true;
    for (const { InstanceId, access } of targets) {
      const fault = takeFault(faults, { document: DocumentName, host: InstanceId });
      const invocation: Invocation = startInvocation({
        ...{
          access,
          script,
          commandId: CommandId,
          deliverySeconds: TimeoutSeconds,
          timeoutSeconds,
          deliveryMs,
          bootMs,
          fault,
        },
        agentIsBack: back.get(InstanceId),
        startedMs: () => started.get(InstanceId),
        restartAgent: () => during(InstanceId, delay(RESTART_MS)),
        ...(reboot && { reboot: () => during(InstanceId, crashAndReboot(InstanceId, invocation, reboot)) }),
      });
      sent.push({ CommandId, InstanceId, DocumentName, Comment, stepName, requestedMs, invocation });
      if (fault?.name === 'function-killed') killSenders();
      if (fault?.name === 'answer-lost') isAnswered = false;
    }
    if (!isAnswered) throw new AwsError('InternalFailure', 'The answer is lost.');
    return {
      Command: {
        CommandId,
        DocumentName,
        Comment,
        InstanceIds,
        Parameters,
        TimeoutSeconds,
        RequestedDateTime: requestedMs / 1000,
        Status: 'Pending',
        StatusDetails: 'Pending',
      },
    };
  };

  const getCommandInvocation: Operation = (request) => {
    const { CommandId, InstanceId } = parseRequest(getInvocationSchema, request);
    const found = sent.find((one) => one.CommandId === CommandId && one.InstanceId === InstanceId);
    if (!found) throw new AwsError('InvocationDoesNotExist', `${CommandId} was not sent to ${InstanceId}.`);
    const { DocumentName, Comment, stepName, invocation } = found;
    return { CommandId, InstanceId, DocumentName, Comment, PluginName: stepName, ...invocation.state() };
  };

  const listCommandInvocations: Operation = (request) => {
    const { CommandId, InstanceId } = parseRequest(listInvocationsSchema, request);
    const found = sent.filter((one) => one.CommandId === CommandId && one.InstanceId === InstanceId);
    return {
      CommandInvocations: found.map(({ DocumentName, Comment, stepName, invocation }) => {
        const { Status, StatusDetails, ResponseCode } = invocation.state();
        const plugin = { Name: stepName, Status, StatusDetails, ResponseCode, Output: invocation.output() };
        return { CommandId, InstanceId, DocumentName, Comment, Status, StatusDetails, CommandPlugins: [plugin] };
      }),
    };
  };

  const listCommands: Operation = (request) => {
    const { Filters, MaxResults = 50, NextToken } = parseRequest(listCommandsSchema, request);
    const filters = Filters.map(({ key, value }) => filterBy(key, value));
    const commands = Map.groupBy(
      sent.filter((one) => filters.every((matches) => matches(one))),
      ({ CommandId }) => CommandId,
    );
    const { page, ...next } = pageOf([...commands.values()].toReversed(), { MaxResults, NextToken });
    return {
      Commands: page.map((invocations) => {
        const { CommandId, DocumentName, Comment, requestedMs } = invocations[0] as Sent;
        const InstanceIds = invocations.map(({ InstanceId }) => InstanceId);
        return { CommandId, DocumentName, Comment, InstanceIds, RequestedDateTime: requestedMs / 1000 };
      }),
      ...next,
    };
  };

  const cancelCommand: Operation = (request) => {
    const { CommandId, InstanceIds } = parseRequest(cancelCommandSchema, request);
    const command = sent.filter((one) => one.CommandId === CommandId);
    if (command.length === 0) throw new AwsError('InvalidCommandId', `There is no command ${CommandId}.`);
    for (const id of InstanceIds ?? []) {
      if (command.every(({ InstanceId }) => InstanceId !== id)) {
        throw new AwsError('InvalidInstanceId', `${CommandId} was not sent to ${id}.`);
      }
    }
    for (const { InstanceId, invocation } of command) {
      if (InstanceIds?.includes(InstanceId) ?? true) invocation.cancel();
    }
    return {};
  };

  const describeInstanceInformation: Operation = async (request) => {
    const { Filters, MaxResults = 10, NextToken } = parseRequest(describeInstancesSchema, request);
    const [{ Key, Values }] = Filters;
    if (Key !== 'InstanceIds') throw new AwsError('InvalidFilterKey', `This endpoint does not filter by ${Key}.`);
    const { page, ...next } = pageOf(Values, { MaxResults, NextToken });
    // SSM has three words for it, and none for why. Here the way to a host says it itself.
    const InstanceInformationList = await Promise.all(
      page.map(async (InstanceId) => {
        if (!Object.hasOwn(hosts, InstanceId)) return { InstanceId, PingStatus: describeNotListed(Object.keys(hosts)) };
        const problem = await findReachProblem(accessOf(InstanceId), PING_MS);
        return { InstanceId, PingStatus: problem || 'Online', PlatformType: 'Linux' };
      }),
    );
    return { InstanceInformationList, ...next };
  };

  return {
    operations: {
      'AmazonSSM.SendCommand': sendCommand,
      'AmazonSSM.GetCommandInvocation': getCommandInvocation,
      'AmazonSSM.ListCommands': listCommands,
      'AmazonSSM.ListCommandInvocations': listCommandInvocations,
      'AmazonSSM.CancelCommand': cancelCommand,
      'AmazonSSM.DescribeInstanceInformation': describeInstanceInformation,
    },
    record: () =>
      sent.map(({ DocumentName, InstanceId, Comment, requestedMs, invocation }) => ({
        document: DocumentName,
        host: InstanceId,
        comment: Comment,
        sentMs: requestedMs,
        endedMs: Date.parse(invocation.state().ExecutionEndDateTime),
      })),
    close: async () => {
      for (const { invocation } of sent) {
        invocation.cancel();
        invocation.crash();
      }
      await Promise.all(sent.map(({ invocation }) => invocation.ended));
    },
  };
}

/** @throws AwsError `InvalidFilterKey`, or `ValidationException` for a value that is no time */
function filterBy(key: string, value: string): (sent: Sent) => boolean {
  if (key === 'DocumentName') return ({ DocumentName }) => DocumentName === value;
  if (key !== 'InvokedAfter') throw new AwsError('InvalidFilterKey', `This endpoint does not filter by ${key}.`);
  const afterMs = Date.parse(value);
  if (Number.isNaN(afterMs))
    throw new AwsError('ValidationException', `${key} must be a time, such as 2026-01-31T00:00:00Z.`);
  return ({ requestedMs }) => requestedMs >= afterMs;
}
