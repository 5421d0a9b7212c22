import * as z from 'zod';
import type { Cluster } from '../cluster/clusters.ts';
import { InvalidInput } from '../errors.ts';
import { firstLine } from '../text/format.ts';
import { ENTRY_STATE_MACHINE } from '../text/names.ts';
import { parse } from '../text/parse.ts';

/** A rehearsal: a backup is restored on a host, beside its member, and looked into. It says whether a recovery would succeed, and how long it would take. */

/** Its state machine: rehearses one backup of one cluster. */
export const REHEARSAL_STATE_MACHINE = `${ENTRY_STATE_MACHINE}-rehearsal`;

const DAY_MS = 24 * 60 * 60 * 1000;
/** Where the configuration says nothing. */
const EVERY_DAYS = 7;
/** It is asked for once a day, and one takes its time: the next is due this much before the days have passed. */
const EARLY_MS = 2 * 60 * 60 * 1000;

/** How often a backup of the cluster is rehearsed by itself; undefined where none is: not asked for, not made here, or no host to restore it on. */
export function rehearsedEveryDays({ members, backups }: Pick<Cluster, 'members' | 'backups'>): number | undefined {
  if (backups?.everyMinutes === undefined || members.every(({ host }) => host === undefined)) return undefined;
  const { everyDays } = backups.rehearse ?? { everyDays: EVERY_DAYS };
  return everyDays === 0 ? undefined : everyDays;
}

const tookMs = z.looseObject({ fetch: z.int().min(0), restore: z.int().min(0), start: z.int().min(0) });

/** A rehearsal that has passed. */
const passedSchema = z.looseObject({
  /** When it ended, ISO 8601. */
  at: z.iso.datetime(),
  /** Of the backup: its name, and when it was made. */
  backup: z.string(),
  takenAt: z.string(),
  /** On whose host it was restored, and by which release. */
  member: z.string(),
  etcdVersion: z.string(),
  /** That the restored member served. */
  revision: z.string(),
  sizeBytes: z.int().min(0),
  /** To fetch and verify it, to decompress and restore it, and until the member served clients. */
  tookMs,
  /** What could not be compared with what was recorded, and why: a sentence each. */
  unknown: z.array(z.string()),
});
export type PassedRehearsal = z.output<typeof passedSchema>;

/** What is known of the rehearsals of a cluster's backups: an object beside these. */
export const rehearsalsSchema = z.looseObject({
  /** Of this shape. A later one may have more fields, and what these mean stays. */
  format: z.literal(1),
  cluster: z.string(),
  /** The last one that has come to an end; before any has, the first that was put off. */
  last: z.looseObject({
    at: z.iso.datetime(),
    /** `Postponed` where none has come to an end so far: since then one is due. */
    outcome: z.enum(['Passed', 'Failed', 'Postponed']),
    /** Empty where it failed before one was chosen. */
    backup: z.string(),
    member: z.string(),
    /** The error's name and message; empty where it has passed. Of one that was put off only why. */
    error: z.string(),
    problem: z.string(),
  }),
  /** The last that has passed; null where none has. */
  passed: passedSchema.nullable(),
});
export type Rehearsals = z.output<typeof rehearsalsSchema>;

/** @param key where it was read @throws InvalidInput where it is none of ours */
export function parseRehearsals(text: string, key: string): Rehearsals {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidInput(`${key} is no JSON: ${(error as Error).message}`);
  }
  return parse(rehearsalsSchema, value, key);
}

/** Whether one has passed within so many days, and none has failed since. */
export function isProven(rehearsals: Rehearsals | null, everyDays: number, nowMs: number): boolean {
  if (!rehearsals?.passed || rehearsals.last.outcome === 'Failed') return false;
  return nowMs - Date.parse(rehearsals.passed.at) < everyDays * DAY_MS - EARLY_MS;
}

/**
 * Whether the last that has passed is twice as old as it should be; or, where all were put off so far, the first of these. Where one has failed, and none
 * has passed, that says so already.
 */
export function isLate(rehearsals: Rehearsals | null, everyDays: number, nowMs: number): boolean {
  if (!rehearsals) return false;
  const { last, passed } = rehearsals;
  const since = passed?.at ?? (last.outcome === 'Postponed' ? last.at : undefined);
  return since !== undefined && nowMs - Date.parse(since) > 2 * everyDays * DAY_MS;
}

/** From the begin of the fetch until the member served: as long as the data of a recovery from this backup takes on one host. */
export function secondsOf({ tookMs: { fetch, restore, start } }: Pick<PassedRehearsal, 'tookMs'>): number {
  return Math.ceil((fetch + restore + start) / 1000);
}

/** `rehearsed on 2026-11-29 (m2), a recovery takes about 34 s` */
export function describeRehearsals({ last, passed }: Rehearsals): string {
  const promise = passed
    ? `rehearsed on ${passed.at.slice(0, 10)} on the host of ${passed.member}, a recovery takes about ${secondsOf(passed)} s`
    : 'no rehearsal has passed so far';
  const day = last.at.slice(0, 10);
  switch (last.outcome) {
    case 'Passed':
      return promise;
    case 'Failed':
      return `the last rehearsal, of ${day}, failed; ${promise}`;
    case 'Postponed':
      return `each rehearsal since ${day} was put off, the first one because: ${firstLine(last.problem).replace(/\.$/, '')}`;
  }
}
