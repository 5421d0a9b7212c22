import { describe, expect, it } from 'vitest';
import type { AnsweringMember } from '../../../core/cluster/observation.ts';
import { spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { describeRefusedWrite, valueToAskFor } from '../../../core/space-reclaim/proven-writes.ts';
import { describeContradiction } from '../../../core/space-reclaim/quotas.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterFor, diagnosed, proof } from '../diagnosis/diagnoses.ts';
import { failureOf, ledBy, MIB, noSpace, observation, silent, sizes, voter } from '../observations.ts';
import { assessSpace, chooseAlarmsToDisarm, chooseNextDefragmentation } from './space-decisions.ts';

const parameters = parse(spaceParametersSchema, {}, 'parameters');
const GIB = 1024 * MIB;

/** A member whose quota is configured as 8 GiB. */
function believed(name: string, dbSizeMib: number, inUseMib: number, differences: Partial<AnsweringMember> = {}) {
  return voter(name, { ...sizes(dbSizeMib, inUseMib), quotaBytes: 8 * GIB, ...differences });
}

/** One that tells its quota, or that it has none. */
function telling(name: string, dbSizeMib: number, quotaMib: number | null) {
  const quotaBytes = quotaMib === null ? null : quotaMib * MIB;
  return voter(name, { ...sizes(dbSizeMib, dbSizeMib), quotaBytes, quotaIsReported: true });
}

/** Each member's quota in MiB and what it rests on, as the assessment takes it. */
function quotasOf(members: ReturnType<typeof voter>[], alarms = [noSpace('node1')]) {
  return assessSpace(observation(members, { alarms }), parameters).members.map(
    ({ quotaBytes, quotaSource }) => `${quotaBytes === null ? 'none' : quotaBytes / MIB} ${quotaSource}`,
  );
}

describe('the quota that a full store is judged by', () => {
  it.each([
    ['is what is configured, near which the alarm was raised', [voter('node1', sizes(95, 20))], ['100 configuration']],
    ['is what a member tells', [telling('node1', 31, 100)], ['100 member']],
    ['is none where a member tells that it has none', [telling('node1', 31, null)], ['none member']],
    ['is what the database of the raiser has', [believed('node1', 31, 8)], ['31 alarm']],
    [
      'is what is configured for those that have not raised it',
      [believed('node1', 31, 8), believed('node2', 30, 8), believed('node3', 33, 8)],
      ['31 alarm', '8192 configuration', '8192 configuration'],
    ],
    [
      'is for the others what is configured, where one of them is near it: the raiser was defragmented since',
      [voter('node1', sizes(20, 20)), voter('node2', sizes(95, 20)), voter('node3', sizes(60, 20))],
      ['20 alarm', '100 configuration', '100 configuration'],
    ],
    [
      'is what each member tells where others do not',
      [believed('node1', 31, 8), telling('node2', 31, 32)],
      ['31 alarm', '32 member'],
    ],
  ])('%s', (_, members, quotas) => {
    expect(quotasOf(members)).toEqual(quotas);
  });

  it('is what is configured where no alarm is raised, or that of a member which is gone', () => {
    expect(quotasOf([believed('node1', 31, 8)], [])).toEqual(['8192 configuration']);
    expect(quotasOf([believed('node1', 31, 8)], [noSpace('node9')])).toEqual(['8192 configuration']);
  });

  it('is what each of them has, where two have raised it', () => {
    const members = [believed('node1', 31, 8), believed('node2', 30, 8), believed('node3', 33, 8)];
    const quotas = quotasOf(members, [noSpace('node1'), noSpace('node2')]);
    expect(quotas).toEqual(['31 alarm', '30 alarm', '8192 configuration']);
  });

  it('is what is configured where the raiser does not answer, and that is in doubt', () => {
    const members = [silent('node1'), believed('node2', 31, 8), believed('node3', 32, 8)];
    const reading = observation(
      members.map((member) => (member.answering ? { ...member, leaderId: 'a2' } : member)),
      { alarms: [noSpace('node1')] },
    );
    const assessment = assessSpace(reading, parameters);
    expect(assessment.members).toMatchObject([{ quotaBytes: 8 * GIB }, { quotaBytes: 8 * GIB }]);
    expect(assessment.summary).toContain(
      'NOSPACE is raised by a1 (node1), and no database that is seen comes near the 8.0 GiB configured (node2 31.0 MiB, node3 32.0 MiB): ' +
        'the real quota is smaller, or a database that is not seen larger.',
    );
  });

  it('is in no doubt where the raiser tells its own, and is near it', () => {
    const members = [telling('node1', 31, 32), believed('node2', 31, 8), believed('node3', 31, 8)];
    expect(describeContradiction(observation(members, { alarms: [noSpace('node1')] }))).toBe(undefined);
  });
});

describe('a store whose alarm contradicts the configured quota', () => {
  const fragmented = [believed('node1', 31, 8), believed('node2', 32, 8), believed('node3', 30, 8)];
  const reading = observation(fragmented, { alarms: [noSpace('node1')] });
  const quotas = assessSpace(reading, parameters).members.map(({ name, quotaBytes, quotaSource }) => ({
    name,
    quotaBytes,
    quotaSource,
  }));
  const databases = (...members: [number, number][]) =>
    observation(
      members.map(([size, inUse], index) => believed(`node${index + 1}`, size, inUse)),
      { alarms: [noSpace('node1')] },
    );

  it('is told with the figures, by the assessment and by a diagnosis', () => {
    const told =
      'NOSPACE is raised by node1, whose database is 31.0 MiB of the 8.0 GiB configured: the real quota must be smaller. Correct ' +
      'quotaBackendBytes in clusters.json, or --quota-backend-bytes on the members.';
    expect(assessSpace(reading, parameters).summary).toContain(told);
    const evidence = proof(fragmented, { alarms: [noSpace('node1')] });
    expect(diagnosed(evidence, clusterFor(evidence)).warnings).toContainEqual({
      kind: 'quota-contradicted',
      message: expect.stringContaining(told),
    });
  });

  it('is not contradicted by an alarm near the quota, nor without one', () => {
    expect(describeContradiction(observation([voter('node1', sizes(95, 20))], { alarms: [noSpace('node1')] }))).toBe(
      undefined,
    );
    expect(describeContradiction(observation(fragmented))).toBe(undefined);
  });

  it('is defragmented although every database is far below what is configured', () => {
    expect(chooseNextDefragmentation(reading, parameters, [], 0, [], quotas)).toEqual({
      action: 'Defragment',
      member: 'node2',
    });
    expect(
      chooseNextDefragmentation(databases([31, 8], [8, 8], [8, 8]), parameters, ['node2', 'node3'], 2, [], quotas),
    ).toEqual({
      action: 'MoveLeadership',
      member: 'node1',
      transferee: 'node2',
    });
  });

  it('is disarmed when each is below 90 % of what was seen, and not before', () => {
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parameters, [], quotas))).toMatchObject({
      name: 'VerificationFailed',
      message: expect.stringContaining('quota 31.0 MiB, as NOSPACE was raised with a database of that size'),
    });
    expect(chooseAlarmsToDisarm(databases([8, 8], [8, 8], [8, 8]), parameters, [], quotas)).toEqual([noSpace('node1')]);
  });

  // It may have been defragmented before, or its quota raised: then every database is as small as it can be, and there is room.
  it('is left to a write where nothing can be given back: nobody is defragmented, and the alarm is disarmed', () => {
    const full = databases([31, 31], [32, 31.5], [30, 30]);
    expect(chooseNextDefragmentation(full, parameters, [], 0, [], quotas)).toEqual({ action: 'Finish' });
    expect(chooseAlarmsToDisarm(full, parameters, [], quotas)).toEqual([noSpace('node1')]);
  });

  it.each(['3.4.23', '3.6.16'])(
    'has one defragmented in vain on etcd %s, which tells an old size in use',
    (version) => {
      const full = observation(
        [1, 2, 3].map((index) => believed(`node${index}`, 31, 31, { version })),
        { alarms: [noSpace('node1')] },
      );
      expect(chooseNextDefragmentation(full, parameters, [], 0, [], quotas)).toEqual({
        action: 'Defragment',
        member: 'node2',
      });
      expect(chooseNextDefragmentation(full, parameters, ['node2'], 1, [], quotas)).toEqual({ action: 'Finish' });
    },
  );

  it('goes on with those that have something to give back, although another is as small as it can be', () => {
    const half = databases([30, 8], [31, 31], [31, 8]);
    expect(chooseNextDefragmentation(half, parameters, ['node2'], 1, [], quotas)).toEqual({
      action: 'Defragment',
      member: 'node3',
    });
  });
});

