import { describe, expect, it } from 'vitest';
import { changesSoFar, TOLD_STEPS } from '../../../core/remediation/changes-so-far.ts';
import { standingSoFar } from '../../../core/remediation/standing-so-far.ts';
import type { StepRun } from '../../../core/runbook/step-run.ts';
import { STEPS_OF } from '../../../lib/steps.ts';

function run(step: string, input: object, output?: object, error = ''): StepRun {
  return { step, input, output, error };
}

const MEMBERS = ['m1', 'm2'];
/** The same command on the hosts of m1 and m2; with what it came to, where it has ended. */
function onHosts(command: string, parameters: object, ...results: (object | string)[]): StepRun {
  const commands = MEMBERS.map((member) => ({ member, host: `i-${member}`, parameters }));
  const reports = results.map((result, index) => ({
    ...{ member: MEMBERS[index], host: `i-${MEMBERS[index]}`, problem: '' },
    ...(typeof result === 'string' ? { error: result, result: null } : { error: '', result }),
  }));
  return run('run-host-commands', { command, commands }, results.length > 0 ? { reports } : undefined);
}

const BOTH = 'on i-m1 (m1), i-m2 (m2):';
const AT = { dataDir: '/data', keep: 'yes' };
const SWAP = { ...AT, unit: 'etcd', data: 'swap' };
const LEAVE = { ...AT, unit: 'etcd', data: 'leave' };
const WRITTEN = { file: '/e.yaml', copy: '/e.yaml.run', changed: true };
const SWAPPED = { dataDir: '/data.run', walDir: '', ...WRITTEN };

