import jsonata from 'jsonata';
import { QueryEvaluationError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** What an expression can read: `$states`, the variables, and the functions beyond JSONata's own. */
export interface EvaluationScope {
  states: object;
  variables: JsonObject;
  functions: Record<string, unknown>;
}

const OPENING = '{%';
const CLOSING = '%}';
const compiled = new Map<string, jsonata.Expression>();

/** The JSONata inside `{% ... %}`, or undefined when the string is literal text. Spaces around the delimiters make it text. */
export function expressionSource(text: string): string | undefined {
  if (text.length < OPENING.length + CLOSING.length) return undefined;
  if (!text.startsWith(OPENING) || !text.endsWith(CLOSING)) return undefined;
  return text.slice(OPENING.length, -CLOSING.length).trim();
}

/** Opened but not closed, or closed but not opened: Step Functions refuses such a string rather than take it as text. */
export function isHalfDelimited(text: string): boolean {
  if (expressionSource(text) !== undefined) return false;
  return text.startsWith(OPENING) || text.endsWith(CLOSING);
}

/** Throws jsonata's error when the source does not parse. */
export function compileExpression(source: string): jsonata.Expression {
  const known = compiled.get(source);
  if (known) return known;
  const expression = jsonata(source);
  compiled.set(source, expression);
  return expression;
}

/**
 * A JSON value with every expression in it replaced by its result. Fails with `States.QueryEvaluationError` for an expression
 * that fails, or whose result JSON cannot hold: nothing, or a function.
 */
export async function evaluateTemplate(
  template: JsonValue,
  scope: EvaluationScope,
  location: string,
): Promise<JsonValue> {
  if (typeof template === 'string') {
    const source = expressionSource(template);
    return source === undefined ? template : evaluateExpression(source, scope, location);
  }
  if (Array.isArray(template)) {
    return Promise.all(template.map((item, index) => evaluateTemplate(item, scope, `${location}[${index}]`)));
  }
  if (template !== null && typeof template === 'object') {
    const evaluated = Object.entries(template).map(
      async ([key, value]) => [key, await evaluateTemplate(value, scope, `${location}/${key}`)] as const,
    );
    return Object.fromEntries(await Promise.all(evaluated));
  }
  return template;
}

async function evaluateExpression(source: string, scope: EvaluationScope, location: string): Promise<JsonValue> {
  let result: unknown;
  try {
    // The root context stays undefined, as in Step Functions: everything is read through $states and variables.
    result = await compileExpression(source).evaluate(undefined, {
      ...scope.functions,
      ...scope.variables,
      states: scope.states,
    });
  } catch (error) {
    throw evaluationFailure(source, location, `failed: ${(error as { message?: string }).message ?? error}`);
  }
  if (result === undefined) throw evaluationFailure(source, location, 'returned nothing (undefined).');
  return plainCopy(result, () => evaluationFailure(source, location, 'returned a function, which JSON cannot hold.'));
}

function evaluationFailure(source: string, location: string, what: string): QueryEvaluationError {
  return new QueryEvaluationError(
    location,
    `The JSONata expression '${source}' specified for the field '${location}' ${what}`,
  );
}

/** Plain arrays and objects, sharing nothing with the evaluation. jsonata's own functions are objects that hold one. */
function plainCopy(value: unknown, refuseFunction: () => Error): JsonValue {
  if (typeof value === 'function') throw refuseFunction();
  if (value === null || typeof value !== 'object') return value as JsonValue;
  if (Array.isArray(value)) return value.map((item) => plainCopy(item, refuseFunction));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, plainCopy(member, refuseFunction)]),
  );
}
