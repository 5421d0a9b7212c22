import type * as z from 'zod';
import { InvalidInput } from '../errors.ts';

/**
 * Parses `value` by `schema`.
 * @param subject what a responder calls the value: "clusters.json", "the execution input"
 * @throws InvalidInput listing every problem at once, each with its path
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, subject: string): z.output<Schema> {
  const result = schema.safeParse(value, { error: explain });
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${pathOf([...issue.path, key])}: is not a known field`)
      : [`${pathOf(issue.path)}: ${issue.message}`],
  );
  refuse(problems, subject);
}

/** @param problems each with its path @throws InvalidInput */
export function refuse(problems: readonly string[], subject: string): never {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new InvalidInput(
    `${subject} has ${count}; nothing was touched.\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
  );
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

/** zod's words are for programmers, these for a responder; a schema's own message goes before both. No value is repeated: it may be a secret. */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return undefined;
  if (issue.input === undefined) return 'is missing';
  if (issue.code === 'invalid_type') {
    const wanted = KINDS[issue.expected] ?? issue.expected;
    // Half a number is one as well.
    return typeof issue.input === 'number' && wanted.endsWith('number')
      ? `must be ${wanted}`
      : `must be ${wanted}, and is ${kindOf(issue.input)}`;
  }
  return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
}

/** What a value that was read from JSON is, without itself. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return KINDS[typeof value] ?? typeof value;
}

/** For a value whose shape says more than that it is an object: `must be {"exec": [...]}, and is text`. @param example lines to follow */
export function mustBe(
  shape: string,
  ...example: readonly string[]
): { error: (issue: z.core.$ZodRawIssue) => string | undefined } {
  const shown = example.length === 0 ? '' : `; for example:\n${example.map((line) => `    ${line}`).join('\n')}`;
  return {
    error: ({ code, input }) =>
      code === 'invalid_type' && input !== undefined ? `must be ${shape}, and is ${kindOf(input)}${shown}` : undefined,
  };
}

/** `["clusters", 0, "members", 1, "clientUrl"]` -> `clusters[0].members[1].clientUrl` */
function pathOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(the whole)';
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}
