import type { StatesExtra } from './expression-check.ts';
import {
  below,
  checkFields,
  expression,
  expressionOr,
  integer,
  listOf,
  number,
  objectOf,
  oneOf,
  type Place,
  type Rule,
  template,
  text,
} from './field-rules.ts';
import { isObject } from './json.ts';
import type { State } from './types.ts';
import { isTimestamp } from './values.ts';

/** What the check of a chain of states knows from around it. */
interface WorkflowPlace extends Place {
  kind: 'machine' | 'branch' | 'processor';
  /** Assigned in the scopes around this one. */
  outerVariables: ReadonlySet<string>;
  resources: ReadonlySet<string>;
}

/** What the check of a state knows from its chain. */
interface StatePlace extends WorkflowPlace {
  stateNames: ReadonlySet<string>;
  ownVariables: ReadonlySet<string>;
}

const workflowRules: Record<WorkflowPlace['kind'], Record<string, Rule<StatePlace>>> = {
  machine: {
    Comment: text,
    QueryLanguage: oneOf('JSONata'),
    Version: oneOf('1.0'),
    TimeoutSeconds: integer(1),
    StartAt: target,
    States: states,
  },
  branch: { Comment: text, StartAt: target, States: states },
  processor: {
    Comment: text,
    ProcessorConfig: objectOf({ Mode: oneOf('INLINE') }),
    StartAt: target,
    States: states,
  },
};

/** Checks a machine, a branch, or an item processor, with everything in it. */
export function checkWorkflow(workflow: Record<string, unknown>, place: WorkflowPlace): void {
  const inside = isObject(workflow.States) ? workflow.States : {};
  const required = ['StartAt', 'States', ...(place.kind === 'machine' ? ['QueryLanguage'] : [])];
  const here = {
    ...place,
    stateNames: new Set(Object.keys(inside)),
    ownVariables: new Set(Object.values(inside).flatMap(assignedNames)),
  };
  checkFields(workflow, here, workflowRules[place.kind], required);
}

function states(value: unknown, place: StatePlace): void {
  if (!isObject(value)) {
    place.report(place.path, 'must be an object.');
    return;
  }
  for (const [name, state] of Object.entries(value)) checkState(state, below(place, name));
}

function workflow(kind: 'branch' | 'processor'): Rule<StatePlace> {
  return (value, place) => {
    if (!isObject(value)) {
      place.report(place.path, 'must be an object.');
      return;
    }
    const outerVariables = new Set([...place.outerVariables, ...place.ownVariables]);
    checkWorkflow(value, { ...place, kind, outerVariables });
  };
}

function target(value: unknown, { path, report, stateNames }: StatePlace): void {
  if (typeof value !== 'string' || !stateNames.has(value)) {
    report(path, `names ${JSON.stringify(value)}, which is not a state beside it.`);
  }
}

function resource(value: unknown, { path, report, resources }: StatePlace): void {
  if (resources.has(value as string)) return;
  report(path, `${JSON.stringify(value)} is not a resource that runs here; these do: ${[...resources].join(', ')}.`);
}

function timestamp(value: unknown, { path, report }: Place): void {
  if (!isTimestamp(value)) report(path, 'must be an RFC 3339 timestamp.');
}

/** Step Functions refuses a name that is reserved, is no identifier, or hides a variable of a scope around it. */
function assign(...extras: StatesExtra[]): Rule<StatePlace> {
  return (value, place) => {
    if (!isObject(value)) {
      place.report(place.path, 'must be an object.');
      return;
    }
    template(...extras)(value, place);
    for (const name of Object.keys(value)) {
      const { path } = below(place, name);
      if (name === 'states') place.report(path, 'is a reserved name.');
      if (!/^[\p{L}_][\p{L}\p{N}_]{0,79}$/u.test(name)) place.report(path, 'is not a variable name.');
      if (place.outerVariables.has(name)) place.report(path, 'is already a variable of a scope around this one.');
    }
  };
}

/** The names a state, with its choice rules and catchers, assigns in its own scope. */
function assignedNames(state: unknown): string[] {
  if (!isObject(state)) return [];
  const exits = [state, ...[state.Choices, state.Catch].flatMap((list) => (Array.isArray(list) ? list : []))];
  return exits.flatMap((exit) => (isObject(exit) && isObject(exit.Assign) ? Object.keys(exit.Assign) : []));
}

