import { PreconditionFailed } from '../errors.ts';
import type { Salvage } from '../hosts/host-command-results.ts';
import { firstLine } from '../text/format.ts';
import type { Candidate, ExaminationReport, PlanRecovery, Rung } from './contracts.ts';
import { describeListed } from './listed-backups.ts';

/** Where two hold the same revision: whatever is closer to a member as it ran. */
const PREFERENCE: readonly Candidate['source'][] = ['survivor', 'replay', 'raw', 'backup'];

type Found = Pick<PlanRecovery, 'salvaged' | 'examined' | 'launched' | 'parameters'> &
  Partial<Pick<PlanRecovery, 'backup'>>;

/**
 * Everything that could be restored, best first: by its revision, never by its size, for a database keeps the room of what was deleted.
 * A backup that is forced comes before all.
 * @throws PreconditionFailed where a backup was named and could not be looked at
 */
export function rankCandidates({ salvaged, examined, launched, parameters, backup: own }: Found): Candidate[] {
  const fromMembers = salvaged.flatMap(({ member, result }) => {
    const source = result && sourceOf(result, launched.includes(member));
    return result && source ? [candidateOf(member, source, result, noteOf(result))] : [];
  });
  const backup = examined && (parameters.snapshot ? namedBackupIn(examined) : ownBackupIn(examined, own));
  const ranked = [...fromMembers, ...(backup ? [backup] : [])].toSorted(compare);
  if (!backup || !parameters.snapshot?.force) return ranked;
  return [backup, ...ranked.filter((each) => each !== backup)];
}

/** A store without a single key is nothing that could be recovered: such is the database of a member that was emptied. */
function sourceOf({ method, revision }: Salvage, launched: boolean): Candidate['source'] | undefined {
  if (method === 'none' || BigInt(revision) === 0n) return undefined;
  if (method === 'raw') return 'raw';
  // Where it was started here, its memory of what was committed ended with its process: it has replayed its log, as a copy does.
  return method === 'replayed' || launched ? 'replay' : 'survivor';
}

function candidateOf(
  member: string,
  source: Candidate['source'],
  { revision, totalKeys, sizeBytes }: Pick<Candidate, 'revision' | 'totalKeys' | 'sizeBytes'>,
  note: string,
): Candidate {
  return { member, source, revision, totalKeys, sizeBytes, note };
}

function noteOf({ method, log, problem }: Salvage): string {
  if (method === 'raw' || !log) return problem.replace(/\.$/, '');
  const unknown = BigInt(log.lastIndex) - BigInt(log.commitIndex);
  const cut = log.complete ? [] : ['the damaged end of its log was cut off'];
  const uncommitted =
    unknown > 0n ? [`without the last ${unknown} entries of its log, which it did not know as committed`] : [];
  return [...cut, ...uncommitted].join('; ');
}

/** One of the cluster's own that cannot be restored is no reason to restore nothing. */
function ownBackupIn({ member, result }: ExaminationReport, own: PlanRecovery['backup'] | undefined): Candidate | null {
  if (!result || !own?.chosen) return null;
  return candidateOf(member, 'backup', result, `${own.chosen.name}, made at ${own.chosen.takenAt}`);
}

function namedBackupIn({ member, result, problem }: ExaminationReport): Candidate {
  if (!result) {
    throw new PreconditionFailed(
      `The backup that parameters.snapshot names could not be looked at: ${problem}\nCorrect the key, or leave parameters.snapshot out. ` +
        'Nothing was restored.',
    );
  }
  const note = result.hasHash ? '' : 'it has no hash, so whether it is whole is unknown';
  return candidateOf(member, 'backup', result, note);
}

function compare(a: Candidate, b: Candidate): number {
  const difference = BigInt(b.revision) - BigInt(a.revision);
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  return PREFERENCE.indexOf(a.source) - PREFERENCE.indexOf(b.source) || b.totalKeys - a.totalKeys;
}

/** The result of each salvage: `node1: replay, revision 4004, 1200 keys`. */
export function describeSalvages({ salvaged, launched }: Pick<PlanRecovery, 'salvaged' | 'launched'>): string[] {
  return salvaged.map(({ member, result, problem }) => {
    if (!result) return `${member}: its data could not be copied: ${problem}`;
    if (result.method === 'none') return `${member}: ${result.problem}`;
    const source = sourceOf(result, launched.includes(member)) ?? 'empty';
    return `${member}: ${source}, revision ${result.revision}, ${result.totalKeys} keys${result.problem && ` (${result.problem})`}`;
  });
}

/** Why each rung of the ladder serves or does not, from the safest to the last. @param candidates best first, and not none */
export function ladderOf(candidates: readonly Candidate[], restart: Rung, found: Found): Rung[] {
  const [winner] = candidates as [Candidate, ...Candidate[]];
  const rungs = PREFERENCE.map((source) => rungOf(source, winner, candidates, found));
  if (!restart.serves) return [restart, ...rungs];
  return [
    restart,
    ...rungs.map((each) => (each.serves ? { ...each, why: `if the restart does not help: ${each.why}` } : each)),
  ];
}

function rungOf(source: Candidate['source'], winner: Candidate, candidates: readonly Candidate[], found: Found): Rung {
  const best = candidates.find((candidate) => candidate.source === source);
  if (!best) return { rung: source, serves: false, why: whyNone(source, found) };
  const what = `${best.member} at revision ${best.revision}${best.note && ` (${best.note})`}`;
  if (best === winner) {
    const forced = source === 'backup' && found.parameters.snapshot?.force;
    return {
      rung: source,
      serves: true,
      why: forced ? `${what}, as it was asked for` : `${what} is the newest of all`,
    };
  }
  const reason =
    winner.source === 'backup' && found.parameters.snapshot?.force
      ? 'the backup was asked for'
      : `${winner.member} has ${winner.revision === best.revision ? 'the same by a safer way' : `revision ${winner.revision}`}`;
  return { rung: source, serves: false, why: `${what}, and ${reason}` };
}

function whyNone(source: Candidate['source'], found: Found): string {
  const { salvaged, launched } = found;
  if (source === 'survivor') return 'no member was up that has data';
  if (source === 'backup') return whyNoBackup(found);
  if (source === 'raw') return 'no database was left whose log could not be replayed';
  const why = salvaged.flatMap(({ member, result, problem }) => {
    if (result?.method === 'live' && !launched.includes(member)) return [];
    return [`${member}: ${(result?.problem || problem || 'there is not a key in it').replace(/\.$/, '')}`];
  });
  return why.length > 0
    ? `there is no log that could be replayed: ${why.join('; ')}`
    : 'every member that has data is up';
}

function whyNoBackup({ examined, backup: own }: Found): string {
  if (!own) return 'no backup was named';
  if (own.problem !== '') return `the backups cannot be looked at: ${firstLine(own.problem)}`;
  if (own.chosen) return `${own.chosen.name} could not be looked at: ${examined?.problem ?? 'nobody tried'}`;
  const [newest] = own.backups;
  return newest ? describeListed(newest) : 'there is no backup';
}
