import { randomUUID } from 'node:crypto';
import { functionOf } from '../lib/steps.ts';
import type { JsonValue } from './asl/json.ts';
import { arnOf } from './assembled-functions.ts';
import type { Assembly } from './assembly.ts';
import { type DynamoDb, serveDynamoDb } from './aws/dynamodb.ts';
import { type AwsEndpoint, serveAwsEndpoint } from './aws/endpoint.ts';
import type { HostFault } from './aws/host-faults.ts';
import { Iam, type Operation } from './aws/iam.ts';
import { serveLambda } from './aws/lambda.ts';
import { type RunCommand, runCommand } from './aws/run-command.ts';
import { serveS3 } from './aws/s3.ts';
import { secretsManager, systemsManager } from './aws/services.ts';
import { stepFunctions } from './aws/step-functions.ts';
import type { Executions, Observer } from './executions.ts';
import type { HostsFile } from './hosts/access.ts';
import type { LambdaHost } from './lambda/host.ts';
import type { TaskTokens } from './task-tokens.ts';

/** The steps that send commands to hosts. */
const SENDERS = ['run-host-commands', 'transfer-snapshots', 'send-backup'];

export interface LoopbackAwsOptions {
  /** Secrets by name, each as the JSON that Secrets Manager would hold. They stay in this process and are served on loopback. */
  secrets: Readonly<Record<string, unknown>>;
  /** How the hosts that the configuration names are reached. */
  hosts?: HostsFile;
  /**
   * The address of this machine at which hosts fetch and leave what gets from host to host: 127.0.0.1 if not said, which serves hosts
   * that are this machine.
   */
  stagingAddress?: string;
  /** The port there: any that is free, if not said. */
  stagingPort?: number | undefined;
  /** Folders that stand for the buckets of `backups`, by the bucket's name: a key is the path of a file in it. Backups are written into it, too. */
  backups?: Readonly<Record<string, string>>;
  /** See `RunCommandOptions`. */
  deliveryMs?: number;
  reboot?: (host: string) => Promise<void>;
}

/** What is behind the endpoints: the platform's functions and executions, which are there once these are open. */
interface Behind {
  assembly: Assembly;
  lambdas: () => LambdaHost;
  executions: () => Executions;
  tokens: TaskTokens;
  /** Who is told of what is started through an endpoint. */
  observe: (stateMachineName: string, input: JsonValue) => Observer;
  faults: HostFault[];
}

/** The endpoints of AWS that one platform's functions use, and what they let in. */
export interface LoopbackAws {
  iam: Iam;
  /** What every function has, to find the endpoints and to be let in. */
  environment: Readonly<Record<string, string>>;
  commands: RunCommand;
  dynamoDb: DynamoDb;
  states: Readonly<Record<string, Operation>>;
  close(): Promise<void>;
}

/** @throws Error where `stagingAddress` is none of this machine's, or `stagingPort` is taken; nothing is left open then */
export async function openLoopbackAws(
  {
    secrets,
    hosts = {},
    stagingAddress = '127.0.0.1',
    stagingPort = 0,
    backups = {},
    deliveryMs = 0,
    reboot,
  }: LoopbackAwsOptions,
  { assembly, lambdas, executions, tokens, observe, faults }: Behind,
): Promise<LoopbackAws> {
  const endpoints: Pick<AwsEndpoint, 'close'>[] = [];
  const opened = async <Endpoint extends AwsEndpoint>(opening: Promise<Endpoint>): Promise<Endpoint> => {
    const endpoint = await opening;
    endpoints.push(endpoint);
    return endpoint;
  };
  // Those first that were opened last.
  const close = async () => {
    for (const endpoint of endpoints.toReversed()) await endpoint.close();
  };
  try {
    // Other users of this machine can reach loopback as well: only this run, and its functions, have access keys.
    const accessKeyId = `LOCAL${randomUUID().replaceAll('-', '').toUpperCase()}`;
    const credentials = { region: 'local', accessKeyId, secretAccessKey: randomUUID() };
    const iam = new Iam(assembly.roles, credentials);
    const s3 = await opened(
      serveS3({
        address: stagingAddress,
        port: stagingPort,
        credentials,
        iam,
        buckets: assembly.buckets,
        folders: backups,
      }),
    );
    const dynamoDb = await opened(serveDynamoDb(assembly.tables, credentials, iam));
    const lambda = await opened(serveLambda((arn, event) => lambdas().invoke(arn, event), iam));
    const commands = runCommand({
      ...{ documents: assembly.documents, hosts, deliveryMs, faults, reboot },
      killSenders: () => {
        for (const step of SENDERS) lambdas().kill(arnOf(functionOf(step), assembly));
      },
    });
    endpoints.push(commands);
    const states = stepFunctions({
      stateMachines: Object.keys(assembly.stateMachines),
      executions,
      tokens,
      observe,
    });
    const json = await opened(
      serveAwsEndpoint(
        {
          ...secretsManager(secrets),
          ...systemsManager(assembly.parameters),
          ...commands.operations,
          ...states,
          ...iam.sts,
        },
        iam,
      ),
    );
    const environment = {
      AWS_REGION: credentials.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_SSM: json.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: json.url,
      AWS_ENDPOINT_URL_SFN: json.url,
      AWS_ENDPOINT_URL_STS: json.url,
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.url,
      AWS_ENDPOINT_URL_LAMBDA: lambda.url,
      AWS_ENDPOINT_URL_S3: s3.url,
    };
    return { iam, environment, commands, dynamoDb, states, close };
  } catch (error) {
    await close();
    throw error;
  }
}
