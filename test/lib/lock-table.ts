import { ExecutionError } from '../../local/asl/errors.ts';
import type { JsonValue } from '../../local/asl/json.ts';

export const DYNAMODB = 'arn:aws:states:::aws-sdk:dynamodb:';

type AttributeValue = { S: string } | { N: string } | { M: Item };
export interface Item {
  [name: string]: AttributeValue;
}

interface Request {
  TableName: string;
  Item?: Item;
  Key?: Item;
  ConsistentRead?: true;
  ReturnValues?: 'ALL_OLD';
  ConditionExpression?: string;
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Item;
}

/**
 * The table of remediations without I/O, so that time that passes at once does not pass meanwhile. Knows just the conditions and updates that the
 * workflows use, and refuses any other; local/aws/dynamodb.test.ts has them answered by a real database.
 */
export class LockTable {
  readonly #items = new Map<string, Item>();

  put(item: Item): void {
    requireItem(item);
    this.#items.set(keyOf(item), item);
  }

  delete(cluster: string): void {
    this.#items.delete(keyOf({ cluster: { S: cluster }, id: { S: 'lock' } }));
  }

  /** A cluster's lock. */
  lockOf(cluster: string): Item | undefined {
    return this.#items.get(keyOf({ cluster: { S: cluster }, id: { S: 'lock' } }));
  }

  /** What was written of remediations that have ended. */
  get records(): Item[] {
    return [...this.#items.values()].filter(({ id }) => /^\d{4}-/.test(textOf(id)));
  }

  /** Whether it is noted that a person was called for a cluster. */
  isPaged(cluster: string): boolean {
    return this.#items.has(keyOf({ cluster: { S: cluster }, id: { S: '#paged' } }));
  }

  /** Answers one call. @throws ExecutionError as Step Functions' integration with DynamoDB fails */
  call(action: string, args: JsonValue): JsonValue {
    const { TableName, Item, Key, ConsistentRead, ReturnValues, ConditionExpression, UpdateExpression, ...rest } =
      args as unknown as Request;
    const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {}, ...others } = rest;
    if (!TableName || Object.keys(others).length > 0) throw new Error(`What is ${JSON.stringify(args)}?`);
    const key = keyOf(Item ?? Key ?? {});
    const found = this.#items.get(key);
    const holds = (clause: string) => {
      const [, absent] = /^attribute_not_exists\((\w+)\)$/.exec(clause) ?? [];
      if (absent) return found?.[absent] === undefined;
      const [, name = '', operator, value = ''] = /^(#?\w+) ([=<]) (:\w+)$/.exec(clause) ?? [];
      const [left, right] = [found?.[names[name] ?? name], values[value]];
      if (!operator || !right) throw new Error(`What is ${clause}?`);
      if (left === undefined) return false;
      return operator === '=' ? textOf(left) === textOf(right) : Number(textOf(left)) < Number(textOf(right));
    };
    if (ConditionExpression && !ConditionExpression.split(' OR ').some(holds)) {
      throw new ExecutionError('DynamoDb.ConditionalCheckFailedException', 'The conditional request failed');
    }
    switch (action) {
      case 'putItem':
        this.put(Item ?? {});
        return {};
      case 'getItem':
        if (!ConsistentRead) throw new Error('A lock is read consistently.');
        return { ...(found && { Item: found as unknown as JsonValue }) };
      case 'deleteItem':
        this.#items.delete(key);
        return { ...(ReturnValues && found && { Attributes: found as unknown as JsonValue }) };
      case 'updateItem':
        this.put(updated({ ...Key, ...found }, UpdateExpression ?? '', values));
        return {};
      default:
        throw new Error(`What is ${action}?`);
    }
  }
}

function updated(item: Item, expression: string, values: Item): Item {
  const [, removed] = /^REMOVE (\w+)$/.exec(expression) ?? [];
  if (removed) return Object.fromEntries(Object.entries(item).filter(([name]) => name !== removed));
  const [, set = '', kept = '', value = ''] =
    /^SET (\w+) = (?:if_not_exists\((\w+), )?(:\w+)\)?$/.exec(expression) ?? [];
  if (!set || !values[value]) throw new Error(`What is ${expression}?`);
  return { ...item, [set]: item[kept] ?? values[value] };
}

function keyOf({ cluster, id }: Item): string {
  const [partition, sort] = [textOf(cluster), textOf(id)];
  // DynamoDB takes no empty text in a key.
  if (!partition || !sort) throw new ExecutionError('DynamoDb.DynamoDbException', 'One of the key attributes is empty');
  return `${partition}/${sort}`;
}

/** As DynamoDB takes it: an attribute has one type and a value of it. */
function requireItem(item: Item): void {
  for (const [name, value] of Object.entries(item)) {
    const [[type, content] = [], ...more] = Object.entries(value);
    if (type === 'M') requireItem(content);
    else if ((type !== 'S' && type !== 'N') || typeof content !== 'string' || more.length > 0) {
      throw new Error(`${name} is ${JSON.stringify(value)}.`);
    }
    if (type === 'N' && !/^\d+$/.test(content)) throw new Error(`${name} is ${content}.`);
  }
}

function textOf(value: AttributeValue | undefined): string {
  return value === undefined ? '' : 'S' in value ? value.S : 'N' in value ? value.N : JSON.stringify(value.M);
}