/** Step Functions wants `States.ALL` alone, and last. */
function errorHandlers(rules: Record<string, Rule<StatePlace>>, required: string[]): Rule<StatePlace> {
  const each = listOf(objectOf(rules, required));
  return (value, place) => {
    each(value, place);
    if (!Array.isArray(value)) return;
    value.forEach((handler, index) => {
      const names = isObject(handler) && Array.isArray(handler.ErrorEquals) ? handler.ErrorEquals : [];
      if (!names.includes('States.ALL') || (names.length === 1 && index === value.length - 1)) return;
      place.report(below(place, `[${index}].ErrorEquals`).path, 'States.ALL must stand alone, and come last.');
    });
  };
}

const common = { Type: text, Comment: text, QueryLanguage: oneOf('JSONata') };
const leaving = { Next: target, End: oneOf(true) };
const exit = { Assign: assign(), Output: template() };
const exitWithResult = { Assign: assign('result'), Output: template('result') };
const recovery = {
  Retry: errorHandlers(
    {
      ErrorEquals: listOf(text),
      Comment: text,
      IntervalSeconds: integer(1),
      BackoffRate: number(1),
      MaxDelaySeconds: integer(1),
      MaxAttempts: integer(0),
      JitterStrategy: oneOf('FULL', 'NONE'),
    },
    ['ErrorEquals'],
  ),
  Catch: errorHandlers(
    {
      ErrorEquals: listOf(text),
      Comment: text,
      Assign: assign('errorOutput'),
      Output: template('errorOutput'),
      Next: target,
    },
    ['ErrorEquals', 'Next'],
  ),
};
const choiceRule = objectOf({ Comment: text, Condition: expression, ...exit, Next: target }, ['Condition', 'Next']);

const stateRules: Record<State['Type'], { fields: Record<string, Rule<StatePlace>>; required?: string[] }> = {
  Pass: { fields: { ...common, ...leaving, ...exit } },
  Task: {
    fields: {
      ...common,
      ...leaving,
      ...exitWithResult,
      ...recovery,
      Resource: resource,
      Arguments: template(),
      TimeoutSeconds: expressionOr(integer(1)),
    },
    required: ['Resource'],
  },
  Choice: {
    fields: { ...common, ...exit, Choices: listOf(choiceRule), Default: target },
    required: ['Choices'],
  },
  Wait: {
    fields: {
      ...common,
      ...leaving,
      ...exit,
      Seconds: expressionOr(integer(0)),
      Timestamp: expressionOr(timestamp),
    },
  },
  Succeed: { fields: { ...common, Output: template() } },
  Fail: { fields: { ...common, Error: expressionOr(text), Cause: expressionOr(text) } },
  Map: {
    fields: {
      ...common,
      ...leaving,
      ...exitWithResult,
      ...recovery,
      Items: items,
      ItemSelector: template(),
      ItemProcessor: workflow('processor'),
      MaxConcurrency: expressionOr(integer(0)),
    },
    required: ['ItemProcessor'],
  },
  Parallel: {
    fields: {
      ...common,
      ...leaving,
      ...exitWithResult,
      ...recovery,
      Arguments: template(),
      Branches: listOf(workflow('branch')),
    },
    required: ['Branches'],
  },
};

function items(value: unknown, place: Place): void {
  if (Array.isArray(value)) template()(value, place);
  else expression(value, place);
}

function checkState(state: unknown, place: StatePlace): void {
  if (!isObject(state)) {
    place.report(place.path, 'must be an object.');
    return;
  }
  const type = String(state.Type);
  if (!Object.hasOwn(stateRules, type)) {
    place.report(below(place, 'Type').path, `${JSON.stringify(state.Type)} is not a state type that runs here.`);
    return;
  }
  const { fields, required } = stateRules[type as State['Type']];
  checkFields(state, place, fields, required);
  if ('Next' in fields) checkExactlyOne(state, place, ['Next', 'End']);
  if (type === 'Wait') checkExactlyOne(state, place, ['Seconds', 'Timestamp']);
}

function checkExactlyOne(state: Record<string, unknown>, { path, report }: Place, fields: string[]): void {
  if (fields.filter((field) => field in state).length !== 1) report(path, `must have either ${fields.join(' or ')}.`);
}