/** Members of a quota that is configured as 4 GiB, as `name size in use`, in MiB; the first leads. */
function walkOf(databases: [string, number, number][], raisers: string[], differences: Partial<AnsweringMember> = {}) {
  const leader = databases[0]?.[0] ?? '';
  let members = ledBy(
    leader,
    databases.map(([name, size, inUse]) => voter(name, { ...sizes(size, inUse), quotaBytes: 4 * GIB, ...differences })),
  );
  const absent = raisers.filter((raiser) => databases.every(([name]) => name !== raiser));
  const look = () =>
    observation([...members, ...absent.map((name) => silent(name))], { alarms: raisers.map((name) => noSpace(name)) });
  const quotas = assessSpace(look(), parameters).members.map(({ name, quotaBytes, quotaSource }) => ({
    name,
    quotaBytes,
    quotaSource,
  }));
  const defragmented: string[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const next = chooseNextDefragmentation(look(), parameters, defragmented, turn, absent, quotas);
    if (next.action === 'Finish') break;
    if (next.action === 'MoveLeadership') members = ledBy(next.transferee, members);
    else {
      defragmented.push(next.member);
      members = members.map((member) =>
        member.name === next.member ? { ...member, dbSizeBytes: member.dbSizeInUseBytes } : member,
      );
    }
  }
  const disarmed = chooseAlarmsToDisarm(look(), parameters, absent, quotas).length;
  return { defragmented, disarmed, asksForBytes: valueToAskFor(look(), { quotas }) };
}

