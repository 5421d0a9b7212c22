import { expressionProblems, type StatesExtra } from './expression-check.ts';
import { expressionSource, isHalfDelimited } from './expressions.ts';
import { isObject } from './json.ts';

/** Where a value stands, and whom to tell of a problem with it. */
export interface Place {
  path: string;
  report(path: string, message: string): void;
}

/** Reports what is wrong with a field's value. */
export type Rule<P extends Place = Place> = (value: unknown, place: P) => void;

export function below<P extends Place>(place: P, part: string): P {
  if (part.startsWith('[') || place.path === '') return { ...place, path: `${place.path}${part}` };
  return { ...place, path: `${place.path}.${part}` };
}

/** Fields outside `rules` are refused; those of `required` must be there. */
export function checkFields<P extends Place>(
  value: Record<string, unknown>,
  place: P,
  rules: Readonly<Record<string, Rule<P>>>,
  required: readonly string[] = [],
): void {
  for (const [field, content] of Object.entries(value)) {
    const fieldPlace = below(place, field);
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    if (rule) rule(content, fieldPlace);
    else fieldPlace.report(fieldPlace.path, 'is not a field that this runner implements here.');
  }
  for (const field of required) {
    if (!Object.hasOwn(value, field)) place.report(below(place, field).path, 'is missing.');
  }
}

export function oneOf(...allowed: unknown[]): Rule {
  return (value, { path, report }) => {
    if (allowed.includes(value)) return;
    report(path, `must be ${allowed.map((item) => JSON.stringify(item)).join(' or ')}, not ${JSON.stringify(value)}.`);
  };
}

export const text: Rule = (value, { path, report }) => {
  if (typeof value !== 'string') report(path, 'must be a string.');
};

export function integer(least: number): Rule {
  return (value, { path, report }) => {
    if (!Number.isInteger(value) || (value as number) < least) report(path, `must be an integer of at least ${least}.`);
  };
}

export function number(least: number): Rule {
  return (value, { path, report }) => {
    if (typeof value !== 'number' || value < least) report(path, `must be a number of at least ${least}.`);
  };
}

/** An array of at least one item, each of which follows the rule. */
export function listOf<P extends Place>(rule: Rule<P>): Rule<P> {
  return (value, place) => {
    if (!Array.isArray(value) || value.length === 0) {
      place.report(place.path, 'must be a non-empty array.');
      return;
    }
    for (const [index, item] of value.entries()) rule(item, below(place, `[${index}]`));
  };
}

/** An object whose members follow these rules. */
export function objectOf<P extends Place>(
  rules: Readonly<Record<string, Rule<P>>>,
  required: readonly string[] = [],
): Rule<P> {
  return (value, place) => {
    if (isObject(value)) checkFields(value, place, rules, required);
    else place.report(place.path, 'must be an object.');
  };
}

/** Any JSON, with expressions at any depth. */
export function template(...extras: StatesExtra[]): Rule {
  const rule: Rule = (value, place) => {
    if (typeof value === 'string') checkText(value, place, extras);
    else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) rule(item, below(place, `[${index}]`));
    } else if (isObject(value)) {
      for (const [key, member] of Object.entries(value)) rule(member, below(place, key));
    }
  };
  return rule;
}

/** An expression. */
export const expression: Rule = (value, place) => {
  const source = typeof value === 'string' ? expressionSource(value) : undefined;
  if (source === undefined) place.report(place.path, 'must be an expression, {% ... %}.');
  else template()(value, place);
};

/** An expression, or a literal which follows the rule. */
export function expressionOr(literal: Rule): Rule {
  return (value, place) => {
    template()(value, place);
    if (typeof value !== 'string' || expressionSource(value) === undefined) literal(value, place);
  };
}

function checkText(value: string, { path, report }: Place, extras: readonly StatesExtra[]): void {
  const source = expressionSource(value);
  if (isHalfDelimited(value)) report(path, `must start with {% and end with %}, or do neither: '${value}'.`);
  if (source === undefined) return;
  for (const problem of expressionProblems(source, extras)) report(path, problem);
}
