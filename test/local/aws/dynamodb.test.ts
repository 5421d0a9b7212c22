import {
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionError } from '../../../local/asl/errors.ts';
import type { JsonValue } from '../../../local/asl/json.ts';
import type { ContextObject } from '../../../local/asl/types.ts';
import { type DynamoDb, serveDynamoDb, type Table } from '../../../local/aws/dynamodb.ts';
import { DYNAMODB, type Item, LockTable } from '../../lib/lock-table.ts';

const CREDENTIALS = { region: 'local', accessKeyId: 'LOCALKEY', secretAccessKey: 'any' };
const TableName = 'remediations';
const TABLE: Table = {
  TableName,
  KeySchema: [
    { AttributeName: 'cluster', KeyType: 'HASH' },
    { AttributeName: 'id', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'cluster', AttributeType: 'S' },
    { AttributeName: 'id', AttributeType: 'S' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
};

let database: DynamoDb;
let client: DynamoDBClient;

function clientWith(accessKeyId: string): DynamoDBClient {
  const credentials = { ...CREDENTIALS, accessKeyId };
  return new DynamoDBClient({ endpoint: database.url, region: 'local', credentials, maxAttempts: 1 });
}

beforeAll(async () => {
  database = await serveDynamoDb([TABLE], CREDENTIALS);
  client = clientWith(CREDENTIALS.accessKeyId);
});
afterAll(async () => {
  client.destroy();
  await database.close();
});

let clusters = 0;
let cluster: string;
beforeEach(() => {
  cluster = `cluster-${clusters++}`;
});

function lock(owner: string, more: Item = {}): Item {
  return { cluster: { S: cluster }, id: { S: 'lock' }, owner: { S: owner }, expiresAt: { N: '1000' }, ...more };
}

const NAMES = { ExpressionAttributeNames: { '#owner': 'owner' } };
/** The conditions of the workflows. */
const FREE_FOR = (owner: string, now: string) => ({
  ConditionExpression: 'attribute_not_exists(id) OR #owner = :owner OR expiresAt < :now',
  ...NAMES,
  ExpressionAttributeValues: { ':owner': { S: owner }, ':now': { N: now } },
});
const OWNED_BY = (owner: string, values: Item = {}) => ({
  ConditionExpression: '#owner = :owner',
  ...NAMES,
  ExpressionAttributeValues: { ':owner': { S: owner }, ...values },
});

describe('the database', () => {
  it('has the tables that it was given, on loopback alone', async () => {
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([TableName]);
    expect(new URL(database.url).hostname).toBe('127.0.0.1');
  });

  it('lets one of 50 that put a lock at the same time have it', async () => {
    const puts = await Promise.allSettled(
      Array.from({ length: 50 }, (_, by) =>
        client.send(new PutItemCommand({ TableName, Item: lock(`run-${by}`), ...FREE_FOR(`run-${by}`, '999') })),
      ),
    );
    expect(puts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const put of puts) {
      if (put.status === 'rejected') expect(put.reason).toMatchObject({ name: 'ConditionalCheckFailedException' });
    }
    const winner = puts.findIndex(({ status }) => status === 'fulfilled');
    const Key = { cluster: { S: cluster }, id: { S: 'lock' } };
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    expect(Item).toEqual(lock(`run-${winner}`));
  });

  it("has a cluster's records in order, and apart from its lock", async () => {
    for (const id of ['2025-01-02T00:00:00.000Z#b', 'lock', '2025-01-01T00:00:00.000Z#a']) {
      await client.send(new PutItemCommand({ TableName, Item: lock('run-1', { id: { S: id } }) }));
    }
    const { Items } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: '#cluster = :cluster AND id < :lock',
        ExpressionAttributeNames: { '#cluster': 'cluster' },
        ExpressionAttributeValues: { ':cluster': { S: cluster }, ':lock': { S: 'lock' } },
        ScanIndexForward: false,
      }),
    );
    expect(Items?.map(({ id }) => id?.S)).toEqual(['2025-01-02T00:00:00.000Z#b', '2025-01-01T00:00:00.000Z#a']);
  });

  it.each(['LOCALKEY2', 'LOCALKE', 'AKIAEXAMPLE'])(
    "refuses a caller without this run's access key: %s",
    async (accessKeyId) => {
      const stranger = clientWith(accessKeyId);
      const put = new PutItemCommand({ TableName, Item: lock('stranger') });
      await expect(stranger.send(put)).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
      stranger.destroy();
      const Key = { cluster: { S: cluster }, id: { S: 'lock' } };
      expect(await client.send(new GetItemCommand({ TableName, Key }))).not.toHaveProperty('Item');
    },
  );

  it('refuses a caller without a signature', async () => {
    const response = await fetch(database.url, {
      method: 'POST',
      headers: { 'X-Amz-Target': 'DynamoDB_20120810.ListTables' },
      body: '{}',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      __type: expect.stringMatching(/#UnrecognizedClientException$/),
    });
  });

  it('is gone once it is closed', async () => {
    const closing = await serveDynamoDb([], CREDENTIALS);
    await closing.close();
    await expect(fetch(closing.url)).rejects.toThrow('fetch failed');
  });
});