describe('one member of a smaller real quota than the others', () => {
  const MOST = 1.5 * MIB - 16 * 1024;
  const m1: [string, number, number] = ['node1', 615.1, 583.6];
  const m2: [string, number, number] = ['node2', 729, 588];
  const m3: [string, number, number] = ['node3', 725.3, 584];
  const small = (name: string): [string, number, number] => [name, 583.6, 583.6];

  it.each([
    ['has raised the alarm: each gives back what it has', [m1, m2, m3], ['node1'], ['node2', 'node3', 'node1']],
    ['and another one have raised it', [m1, m2, m3], ['node1', 'node2'], ['node2', 'node3', 'node1']],
    ['is left out, and so are its figures', [m2, m3], ['node1'], ['node3', 'node2']],
    ['was defragmented before: nobody is again', ['node1', 'node2', 'node3'].map(small), ['node1'], []],
    ['was defragmented before, the others not', [small('node1'), m2, m3], ['node1'], ['node2', 'node3']],
    ['was defragmented before, and is left out', [small('node2'), small('node3')], ['node1'], []],
  ])('%s; the alarm is disarmed, and a large write has to prove it', (_, databases, raisers, defragmented) => {
    expect(walkOf(databases, raisers)).toEqual({ defragmented, disarmed: raisers.length, asksForBytes: MOST });
  });

  it('is judged by what it tells, where it does: in use over that is full, whatever the others have', () => {
    const told = { quotaIsReported: true, quotaBytes: 610.4 * MIB, version: '3.6.16' };
    const failure = failureOf(() => walkOf([small('node1')], ['node1'], told));
    expect(failure.message).toContain('over 90 % of the quota on node1. ');
    expect(failure.message).toContain('quota 610.4 MiB\n');
  });

  it.each([
    ['none', null],
    ['a large one', 4 * GIB],
  ])('has nothing to give back where its quota, which it tells, is now %s', (_, quotaBytes) => {
    const told = { quotaIsReported: true, quotaBytes, version: '3.6.16' };
    expect(walkOf([small('node1')], ['node1'], told)).toEqual({ defragmented: [], disarmed: 1, asksForBytes: MOST });
  });
});

describe('the write that is asked for at the end', () => {
  const MOST = 1.5 * MIB - 16 * 1024;

  it.each([
    ['is as large as a request may be', [voter('node1', sizes(8, 8))], MOST],
    ['is as large as a request may be without a quota', [telling('node1', 8, null)], MOST],
    ['takes half of the room that the smallest quota leaves', [voter('node1'), telling('node2', 14, 16)], MIB],
    ['is nothing where a database is above its quota', [telling('node1', 17, 16)], 0],
  ])('%s', (_, members, bytes) => {
    expect(valueToAskFor(observation(members), { quotas: [] })).toBe(bytes);
  });

  it('is not made smaller by a quota that was only concluded', () => {
    const quotas = [{ name: 'node1', quotaBytes: 8 * MIB, quotaSource: 'alarm' as const }];
    expect(valueToAskFor(observation([believed('node1', 8, 8)]), { quotas })).toBe(MOST);
  });

  it('is told where it is refused, with what was seen, the quota that is wrong, and what to do', () => {
    const quotas = [{ name: 'node1', quotaBytes: 31 * MIB, quotaSource: 'alarm' as const }];
    const refused = { member: 'node1', valueBytes: MIB, refusal: 'database space exceeded.', returned: '' };
    const { name, message } = describeRefusedWrite(observation([believed('node1', 31, 30)]), { quotas }, refused);
    expect(name).toBe('VerificationFailed');
    expect(message).toContain('node1 refuses a write of 1.0 MiB all the same, so NOSPACE is raised again');
    expect(message).toContain('- node1: database 31.0 MiB, in use 30.0 MiB');
    expect(message).toContain('The real quota is smaller than the 8.0 GiB of quotaBackendBytes in clusters.json');
  });
});
