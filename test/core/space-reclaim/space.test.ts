import { describe, expect, it } from 'vitest';
import { type SpaceParameters, spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  FRAGMENTED,
  FULL,
  failureOf,
  idOf,
  learner,
  ledBy,
  MIB,
  noSpace,
  observation,
  QUOTA_BYTES,
  SMALL,
  sizes,
  voter,
} from '../observations.ts';
import { assessSpace, chooseAlarmsToDisarm, provenWrites } from './space-decisions.ts';

function parametersWith(differences: Partial<SpaceParameters> = {}): SpaceParameters {
  return parse(spaceParametersSchema, differences, 'parameters');
}
const parameters = parametersWith();

describe('the assessment', () => {
  const fragmented = [voter('node1', FRAGMENTED), voter('node2', FRAGMENTED), voter('node3', FRAGMENTED)];

  it.each([
    [
      'reclaims where one member has raised NOSPACE',
      observation(fragmented, { alarms: [noSpace('node2')] }),
      'NOSPACE is raised by a2 (node2): etcd refuses writes.',
    ],
    [
      'reclaims where two members have raised NOSPACE',
      observation(fragmented, { alarms: [noSpace('node2'), noSpace('node3')] }),
      'NOSPACE is raised by a2 (node2), a3 (node3): etcd refuses writes.',
    ],
    [
      'reclaims where an alarm is left over and every member is small',
      observation([voter('node1')], { alarms: [noSpace('node9')] }),
      'NOSPACE is raised by a9: etcd refuses writes.',
    ],
    [
      'prevents an alarm above 80 % of the quota, whether or not anything is free yet',
      observation([
        voter('node1'),
        voter('node2', { dbSizeBytes: 80 * MIB + 1, dbSizeInUseBytes: 80 * MIB }),
        voter('node3', FULL),
      ]),
      'No alarm yet, but above 80 % of the quota: node2, node3.',
    ],
    [
      'gives back what is fragmented, without an alarm and far below the quota',
      observation([voter('node1', sizes(40, 10)), voter('node2')]),
      'No alarm, but space can be given back by: node1.',
    ],
  ])('%s', (_, reading, summary) => {
    expect(assessSpace(reading, parameters)).toMatchObject({ verdict: 'Reclaim', summary, alarms: reading.alarms });
  });

  it('finds nothing to do at 80 % of the quota where nothing can be given back', () => {
    const member = voter('node1', sizes(80, 80));
    expect(assessSpace(observation([member]), parameters)).toEqual({
      verdict: 'NothingToDo',
      summary: 'No alarm is raised, and no member would give back enough space to be worth a defragmentation.',
      alarms: [],
      members: [
        {
          name: 'node1',
          id: 'a1',
          role: 'leader',
          version: '3.5.30',
          ...sizes(80, 80),
          quotaBytes: QUOTA_BYTES,
          quotaSource: 'configuration',
        },
      ],
      leftOut: [],
      compactRevision: '0',
      plan: [],
      steps: [],
      inspections: [],
    });
  });

  it('does not reclaim for a learner, which cannot be defragmented', () => {
    const reading = observation([voter('node1'), learner('node2', FRAGMENTED)]);
    expect(assessSpace(reading, parameters)).toMatchObject({ verdict: 'NothingToDo', plan: [] });
  });

  it('reports every member with its role, the learners last', () => {
    const reading = observation(ledBy('node3', [voter('node1', FULL), learner('node2'), voter('node3')]));
    expect(assessSpace(reading, parameters).members.map(({ name, role }) => [name, role])).toEqual([
      ['node1', 'follower'],
      ['node3', 'leader'],
      ['node2', 'learner'],
    ]);
  });

  it.each([
    ['node1', ['node2', 'node3', 'node1']],
    ['node2', ['node1', 'node3', 'node2']],
    ['node3', ['node1', 'node2', 'node3']],
  ])('plans the followers in the order of the configuration, and the leader %s last', (leader, plan) => {
    const reading = observation(ledBy(leader, [...fragmented, learner('node4', FRAGMENTED)]));
    expect(assessSpace(reading, parameters).plan).toEqual(plan);
  });

  it('says each thing that it would do: leadership that moves, and alarms that are disarmed, too', () => {
    const reading = observation(ledBy('node2', fragmented), { alarms: [{ memberId: 'a1', alarm: 'NOSPACE' }] });
    const { steps, compactRevision } = assessSpace(reading, parameters);
    expect(steps).toEqual([
      `compact history to revision ${compactRevision}`,
      'defragment node1, if it gains by it',
      'defragment node3, if it gains by it',
      'move leadership from node2 to a voter that is done: requests that are under way may time out, after up to 7 s',
      'defragment node2, if it gains by it',
      'disarm NOSPACE of a1 (node1), once every member is small enough',
      'write a key through each member, and delete it',
    ]);
    const kept = assessSpace(reading, parametersWith({ leadership: 'keep' })).steps;
    expect(kept.slice(3, 4)).toEqual([
      'defragment node2, if it gains by it; it goes on leading, and its own clients wait meanwhile',
    ]);
    const single = assessSpace(observation([voter('node1', FRAGMENTED)]), parameters);
    expect(single.steps.filter((step) => !step.startsWith('compact'))).toEqual([
      'defragment node1, if it gains by it',
      'write a key through each member, and delete it',
    ]);
  });

  it.each([
    ['to the newest revision', '5000', 0, '5000'],
    ['but for the newest revisions that are to be kept', '5000', 1200, '3800'],
    ['nothing where all are to be kept', '5000', 5000, '0'],
    ['nothing where more are to be kept than there are', '5000', 5001, '0'],
    ['beyond 53 bits to the last digit', '9223372036854775807', 4, '9223372036854775803'],
  ])('compacts %s: revision %s, keeping %d', (_, revision, retainRevisions, compactRevision) => {
    const reading = observation([voter('node1', { ...FRAGMENTED, revision })]);
    expect(assessSpace(reading, parametersWith({ retainRevisions })).compactRevision).toBe(compactRevision);
  });

  it("compacts to the leader's revision, not to that of a follower", () => {
    const members = ledBy('node2', [voter('node1', { revision: '4990' }), voter('node2', FRAGMENTED)]);
    expect(assessSpace(observation(members), parameters).compactRevision).toBe('5000');
  });
});

