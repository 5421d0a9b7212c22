import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { RemediationRecords } from '../../client/table.ts';
import { type DynamoDb, serveDynamoDb, type Table } from '../../local/aws/dynamodb.ts';
import { FLEET, synthesizeStacks } from '../lib/stacks.ts';

const CREDENTIALS = { region: 'local', accessKeyId: 'LOCALKEY', secretAccessKey: 'any' };
const [table] = synthesizeStacks(FLEET).tables as [Table];

let database: DynamoDb;
let client: DynamoDBClient;
let records: RemediationRecords;
beforeAll(async () => {
  database = await serveDynamoDb([table], CREDENTIALS);
  client = new DynamoDBClient({ endpoint: database.url, region: 'local', credentials: CREDENTIALS });
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', database.url);
  vi.stubEnv('AWS_REGION', CREDENTIALS.region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', CREDENTIALS.secretAccessKey);
  records = new RemediationRecords(String(table.TableName));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  client.destroy();
  await database.close();
});

async function put(cluster: string, id: string): Promise<void> {
  await client.send(
    new PutItemCommand({ TableName: table.TableName, Item: { cluster: { S: cluster }, id: { S: id } } }),
  );
}

const PAGED = '#paged';
const OLD = '2026-11-26T23:20:00.000Z#one';
const NEW = '2026-11-27T23:20:00.000Z#two';

it.each<[string, string[], { lock: boolean; record: string | undefined }]>([
  ['nothing', [], { lock: false, record: undefined }],
  ['a lock', ['lock'], { lock: true, record: undefined }],
  ['records', [OLD, NEW], { lock: false, record: NEW }],
  ['a lock and records', ['lock', OLD, NEW], { lock: true, record: NEW }],
  ['a person who was called, and nothing else', [PAGED], { lock: false, record: undefined }],
  ['a person who was called, and a lock', [PAGED, 'lock'], { lock: true, record: undefined }],
  ['a person who was called, and a record', [PAGED, NEW], { lock: false, record: NEW }],
  ['all of these', [PAGED, 'lock', OLD, NEW], { lock: true, record: NEW }],
])('a cluster with %s has this lock and this record as its last', async (what, ids, expected) => {
  const cluster = what.replaceAll(/\W/g, '-');
  for (const id of ids) await put(cluster, id);
  const { lock, record } = await records.latestOf(cluster);
  expect({ lock: lock !== undefined, record: record?.id }).toEqual(expected);
});
