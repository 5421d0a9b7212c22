/** The part of the Amazon States Language, in its JSONata flavour, that this runner implements. */

import * as z from 'zod';
import { expressionProblems, type StatesExtra } from './expression-check.ts';
import { expressionSource, isHalfDelimited } from './expressions.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import { nameProblems } from './name-check.ts';
import { isTimestamp } from './values.ts';

type Path = readonly PropertyKey[];

/** A value that has to be there. */
function field<Value>(holds: (value: unknown) => boolean, problem: (value: unknown) => string) {
  return z.custom<Value>(holds, { error: ({ input }) => (input === undefined ? 'is missing.' : problem(input)) });
}

function oneOf<const Value>(...allowed: readonly Value[]) {
  const list = allowed.map((value) => JSON.stringify(value)).join(' or ');
  return field<Value>(
    (value) => allowed.includes(value as Value),
    (value) => `must be ${list}, not ${JSON.stringify(value)}.`,
  );
}

function integer(least: number) {
  return field<number>(
    (value) => Number.isInteger(value) && (value as number) >= least,
    () => `must be an integer of at least ${least}.`,
  );
}

const text = field<string>(
  (value) => typeof value === 'string',
  () => 'must be a string.',
);

/** Other fields are refused. */
function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: ({ code, input }) => {
      if (code === 'unrecognized_keys') return undefined;
      return input === undefined ? 'is missing.' : 'must be an object.';
    },
  });
}

function listOf<Item extends z.ZodType>(item: Item) {
  const error = ({ input }: { input?: unknown }) =>
    input === undefined ? 'is missing.' : 'must be a non-empty array.';
  return z.array(item, { error }).min(1, { error });
}

/** Any JSON, with expressions at any depth. */
function template(...extras: StatesExtra[]) {
  return z.custom<JsonValue>().superRefine((value, { addIssue }) => {
    for (const { path, message } of templateProblems(value, [], extras)) {
      addIssue({ code: 'custom', path: [...path], message });
    }
  });
}

function* templateProblems(
  value: unknown,
  path: Path,
  extras: readonly StatesExtra[],
): Generator<{ path: Path; message: string }> {
  if (typeof value === 'string') {
    const source = expressionSource(value);
    if (isHalfDelimited(value)) {
      yield { path, message: `must start with {% and end with %}, or do neither: '${value}'.` };
    }
    if (source !== undefined) for (const message of expressionProblems(source, extras)) yield { path, message };
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      yield* templateProblems(inner, [...path, Array.isArray(value) ? Number(key) : key], extras);
    }
  }
}

function isExpression(value: unknown): boolean {
  return typeof value === 'string' && expressionSource(value) !== undefined;
}

const expression = field<string>(isExpression, () => 'must be an expression, {% ... %}.').pipe(
  template() as unknown as z.ZodType<string, string>,
);

/** An expression, or a literal. */
function expressionOr<Literal extends z.ZodType>(literal: Literal) {
  return z.custom<string | z.output<Literal>>().superRefine((value, { addIssue }) => {
    const schemas = isExpression(value) ? [template()] : [template(), literal];
    for (const { path, message } of schemas.flatMap((schema) => schema.safeParse(value).error?.issues ?? [])) {
      addIssue({ code: 'custom', path, message });
    }
  });
}

const timestamp = field<string>(isTimestamp, () => 'must be an RFC 3339 timestamp.');

/** Step Functions refuses a name that is reserved, or no identifier. */
function assign(...extras: StatesExtra[]) {
  return object({})
    .catchall(template(...extras))
    .superRefine((variables, { addIssue }) => {
      for (const name of Object.keys(variables)) {
        if (name === 'states') addIssue({ code: 'custom', path: [name], message: 'is a reserved name.' });
        if (!/^[\p{L}_][\p{L}\p{N}_]{0,79}$/u.test(name)) {
          addIssue({ code: 'custom', path: [name], message: 'is not a variable name.' });
        }
      }
    })
    .transform((variables) => variables as JsonObject);
}

/** Step Functions wants `States.ALL` alone, and last. */
function errorHandlers<Handler extends z.ZodType<{ ErrorEquals: string[] }>>(handler: Handler) {
  return listOf(handler).superRefine((handlers, { addIssue }) => {
    for (const [index, { ErrorEquals }] of handlers.entries()) {
      if (!ErrorEquals.includes('States.ALL') || (ErrorEquals.length === 1 && index === handlers.length - 1)) continue;
      const message = 'States.ALL must stand alone, and come last.';
      addIssue({ code: 'custom', path: [index, 'ErrorEquals'], message });
    }
  });
}

const common = { Comment: text.optional(), QueryLanguage: oneOf('JSONata').optional() };
const leaving = { Next: text.optional(), End: oneOf(true).optional() };
const exit = { Assign: assign().optional(), Output: template().optional() };
const exitWithResult = { Assign: assign('result').optional(), Output: template('result').optional() };

const retrier = object({
  ErrorEquals: listOf(text),
  Comment: text.optional(),
  IntervalSeconds: integer(1).optional(),
  BackoffRate: field<number>(
    (value) => typeof value === 'number' && value >= 1,
    () => 'must be a number of at least 1.',
  ).optional(),
  MaxDelaySeconds: integer(1).optional(),
  MaxAttempts: integer(0).optional(),
  JitterStrategy: oneOf('FULL', 'NONE').optional(),
});
const catcher = object({
  ErrorEquals: listOf(text),
  Comment: text.optional(),
  Assign: assign('errorOutput').optional(),
  Output: template('errorOutput').optional(),
  Next: text,
});
const recovery = { Retry: errorHandlers(retrier).optional(), Catch: errorHandlers(catcher).optional() };

