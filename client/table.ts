import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LOCK_ID, type LockItem, PAGED_ID, type RecordItem } from '../core/remediation/remediation-items.ts';
import { AWS_CLIENT } from './aws.ts';
import { answerOf } from './aws-answers.ts';

/** The table of `core/remediation/remediation-items.ts`, read only: the entry workflow alone writes it. */
export class RemediationRecords {
  readonly #client = new DynamoDBClient(AWS_CLIENT);
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** A cluster's lock as it is now, if it is taken. @throws Problem `unavailable` */
  async lockOf(cluster: string): Promise<LockItem | undefined> {
    const { Item } = await answerOf(
      this.#client.send(
        new GetItemCommand({
          TableName: this.#name,
          Key: { cluster: { S: cluster }, id: { S: LOCK_ID } },
          ConsistentRead: true,
        }),
      ),
    );
    return Item && (unmarshall(Item) as LockItem);
  }

  /** A cluster's lock and its last record, in one reading. @throws Problem `unavailable` */
  async latestOf(cluster: string): Promise<{ lock: LockItem | undefined; record: RecordItem | undefined }> {
    const { Items = [] } = await answerOf(
      this.#client.send(
        new QueryCommand({
          TableName: this.#name,
          // The word is one of DynamoDB's own.
          KeyConditionExpression: '#cluster = :cluster',
          ExpressionAttributeNames: { '#cluster': 'cluster' },
          ExpressionAttributeValues: { ':cluster': { S: cluster } },
          // Records begin with a year: behind them is the lock, where there is one, and before them that a person was called.
          ScanIndexForward: false,
          Limit: 2,
          ConsistentRead: true,
        }),
      ),
    );
    const items = Items.map((item) => unmarshall(item) as LockItem | RecordItem);
    const record = items.find((item): item is RecordItem => !isLock(item) && item.id !== PAGED_ID);
    return { lock: items.find(isLock), record };
  }
}

function isLock(item: LockItem | RecordItem): item is LockItem {
  return item.id === LOCK_ID;
}