describe("Step Functions' integration", () => {
  /** The answer of the database, or the failure that Step Functions gets. */
  async function call(action: string, args: object): Promise<unknown> {
    const handler = database.tasks[`${DYNAMODB}${action}`];
    const task = { signal: new AbortController().signal, context: {} as ContextObject, submitted: () => undefined };
    return handler?.({ TableName, ...args } as JsonValue, task).catch(({ error }: ExecutionError) => error);
  }

  it.each<[string, (lockOf: typeof lock) => [string, object][]]>([
    ['a lock that nobody has', () => [['putItem', { Item: lock('a'), ...FREE_FOR('a', '1') }]]],
    [
      'a lock that another one has',
      () => [
        ['putItem', { Item: lock('a') }],
        ['putItem', { Item: lock('b'), ...FREE_FOR('b', '1000') }],
      ],
    ],
    [
      'a lock that has expired',
      () => [
        ['putItem', { Item: lock('a') }],
        ['putItem', { Item: lock('b'), ...FREE_FOR('b', '1001') }],
      ],
    ],
    [
      'a lock that is its own',
      () => [
        ['putItem', { Item: lock('a') }],
        ['putItem', { Item: lock('a', { expiresAt: { N: '2000' } }), ...FREE_FOR('a', '1') }],
      ],
    ],
    [
      'a lock that it takes over, and one that it does not',
      () => [
        ['putItem', { Item: lock('a') }],
        ['putItem', { Item: lock('b'), ...OWNED_BY('a') }],
        ['putItem', { Item: lock('c'), ...OWNED_BY('a') }],
      ],
    ],
    ['a lock to take over that is gone', () => [['putItem', { Item: lock('b'), ...OWNED_BY('a') }]]],
    [
      'a question and its end',
      () => {
        const Key = { cluster: { S: cluster }, id: { S: 'lock' } };
        const approval = { M: { id: { S: '1' } } };
        return [
          ['putItem', { Item: lock('a') }],
          [
            'updateItem',
            { Key, UpdateExpression: 'SET approval = :approval', ...OWNED_BY('a', { ':approval': approval }) },
          ],
          ['getItem', { Key, ConsistentRead: true }],
          ['updateItem', { Key, UpdateExpression: 'REMOVE approval', ...OWNED_BY('b') }],
          ['updateItem', { Key, UpdateExpression: 'REMOVE approval', ...OWNED_BY('a') }],
        ];
      },
    ],
    [
      'a lock given back by another one, by its own, and once more',
      () => {
        const Key = { cluster: { S: cluster }, id: { S: 'lock' } };
        return [
          ['putItem', { Item: lock('a') }],
          ['deleteItem', { Key, ...OWNED_BY('b') }],
          ['deleteItem', { Key, ...OWNED_BY('a') }],
          ['deleteItem', { Key, ...OWNED_BY('a') }],
        ];
      },
    ],
    [
      'a record that is there already',
      () => [
        ['putItem', { Item: lock('a'), ConditionExpression: 'attribute_not_exists(id)' }],
        ['putItem', { Item: lock('b'), ConditionExpression: 'attribute_not_exists(id)' }],
      ],
    ],
  ])('answers as the table of the tests without I/O does: %s', async (_, callsOf) => {
    const table = new LockTable();
    const inMemory = (action: string, args: object) => {
      try {
        return table.call(action, { TableName, ...args } as JsonValue);
      } catch (error) {
        return (error as ExecutionError).error;
      }
    };
    const Key = { cluster: { S: cluster }, id: { S: 'lock' } };
    const look: [string, object] = ['getItem', { Key, ConsistentRead: true }];
    for (const [action, args] of [...callsOf(lock), look]) {
      expect(await call(action, args), action).toEqual(inMemory(action, args));
    }
  });

  it('fails under the name that Step Functions gives it', async () => {
    const Key = { cluster: { S: '' }, id: { S: 'lock' } };
    expect(await call('getItem', { Key })).toBe('DynamoDb.ValidationException');
    expect(await call('getItem', { TableName: 'other', Key: lock('a') })).toMatch(/^DynamoDb\.\w+Exception$/);
  });

  it('is cut off with its state', async () => {
    const handler = database.tasks[`${DYNAMODB}getItem`];
    const task = {
      signal: AbortSignal.abort(new Error('Stopped.')),
      context: {} as ContextObject,
      submitted: () => undefined,
    };
    const Key = { cluster: { S: cluster }, id: { S: 'lock' } };
    await expect(handler?.({ TableName, Key }, task)).rejects.toThrow('Stopped.');
  });
});
