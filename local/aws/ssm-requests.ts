import * as z from 'zod';
import { AwsError } from './aws-error.ts';

/**
 * Parses a request of Run Command.
 * @throws AwsError `ValidationException` for a field that is wrong, missing, or not known here
 */
export function parseRequest<Schema extends z.ZodType>(schema: Schema, request: unknown): z.output<Schema> {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `This endpoint does not know ${[...issue.path, issue.keys.join(', ')].join('.')}.`
      : `${issue.path.join('.')}: ${issue.message}.`,
  );
  throw new AwsError('ValidationException', problems.join(' '));
}

/** Lists are answered in pages. @param most what SSM allows for `MaxResults` */
export function pageFields(least: number, most: number) {
  return { MaxResults: z.int().min(least).max(most).optional(), NextToken: z.string().optional() };
}

/** One page of a list, and where the next begins. @throws AwsError `InvalidNextToken` */
export function pageOf<Item>(
  items: readonly Item[],
  { MaxResults, NextToken = '0' }: { MaxResults: number; NextToken: string | undefined },
): { page: Item[]; NextToken?: string } {
  const begin = Number(NextToken);
  if (!/^\d+$/.test(NextToken) || (begin > 0 && begin >= items.length)) {
    throw new AwsError('InvalidNextToken', `This endpoint gave no token ${JSON.stringify(NextToken)}.`);
  }
  const end = begin + MaxResults;
  return { page: items.slice(begin, end), ...(end < items.length && { NextToken: String(end) }) };
}
