import { ExecutionError } from './errors.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** The payload quota of Step Functions: 256 KiB of UTF-8 JSON. */
const PAYLOAD_LIMIT_BYTES = 256 * 1024;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws `States.DataLimitExceeded` for a payload that Step Functions would not carry. */
export function checkPayloadSize(value: JsonValue, description: string): void {
  const sizeBytes = Buffer.byteLength(JSON.stringify(value));
  if (sizeBytes <= PAYLOAD_LIMIT_BYTES) return;
  throw new ExecutionError(
    'States.DataLimitExceeded',
    `${description}: ${sizeBytes} bytes of JSON, over the limit of ${PAYLOAD_LIMIT_BYTES}.`,
  );
}
