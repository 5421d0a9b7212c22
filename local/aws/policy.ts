/**
 * IAM's decision on one request, for the small part of the policy language that the stacks use. What is not known here is refused with an error, so
 * that a policy never means less than it says.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */

export interface Statement {
  Effect: string;
  Action: string | string[];
  Resource?: string | string[];
  Principal?: Readonly<Record<string, unknown>>;
  Condition?: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
  Sid?: string;
}

export interface Permission {
  /** `ssm:SendCommand` */
  action: string;
  /** An ARN; `*` where the action knows none. Left out where the policy is of what is asked for itself, as a role's trust is. */
  resource?: string;
}

/** What is known of a request besides: `aws:userid`. */
export type Context = Readonly<Record<string, string>>;

const FIELDS = ['Effect', 'Action', 'Resource', 'Principal', 'Condition', 'Sid'];

/** Whether a statement allows it, and none denies it. @throws Error for what is not known of the policy language */
export function isAllowed(statements: readonly Statement[], permission: Permission, context: Context): boolean {
  const effects = statements.filter((each) => applies(each, permission, context)).map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}

function applies(statement: Statement, { action, resource }: Permission, context: Context): boolean {
  const unknown = Object.keys(statement).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new Error(`The embedded platform does not know a policy's ${unknown}.`);
  if (!['Allow', 'Deny'].includes(statement.Effect)) {
    throw new Error(`The embedded platform does not know the effect ${statement.Effect}.`);
  }
  return (
    listOf(statement.Action).some((each) => fits(each.toLowerCase(), action.toLowerCase())) &&
    (resource === undefined || listOf(statement.Resource ?? []).some((each) => fits(each, resource))) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) => holds(operator, keys, context))
  );
}

/** A key that the request does not have meets no condition. */
function holds(operator: string, keys: Readonly<Record<string, string | string[]>>, context: Context): boolean {
  const compare = OPERATORS[operator];
  if (!compare) throw new Error(`The embedded platform does not know the condition ${operator}.`);
  return Object.entries(keys).every(([key, values]) => {
    const given = context[key];
    return given !== undefined && listOf(values).some((value) => compare(value, given));
  });
}

/** ArnLike compares the six parts of an ARN each by itself: a wildcard does not get over a colon. */
const OPERATORS: Readonly<Record<string, (pattern: string, value: string) => boolean>> = {
  StringEquals: (pattern, value) => pattern === value,
  StringLike: fits,
  ArnLike: (pattern, value) => {
    const [patterns, values] = [partsOf(pattern), partsOf(value)];
    return patterns.length === values.length && patterns.every((part, index) => fits(part, values[index] ?? ''));
  },
};

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/** `*` stands for any text, `?` for one character. */
function fits(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text);
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
