import { describe, expect, it } from 'vitest';
import * as tokens from '../../core/auth-token-reset/summaries.ts';
import * as check from '../../core/diagnosis/summaries.ts';
import * as repair from '../../core/member-repair/summaries.ts';
import * as members from '../../core/member-replacement/summaries.ts';
import * as quorum from '../../core/quorum-recovery/summaries.ts';
import * as space from '../../core/space-reclaim/summaries.ts';
import { found, foundAll } from './backups/found.ts';

/** As much of an output as its summary is made of. */
function of<Output>(output: object): Output {
  return output as Output;
}

const SURVEY = { secretsProblem: '', members: [], certificates: [{}] };
const BACKUPS = { place: 's3://backups/orders/', newestKey: '', newestAt: '', problem: '', own: null };
const FINDING = { area: 'hosts', message: 'There is no unit.' } as const;
const READ = (equal: number, verdict: string) => of<never>({ verdict, summary: 'm3 is gone', readings: { equal } });

describe('what a step says that it has found or done', () => {
  it.each<[string, string]>([
    [members.summarizeReading(READ(1, 'Confirm')), 'm3 is gone'],
    [members.summarizeReading(READ(2, 'Confirm')), 'The same for the second time.'],
    [members.summarizeReading(READ(3, 'Replace')), 'm3 is gone'],
    [
      members.summarizeNextChange(of({ action: 'ArchiveDataDir', commands: [{ member: 'm2' }, { member: 'm3' }] })),
      'Next: archive data dir m2, m3.',
    ],
    [members.summarizeNextChange({ action: 'PromoteMember', member: 'm3', id: 'a3' }), 'Next: promote member m3.'],
    [members.summarizeNextChange({ action: 'Finish' }), 'Nothing is left to change.'],
    [members.summarizeChange('RemoveMember', { changed: false, member: '', id: '' }), 'Not needed any more.'],
    [
      members.summarizeChange('RemoveMember', { changed: true, member: 'm3', id: 'a3' }),
      'm3 (a3) is removed from etcd.',
    ],
    [members.summarizeChange('PromoteMember', { changed: true, member: 'm3', id: 'a3' }), 'm3 is a voter.'],
    [
      members.summarizeProgress(
        of({ answering: true, raftAppliedIndex: '12', leaderAppliedIndex: '7012', distance: '7000' }),
      ),
      'At 12 of 7012 log entries, 7000 to go.',
    ],
    [members.summarizeProgress(of({ answering: false })), 'It does not answer yet.'],
    [repair.summarizeData(READ(1, 'Confirm')), 'm3 is gone'],
    [repair.summarizeData(READ(2, 'Confirm')), 'The same for the second time.'],
    [
      repair.summarizeDisarmed({ disarmed: [{ memberId: 'a3', alarm: 'CORRUPT' }], revision: '7' }),
      'Every voter holds the same data at revision 7. 1 disarmed, none is left.',
    ],
    [
      repair.summarizeDisarmed({ disarmed: [], revision: '7' }),
      'Every voter holds the same data at revision 7. No alarm is raised.',
    ],
    [tokens.summarizeReading(READ(2, 'Confirm')), 'The same for the second time.'],
    [tokens.summarizePlan(of({ steps: ['restart m3', 'prove it'] })), 'restart m3; prove it.'],
    [tokens.summarizeNextTokenAction(of({ action: 'RestartService', member: 'm3' })), 'Next: restart service m3.'],
    [
      tokens.summarizeNextTokenAction({ action: 'ToggleAuthentication', through: 'm1' }),
      'Next: toggle authentication.',
    ],
    [tokens.summarizeNextTokenAction({ action: 'Finish' }), 'No member rejects tokens.'],
    [
      tokens.summarizeToggle(of({ window: { disabledAt: 1_000, enabledAt: 1_012 } })),
      'Authentication was disabled for 12 ms.',
    ],
    [tokens.summarizeToggle({ toggled: false, window: null }), 'Not now: the cluster has changed.'],
    [
      quorum.summarizeReading(of({ verdict: 'Confirm', summary: 'nobody leads', readings: { lost: 2 } })),
      'Lost for the second time.',
    ],
    [quorum.summarizeReading(of({ verdict: 'Lost', summary: 'nobody leads', readings: { lost: 3 } })), 'nobody leads'],
    [
      quorum.summarizePlan(
        of({ winner: { source: 'raw', member: 'm2', revision: '42' }, loss: { explanation: 'At most 7 are lost.' } }),
      ),
      'raw of m2, revision 42; At most 7 are lost.',
    ],
    [
      quorum.summarizeUpload({ action: 'Begin', key: 'orders/run-1.db.gz' }),
      'The upload of orders/run-1.db.gz has begun.',
    ],
    [
      check.summarizeSurvey(
        of({ survey: { ...SURVEY, members: [{ name: 'm1' }, { name: 'm3' }] }, inspections: [{}, {}] }),
      ),
      'Answering: m1, m3; 1 certificate read. Next: inspect 2 hosts.',
    ],
    [
      check.summarizeSurvey(of({ survey: SURVEY, inspections: [] })),
      'No member answers; 1 certificate read. No host is configured.',
    ],
    [
      check.summarizeSurvey(
        of({ survey: { ...SURVEY, secretsProblem: 'There is no secret "root".' }, inspections: [{}] }),
      ),
      'The secrets are of no use: There is no secret "root". Next: inspect 1 host.',
    ],
    [check.summarizeBackups(null), 'The configuration names no place for backups.'],
    [check.summarizeBackups(BACKUPS), 'There is no backup in s3://backups/orders/.'],
    [
      check.summarizeBackups({ ...BACKUPS, newestKey: 'orders/1.db', newestAt: '2026-01-31T12:00:00.000Z' }),
      'The newest backup in s3://backups/orders/ is orders/1.db, of 2026-01-31T12:00:00.000Z.',
    ],
    [check.summarizeBackups({ ...BACKUPS, problem: 'Access Denied' }), 'Access Denied'],
    [
      check.summarizeBackups({
        ...{ ...BACKUPS, newestKey: 'orders/orders-rehearsal.json' },
        own: foundAll(found('2026-11-29T08:15:00.000Z', 3000)),
      }),
      'The newest backup in s3://backups/orders/ is orders-2026-11-29T08:15:00.000Z.',
    ],
    [check.summarizeTriedBackups(''), 'A backup can be written.'],
    [check.summarizeTriedBackups('Access Denied'), 'Access Denied'],
    [check.summarizeCheck([]), 'Nothing was found.'],
    [check.summarizeCheck([FINDING, FINDING, { ...FINDING, area: 'quota' }]), '3 to correct: hosts, quota.'],
    [
      space.summarizeNextDefragmentation({ action: 'MoveLeadership', member: 'm1', transferee: 'm2' }),
      'Next: move leadership from m1 to m2.',
    ],
    [
      space.summarizeNextDefragmentation({ action: 'Choose' }),
      'What is next is not known yet: the next step asks again.',
    ],
    [
      space.summarizeDefragmentation({
        defragmentations: [],
        next: { action: 'Defragment', member: 'm2', summary: 'Next: defragment m2.' },
      }),
      'Left as it is for now. Next: defragment m2.',
    ],
    [
      space.summarizeDefragmentation({
        defragmentations: [{ member: 'm1', dbSizeBytesBefore: 2048, dbSizeBytesAfter: 1024 }],
        next: { action: 'Finish', summary: 'No member is left to defragment.' },
      }),
      '2.0 KiB -> 1.0 KiB',
    ],
  ])('is "%s"', (summary, expected) => {
    expect(summary).toBe(expected);
  });
});