describe('a release that is too old', () => {
  it.each([
    ['3.3.25', true],
    ['2.3.8', true],
    ['3.4.0', false],
    ['3.6.1', false],
    ['4.0.0', false],
  ])('is refused before anything is done: %s', (version, refused) => {
    const failure = failureOf(() => assessSpace(observation([voter('node1', { version })]), parameters));
    expect(failure.name).toBe(refused ? 'PreconditionFailed' : 'no error');
    if (refused) expect(failure.message).toContain(`node1 runs etcd ${version}: before 3.4 a member does not report`);
  });
});

describe('the alarms to disarm', () => {
  it.each([
    ['the one that is raised', [noSpace('node2')]],
    ['each that is raised', [noSpace('node1'), noSpace('node2')]],
    ['that of a member which was removed since', [{ memberId: 'dead', alarm: 'NOSPACE' }, noSpace('node1')]],
  ])('are %s', (_, alarms) => {
    const reading = observation([voter('node1', sizes(90, 20)), voter('node2')], { alarms });
    expect(chooseAlarmsToDisarm(reading, parameters)).toEqual(alarms);
  });

  it('are none where none is raised, up to 80 % of the quota', () => {
    const members = [voter('node1', sizes(80, 20)), voter('node2')];
    expect(chooseAlarmsToDisarm(observation(members), parameters)).toEqual([]);
  });

  it('are none where none is raised, even while a learner is over the threshold', () => {
    expect(chooseAlarmsToDisarm(observation([voter('node1'), learner('node2', FULL)]), parameters)).toEqual([]);
  });

  it('are none while a voter is over the threshold', () => {
    const reading = observation([voter('node1'), voter('node2', FRAGMENTED)], { alarms: [noSpace('node1')] });
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parameters))).toEqual({
      name: 'VerificationFailed',
      reason: undefined,
      message:
        'Still over 90 % of the quota: node2. Disarmed now, the alarm would be raised again by the next write, so it is kept. \n' +
        '- node1 (leader): database 20.0 MiB, in use 19.0 MiB, quota 100.0 MiB\n' +
        '- node2 (follower): database 95.0 MiB, in use 20.0 MiB, quota 100.0 MiB\n' +
        'Look on node2 for a compaction that is still running or a writer that fills the space at once; then start again. ',
    });
  });

  it('do not matter where none is raised: a voter over the threshold is a failure all the same, a learner is not', () => {
    const full = [voter('node1'), voter('node2', FRAGMENTED)];
    const failure = failureOf(() => chooseAlarmsToDisarm(observation(full), parameters));
    expect(failure.message).toMatch(/^Still over 80 % of the quota: node2\. \n/);
    const withLearner = observation([voter('node1'), learner('node2', FULL)]);
    expect(chooseAlarmsToDisarm(withLearner, parameters)).toEqual([]);
  });

  it('are none while a learner is over the threshold, which has to be promoted or replaced', () => {
    const reading = observation([voter('node1'), learner('node2', FULL)], { alarms: [noSpace('node2')] });
    const failure = failureOf(() => chooseAlarmsToDisarm(reading, parameters));
    expect(failure.name).toBe('VerificationFailed');
    expect(failure.message).toContain('Still over 90 % of the quota: node2.');
    expect(failure.message).toContain('- node2 (learner): database 95.0 MiB');
    expect(failure.message).toContain(
      'etcd does not defragment a learner: promote node2; or stop its service, so that the next run leaves it out, and replace it',
    );
  });

  it('follow the threshold that the responder chose', () => {
    const reading = observation([voter('node1', sizes(60, 20))], { alarms: [noSpace('node1')] });
    expect(failureOf(() => chooseAlarmsToDisarm(reading, parametersWith({ disarmBelowRatio: 0.5 }))).message).toContain(
      'Still over 50 % of the quota: node1.',
    );
  });
});

describe('the report at the end', () => {
  it('shows every member as it is now', () => {
    const members = ledBy('node2', [voter('node1'), voter('node2'), learner('node3', { version: '3.6.1' })]);
    const common = { version: '3.5.30', ...SMALL, quotaBytes: QUOTA_BYTES, quotaSource: 'configuration' };
    expect(provenWrites(observation(members)).members).toEqual([
      { ...common, name: 'node1', id: idOf('node1'), role: 'follower' },
      { ...common, name: 'node2', id: idOf('node2'), role: 'leader' },
      { ...common, name: 'node3', id: idOf('node3'), role: 'learner', version: '3.6.1' },
    ]);
  });

  it('is a failure where the alarm is back', () => {
    const failure = failureOf(() => provenWrites(observation([voter('node1')], { alarms: [noSpace('node1')] })));
    expect(failure.name).toBe('VerificationFailed');
    expect(failure.message).toContain('NOSPACE is raised again right after it was disarmed.');
    expect(failure.message).toContain('- node1 (leader): database 20.0 MiB, in use 19.0 MiB, quota 100.0 MiB');
    expect(failure.message).toContain("a member's real quota is smaller than quotaBackendBytes in clusters.json");
  });
});