describe('what an execution has changed so far', () => {
  it('is known of every step: it only looks, or it is told what it changes', () => {
    expect(TOLD_STEPS.toSorted()).toEqual(Object.values(STEPS_OF).flat().toSorted());
  });

  const RUNS: [StepRun, string][] = [
    [run('compact-history', { revision: '7' }, { outcome: 'Compacted' }), 'history was compacted up to revision 7'],
    [run('move-leadership', { member: 'm1' }, { from: 'm1', to: 'm3' }), 'leadership was moved from m1 to m3'],
    [run('defragment-member', { member: 'm1' }, { defragmentations: [{ member: 'm1' }] }), 'm1 was defragmented'],
    [run('disarm-alarms', {}, { disarmed: [{}] }), 'NOSPACE was disarmed'],
    [
      run('change-membership', { change: 'RemoveMember' }, { changed: true, member: 'm3', id: 'a3' }),
      'm3 (a3) was removed from etcd',
    ],
    [run('change-membership', { change: 'AddMember' }, { changed: true, member: 'm3' }), 'm3 was added to etcd'],
    [run('change-membership', { change: 'PromoteMember' }, { changed: true, member: 'm3' }), 'm3 was made a voter'],
    [run('toggle-authentication', {}, { toggled: true }), 'authentication was disabled, and enabled again at once'],
    [run('enable-authentication', {}, { changed: true }), 'authentication was enabled again'],
    [onHosts('control-service', { unit: 'etcd', action: 'stop' }, {}, {}), `${BOTH} the service etcd was stopped`],
    [
      onHosts('control-service', { unit: 'etcd', action: 'start-without-waiting' }, {}, {}),
      `${BOTH} the service etcd was started`,
    ],
    [onHosts('control-service', { unit: 'etcd', action: 'restart' }, {}, {}), `${BOTH} the service etcd was restarted`],
    [
      onHosts('archive-data-dir', AT, { dataDir: '/data.run', walDir: '/wal.run' }, { dataDir: '', walDir: '' }),
      'on i-m1 (m1): its data was moved aside, to /data.run and /wal.run, where it is kept',
    ],
    [
      onHosts('revert-data-dir', AT, { reverted: true }, { reverted: false }),
      'on i-m1 (m1): the data that had been moved aside was moved back into /data',
    ],
    [
      onHosts('join-cluster', { unit: 'etcd' }, { ...WRITTEN, activeState: 'active' }, 'PreconditionFailed'),
      'on i-m1 (m1): the membership was written into /e.yaml (as it was before: /e.yaml.run); the service etcd was started',
    ],
    [
      onHosts('snapshot-data-dir', AT, { method: 'raw' }, { method: 'none' }),
      'on i-m1 (m1): a copy of its data was made in a scratch folder beside /data',
    ],
    [onHosts('fetch-backup', AT, {}, {}), `${BOTH} the backup was fetched into a scratch folder beside /data`],
    [
      onHosts('restore-snapshot', AT, {}, {}),
      `${BOTH} the snapshot was restored into a scratch folder beside /data, whose data is as it was`,
    ],
    [
      onHosts('swap-data-dir', SWAP, SWAPPED, SWAPPED),
      `${BOTH} the service etcd was stopped; the restored data was put into /data; what was there is kept in /data.run; ` +
        'the membership was written into /e.yaml (as it was before: /e.yaml.run)',
    ],
    [onHosts('swap-data-dir', LEAVE, {}, {}), `${BOTH} the service etcd was stopped`],
    [
      onHosts('start-restored', { unit: 'etcd' }, {}, {}),
      `${BOTH} the restored data is kept, and the service etcd was started`,
    ],
    [onHosts('mark-recovery', { outcome: 'undo' }, {}, {}), `${BOTH} the scratch folder was removed`],
    [onHosts('mark-recovery', { outcome: 'commit' }, {}, {}), `${BOTH} the host noted that the restored data is kept`],
  ];
  it.each(RUNS.map(([done, told]) => [told, done] as const))('is told in its words: %s', (told, done) => {
    expect(changesSoFar([done])).toEqual({ done: [told], perhaps: [] });
  });

  it('is told of a command that has failed after a part of it', () => {
    const failed = onHosts('join-cluster', { unit: 'etcd' }, 'HostCommandFailed');
    const [report] = (failed.output as { reports: { result: unknown }[] }).reports;
    Object.assign(report as object, { result: WRITTEN });
    expect(changesSoFar([failed]).done).toEqual([
      'on i-m1 (m1): the membership was written into /e.yaml (as it was before: /e.yaml.run); the service etcd does not start',
    ]);
  });

  it.each<[string, StepRun]>([
    ['a compaction that another has made', run('compact-history', {}, { outcome: 'AlreadyCompacted' })],
    ['no alarm to disarm', run('disarm-alarms', {}, { disarmed: [] })],
    ['a change that was not needed', run('change-membership', { change: 'AddMember' }, { changed: false })],
    ['a step that refused', run('change-membership', { change: 'AddMember' }, undefined, 'PreconditionFailed')],
    ['a proof that has ended', run('prove-writes', {}, { members: [] })],
    ['a part of a snapshot that was sent', onHosts('send-snapshot', { ...AT, offsetBytes: '0' }, {}, {})],
    ['a rehearsal', onHosts('rehearse-restore', AT, {}, {})],
    ['a look', run('assess-space', {}, { verdict: 'Reclaim' })],
    ['copies of a dry run', onHosts('snapshot-data-dir', { keep: 'no' }, { method: 'raw' }, { method: 'raw' })],
    ['hosts that refused', onHosts('archive-data-dir', AT, 'UnsafeToProceed', 'InvalidInput')],
    ['an inspection', onHosts('inspect-host', AT, {}, {})],
  ])('is nothing after %s', (_, done) => {
    expect(changesSoFar([done])).toEqual({ done: [], perhaps: [] });
  });

  it.each<[string, StepRun, string]>([
    ['is under way', run('defragment-member', { member: 'm1' }), 'm1 was defragmented'],
    [
      'has failed',
      run('compact-history', { revision: '7' }, undefined, 'EtcdUnavailable'),
      'history was compacted up to revision 7',
    ],
    [
      'removes the only target',
      run('change-membership', { change: 'RemoveMember', targets: [{ member: 'm3' }] }),
      'm3 was removed from etcd',
    ],
    [
      'removes one of two',
      run('change-membership', { change: 'RemoveMember', targets: [{ member: 'm3' }, { member: 'm4' }] }),
      'one of m3, m4 was removed from etcd',
    ],
    ['proves writes', run('prove-writes', {}), 'a key below /etcd-remediation/proof/ was written, and not deleted yet'],
    ['runs on hosts', onHosts('archive-data-dir', AT), `${BOTH} the data in /data was moved aside`],
    [
      'has failed on one host',
      onHosts('control-service', { unit: 'etcd', action: 'stop' }, 'PreconditionFailed', 'HostUnreachable'),
      'on i-m2 (m2): the service etcd was stopped',
    ],
    [
      'refuses after it has stopped a service',
      onHosts('swap-data-dir', SWAP, 'UnsafeToProceed', 'UnsafeToProceed'),
      `${BOTH} the service etcd was stopped`,
    ],
  ])('is not known of a step that %s', (_, underWay, told) => {
    expect(changesSoFar([underWay])).toEqual({ done: [], perhaps: [told] });
  });
});

