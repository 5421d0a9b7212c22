import { createHash, randomUUID } from 'node:crypto';
import jsonata from 'jsonata';
import type { Clock } from './types.ts';

/** Functions of JSONata 2.0.6, the version Step Functions evaluates, without `$eval`, which it does not offer. */
const JSONATA_FUNCTIONS =
  'string length substring substringBefore substringAfter uppercase lowercase trim pad contains split join match replace ' +
  'base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl ' +
  'number abs floor ceil round power sqrt random formatNumber formatBase formatInteger parseInteger ' +
  'sum max min average boolean not exists count append sort reverse shuffle distinct zip ' +
  'keys lookup spread merge sift each error assert type now millis fromMillis toMillis map filter single reduce';

/** Functions that Step Functions adds to JSONata. */
const STEP_FUNCTIONS_ADDITIONS = 'partition range hash random uuid parse';

export const CALLABLE_FUNCTIONS: ReadonlySet<string> = new Set(
  `${JSONATA_FUNCTIONS} ${STEP_FUNCTIONS_ADDITIONS}`.split(' '),
);

const DIGESTS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

const formatTime = jsonata('$fromMillis($ms, $picture, $timezone)');

/** The functions whose meaning differs from plain JSONata: Step Functions' own, and those that read the clock. */
export function stepFunctionsFunctions(clock: Clock, random: () => number): Record<string, unknown> {
  return {
    partition,
    range,
    hash,
    random: (seed?: unknown) => (seed === undefined ? random() : seededRandom(seed)),
    uuid: () => randomUUID(),
    parse,
    millis: () => clock.now(),
    now: (picture?: string, timezone?: string) =>
      formatTime.evaluate(undefined, { ms: clock.now(), picture, timezone }),
  };
}

function partition(items: unknown, chunkLength: unknown): unknown[][] {
  if (!Array.isArray(items) || !isInteger(chunkLength) || chunkLength < 1) {
    throw new Error('$partition takes an array and a positive integer.');
  }
  const chunkCount = Math.ceil(items.length / chunkLength);
  return Array.from({ length: chunkCount }, (_, chunk) => items.slice(chunk * chunkLength, (chunk + 1) * chunkLength));
}

/** Both ends are included. */
function range(first: unknown, last: unknown, step: unknown): number[] {
  if (!isInteger(first) || !isInteger(last) || !isInteger(step) || step === 0) {
    throw new Error('$range takes three integers: the first, the last, and a step which is not zero.');
  }
  const length = Math.max(0, Math.floor((last - first) / step) + 1);
  return Array.from({ length }, (_, index) => first + index * step);
}

function hash(text: unknown, algorithm: unknown): string {
  const digest = DIGESTS[String(algorithm)];
  if (typeof text !== 'string' || digest === undefined) {
    throw new Error(`$hash takes a string and one of ${Object.keys(DIGESTS).join(', ')}.`);
  }
  return createHash(digest).update(text).digest('hex');
}

/** The same seed gives the same number; which one differs from AWS, whose generator is not documented. */
function seededRandom(seed: unknown): number {
  if (!isInteger(seed)) throw new Error('$random takes an integer as its seed.');
  return createHash('sha256').update(String(seed)).digest().readUInt32BE() / 2 ** 32;
}

function parse(text: unknown): unknown {
  if (typeof text !== 'string') throw new Error('$parse takes a string.');
  return JSON.parse(text);
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}
