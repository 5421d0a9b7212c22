import { Token } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';
import type * as z from 'zod';
import { InvalidInput } from '../core/errors.ts';
import { parse } from '../core/text/parse.ts';

/**
 * The props of a construct by the schema of what they describe.
 * @throws InvalidInput with every problem and its path
 */
export function parseProps<Schema extends z.ZodType>(of: IConstruct, schema: Schema, props: unknown): z.output<Schema> {
  const subject = `The ${of.constructor.name} ${of.node.path}`;
  const late = pathOfToken(props);
  if (late !== undefined) {
    throw new InvalidInput(
      `${subject} has a value that is known only when it is deployed, a token of the CDK: ${late}. What is written into alarms, policies and dashboards ` +
        'has to be known before: write the ID, the name or the address itself.',
    );
  }
  return parse(schema, props, subject);
}

/** Of the first value that the CDK fills in later: `members[0].host`. */
function pathOfToken(value: unknown, path = ''): string | undefined {
  if (Token.isUnresolved(value)) return path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const place = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    const found = pathOfToken(inner, place);
    if (found !== undefined) return found;
  }
  return undefined;
}
