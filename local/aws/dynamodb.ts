import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { ExecutionError } from '../asl/errors.ts';
import { isObject, type JsonValue } from '../asl/json.ts';
import type { TaskHandler } from '../asl/types.ts';
import type { AwsError } from './aws-error.ts';
import { type AwsEndpoint, callerOf, soleOwner } from './endpoint.ts';
import type { Iam } from './iam.ts';

/** A synthesized table, as CreateTable takes it. */
export type Table = Pick<CreateTableCommandInput, 'TableName' | 'KeySchema' | 'AttributeDefinitions' | 'BillingMode'>;

interface Credentials {
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

const COMMANDS = {
  putItem: PutItemCommand,
  getItem: GetItemCommand,
  updateItem: UpdateItemCommand,
  deleteItem: DeleteItemCommand,
} as const;

export interface DynamoDb extends AwsEndpoint {
  /** Step Functions' integrations with the SDK, by their resource. */
  tasks: Readonly<Record<string, TaskHandler>>;
}

/**
 * DynamoDB with the synthesized tables, in memory, on loopback. Refuses a caller whose access key nobody has, or whose role does not allow it for
 * all of the tables: other users of this machine reach loopback as well.
 */
export async function serveDynamoDb(
  tables: readonly Table[],
  credentials: Credentials,
  iam: Iam = soleOwner(credentials.accessKeyId),
): Promise<DynamoDb> {
  // Loaded only here: it brings a database engine with it.
  const { default: dynalite } = await import('dynalite');
  const database = dynalite({ createTableMs: 0 });
  const [answer] = database.listeners('request') as RequestListener[];
  const server = createServer((request, response) => {
    try {
      const [, operation] = String(request.headers['x-amz-target']).split('.');
      const arns = tables.map(({ TableName }) => `arn:aws:dynamodb:local:000000000000:table/${TableName}`);
      const needed = arns.map((resource) => ({ action: `dynamodb:${operation}`, resource }));
      iam.require(callerOf(request, iam), ...needed);
      answer?.(request, response);
    } catch (error) {
      const { type, message } = error as AwsError;
      response
        .writeHead(400, { 'Content-Type': 'application/x-amz-json-1.0' })
        .end(JSON.stringify({ __type: `com.amazon.coral.service#${type}`, message }));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new DynamoDBClient({ endpoint: url, region: credentials.region, credentials });
  for (const table of tables) {
    await client.send(new CreateTableCommand(table));
    await waitUntilTableExists(
      { client, maxWaitTime: 5, minDelay: 0.01, maxDelay: 0.1 },
      { TableName: table.TableName },
    );
  }
  return {
    url,
    tasks: Object.fromEntries(
      Object.keys(COMMANDS).map((action) => [
        `arn:aws:states:::aws-sdk:dynamodb:${action}`,
        task(client, action as keyof typeof COMMANDS),
      ]),
    ),
    async close() {
      client.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function task(client: DynamoDBClient, action: keyof typeof COMMANDS): TaskHandler {
  const Command = COMMANDS[action] as unknown as new (args: object) => PutItemCommand;
  return async (args, { signal }) => {
    try {
      const { $metadata: _, ...output } = await client.send(new Command(isObject(args) ? args : {}), {
        abortSignal: signal,
      });
      return output as unknown as JsonValue;
    } catch (error) {
      signal.throwIfAborted();
      const { name, message } = error as Error;
      // As its page on error names has it, the service is written like the Java SDK's package.
      // https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
      throw new ExecutionError(`DynamoDb.${name}`, message);
    }
  };
}
