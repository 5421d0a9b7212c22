/** What single fields accept. */

import type { JsonValue } from './json.ts';

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

export function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

export function isArray(value: unknown): value is JsonValue[] {
  return Array.isArray(value);
}

/** A whole number from zero up. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

/** As Step Functions wants it: date, `T`, time, and an offset or `Z`. */
export function isTimestamp(value: unknown): value is string {
  return (
    isString(value) &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}
