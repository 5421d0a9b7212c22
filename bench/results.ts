import * as z from 'zod';
import { parse } from '../core/text/parse.ts';
import type { Comparison } from './part.ts';
import { type Head, type PartResult, SUFFIXES } from './report.ts';

/** What `npm run bench -- --json` prints, read again. */

const comparisonSchema = z.object({
  compared: z.string(),
  place: z
    .object({
      store: z.object({ title: z.string(), sizeBytes: z.number(), valueBytes: z.number() }),
      members: z.int(),
    })
    .optional(),
  measured: z.string(),
  unit: z.enum(['ms', 'writes', 'elections', 'MiB', 'characters']),
  rows: z.array(z.looseObject({ name: z.string() })),
});

const runSchema = z.object({
  quick: z.boolean(),
  etcdVersion: z.string(),
  startedAt: z.iso.datetime(),
  machine: z.object({
    ...{ platform: z.string(), architecture: z.string(), cores: z.int() },
    ...{ processor: z.string(), memoryBytes: z.int(), loadAverage: z.number(), nodeVersion: z.string() },
  }),
  parts: z.array(
    z.object({
      name: z.string(),
      tookMs: z.number(),
      error: z.string().optional(),
      skipped: z.array(z.object({ name: z.string(), reason: z.string() })).optional(),
      comparisons: z.array(comparisonSchema),
    }),
  ),
});

export interface Run extends Head {
  parts: PartResult[];
}

/** @throws InvalidInput listing every problem */
export function readRun(text: string, file: string): Run {
  const run = parse(runSchema, JSON.parse(text), file);
  return {
    ...run,
    parts: run.parts.map(({ error, skipped, comparisons, ...part }) => ({
      ...part,
      ...(error !== undefined && { error }),
      ...(skipped && { skipped }),
      comparisons: comparisons.map(({ place, rows, ...comparison }): Comparison => {
        const values = rows.map(({ name, ...row }): [string, number[]] => [
          name,
          parse(z.array(z.number()), row[`values${SUFFIXES[comparison.unit]}`], `${file}, ${name}`),
        ]);
        return { ...comparison, ...(place && { place }), values: new Map(values) };
      }),
    })),
  };
}