const pass = object({ Type: z.literal('Pass'), ...common, ...leaving, ...exit });
const task = object({
  Type: z.literal('Task'),
  ...common,
  ...leaving,
  ...exitWithResult,
  ...recovery,
  Resource: text,
  Arguments: template().optional(),
  TimeoutSeconds: expressionOr(integer(1)).optional(),
});
const choice = object({
  Type: z.literal('Choice'),
  ...common,
  ...exit,
  Choices: listOf(object({ Comment: text.optional(), Condition: expression, ...exit, Next: text })),
  Default: text.optional(),
});
const wait = object({
  Type: z.literal('Wait'),
  ...common,
  ...leaving,
  ...exit,
  Seconds: expressionOr(integer(0)).optional(),
  Timestamp: expressionOr(timestamp).optional(),
});
const succeed = object({ Type: z.literal('Succeed'), ...common, Output: template().optional() });
const fail = object({
  Type: z.literal('Fail'),
  ...common,
  Error: expressionOr(text).optional(),
  Cause: expressionOr(text).optional(),
});
const map = object({
  Type: z.literal('Map'),
  ...common,
  ...leaving,
  ...exitWithResult,
  ...recovery,
  Items: z
    .custom<JsonValue>()
    .superRefine((value, { addIssue }) => {
      const { issues = [] } = (Array.isArray(value) ? template() : expression).safeParse(value).error ?? {};
      for (const { path, message } of issues) addIssue({ code: 'custom', path, message });
    })
    .optional(),
  ItemSelector: template().optional(),
  get ItemProcessor(): z.ZodType<Workflow> {
    return object({ ...chain(), ProcessorConfig: object({ Mode: oneOf('INLINE').optional() }).optional() });
  },
  MaxConcurrency: expressionOr(integer(0)).optional(),
});
const parallel = object({
  Type: z.literal('Parallel'),
  ...common,
  ...leaving,
  ...exitWithResult,
  ...recovery,
  Arguments: template().optional(),
  get Branches(): z.ZodType<Workflow[]> {
    return listOf(object(chain()));
  },
});

const state = z
  .discriminatedUnion('Type', [pass, task, choice, wait, succeed, fail, map, parallel], {
    error: ({ input }) =>
      isObject(input) ? `${JSON.stringify(input.Type)} is not a state type that runs here.` : 'must be an object.',
  })
  .superRefine((checked, { addIssue }) => {
    const eitherOf = (...fields: string[]) => {
      if (fields.filter((name) => name in checked).length === 1) return;
      addIssue({ code: 'custom', message: `must have either ${fields.join(' or ')}.` });
    };
    if (!['Choice', 'Succeed', 'Fail'].includes(checked.Type)) eitherOf('Next', 'End');
    if (checked.Type === 'Wait') eitherOf('Seconds', 'Timestamp');
  });

/** The states of a machine, a branch or an item processor. */
function chain() {
  const States = z.record(z.string(), state, {
    error: ({ input }) => (input === undefined ? 'is missing.' : 'must be an object.'),
  });
  return { Comment: text.optional(), StartAt: text, States };
}

const machine = object({
  ...chain(),
  QueryLanguage: oneOf('JSONata'),
  Version: oneOf('1.0').optional(),
  TimeoutSeconds: integer(1).optional(),
});

export type State = z.output<typeof state>;
export type TaskState = z.output<typeof task>;
export type ChoiceState = z.output<typeof choice>;
export type WaitState = z.output<typeof wait>;
export type FailState = z.output<typeof fail>;
export type MapState = z.output<typeof map>;
export type ParallelState = z.output<typeof parallel>;
export type Retrier = z.output<typeof retrier>;
export type Catcher = z.output<typeof catcher>;

/** What is evaluated when a state is left. */
export interface Exit {
  Assign?: JsonObject | undefined;
  Output?: JsonValue | undefined;
}

/** A chain of states: a whole state machine, a branch of a Parallel, or the item processor of a Map. */
export interface Workflow {
  StartAt: string;
  States: Record<string, State>;
}

/** A definition that passed `checkDefinition`. */
export type StateMachineDefinition = z.output<typeof machine>;

/** Names everything in a definition that this runner does not implement, each with its path. */
class UnsupportedDefinition extends Error {
  constructor(problems: readonly string[]) {
    super(`This state machine cannot run here:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.name = 'UnsupportedDefinition';
  }
}

/** What has passed: few state machines are started, each of them often, and to check one takes as long as to run many a step. */
const passed = new Set<string>();

/**
 * The definition, typed, if this runner implements all of it; otherwise throws `UnsupportedDefinition` with every problem at
 * once, so that nothing of an execution happens before it is known that all of it can.
 *
 * @param resources the Resource values that Task states may name
 */
export function checkDefinition(definition: unknown, resources: readonly string[]): StateMachineDefinition {
  const text = JSON.stringify([definition, resources]);
  if (!passed.has(text)) {
    const { error } = machine.safeParse(definition);
    const problems = [...(error?.issues ?? []).flatMap(describe), ...nameProblems(definition, resources)];
    if (problems.length > 0) throw new UnsupportedDefinition(problems);
    passed.add(text);
  }
  return definition as StateMachineDefinition;
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code !== 'unrecognized_keys') return [`${pathOf(issue.path)}: ${issue.message}`];
  return issue.keys.map((key) => `${pathOf([...issue.path, key])}: is not a field that this runner implements here.`);
}

/** `States.A.Retry[0].ErrorEquals` */
function pathOf(path: Path): string {
  const joined = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return joined.replace(/^\./, '') || 'definition';
}
