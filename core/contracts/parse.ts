import type * as z from 'zod';
import { InvalidInput } from '../errors.ts';

/**
 * Parses `value` by `schema`.
 * @param subject what a responder calls the value: "clusters.json", "the execution input"
 * @throws InvalidInput listing every problem at once, each with its path
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, subject: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `- ${pathOf([...issue.path, key])}: is not a known field`)
      : [`- ${pathOf(issue.path)}: ${issue.message}`],
  );
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new InvalidInput(`${subject} has ${count}; nothing was touched.\n${problems.join('\n')}`);
}

/** `["clusters", 0, "members", 1, "clientUrl"]` -> `clusters[0].members[1].clientUrl` */
function pathOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(the whole)';
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}