describe('how a cluster stands that a runbook is stopped at', () => {
  const LOST = 'The quorum is still lost: no member takes writes.';
  const stop = onHosts('swap-data-dir', LEAVE, {}, {});
  const place = onHosts('swap-data-dir', SWAP, SWAPPED, SWAPPED);
  const launch = onHosts('control-service', { action: 'start-without-waiting' }, {}, {});

  it.each<[string, StepRun[], string]>([
    ['data was copied', [onHosts('snapshot-data-dir', AT, {}, {})], `The data of every member is as it was. ${LOST}`],
    [
      'services were started',
      [launch, run('wait-for-quorum', {}, { led: false })],
      `The data of every member is as it was. ${LOST}`,
    ],
    [
      'services were started, and a quorum leads',
      [launch, run('wait-for-quorum', {}, { led: true })],
      'The data of every member is as it was.',
    ],
    ['services were stopped', [stop], `Services may be stopped, and the data of every member is as it was. ${LOST}`],
    ['services were stopped, and started again', [stop, launch], `The data of every member is as it was. ${LOST}`],
    [
      'restored data is being put in place',
      [onHosts('swap-data-dir', SWAP)],
      `Services may be stopped, and restored data may be in place on some hosts and not on others. ${LOST} Start no etcd by hand.`,
    ],
    [
      'it is kept',
      [place, onHosts('start-restored', { unit: 'etcd' }, {}, {})],
      'The restored data is in place on every host, and stays there. Services may be stopped still.',
    ],
    [
      'all goes back',
      [place, onHosts('revert-data-dir', AT), launch],
      `Data was being moved back into its place. ${LOST} Start no etcd by hand.`,
    ],
    [
      'all is back',
      [place, onHosts('revert-data-dir', AT, {}, {}), onHosts('mark-recovery', { outcome: 'undo' }, {}, {})],
      `The data of every member is as it was. ${LOST}`,
    ],
  ])('is told of a recovery in which %s', (_, runs, standing) => {
    expect(standingSoFar({ runbook: 'quorum-recovery', runs, variables: {} })).toBe(standing);
  });

  const OPEN = 'Authentication may be disabled now. Anyone who reaches the cluster may then read and write everything.';
  const restart = onHosts('control-service', { action: 'restart' }, {}, {});
  it.each<[string, StepRun[], string]>([
    ['a service was restarted', [restart], ''],
    ['authentication is being toggled', [restart, run('toggle-authentication', {})], OPEN],
    ['it was toggled', [run('toggle-authentication', {}, { toggled: true })], ''],
    ['the toggle has failed', [restart, run('toggle-authentication', {}, undefined, 'EtcdUnavailable')], OPEN],
    ['the toggle was refused', [restart, run('toggle-authentication', {}, undefined, 'PreconditionFailed')], ''],
    [
      'it was enabled after that',
      [run('toggle-authentication', {}), run('enable-authentication', {}, { changed: true })],
      '',
    ],
  ])('tells of authentication only where it may be disabled: %s', (_, runs, standing) => {
    expect(standingSoFar({ runbook: 'auth-token-reset', runs, variables: {} })).toBe(standing);
  });

  const defragment = run('defragment-member', { member: 'm1' });
  const assessment = { alarms: [{}] };
  it.each<[string, StepRun[], object, string]>([
    ['no alarm was raised', [{ ...defragment, output: {} }], {}, 'No member was stopped.'],
    [
      'a member defragments',
      [defragment],
      { assessment },
      'No member was stopped. etcd ends a defragmentation that it has begun: until then m1 answers no client. NOSPACE is still raised: etcd refuses writes.',
    ],
    [
      'the alarm was disarmed',
      [run('disarm-alarms', {}, { disarmed: [{}] })],
      { assessment },
      'No member was stopped.',
    ],
  ])('tells of a store whether it is still full: %s', (_, runs, variables, standing) => {
    const done = runs.map((each) =>
      each.output ? { ...each, output: { defragmentations: [{ member: 'm1' }], ...each.output } } : each,
    );
    expect(standingSoFar({ runbook: 'space-reclaim', runs: done, variables: { ...variables } })).toBe(standing);
  });

  it('is nothing where nothing was changed', () => {
    for (const runbook of ['space-reclaim', 'member-replacement', 'auth-token-reset', 'quorum-recovery']) {
      expect(standingSoFar({ runbook, runs: [run('assess-space', {}, {})], variables: {} })).toBe('');
    }
  });
});
