import { describe, expect, it } from 'vitest';
import { failure } from './execute.ts';
import { all } from './recovery-report.ts';
import { EXAMINE, LOADED, PARAMETERS, recover, SALVAGING, salvageOf, wellOf } from './recovery-scene.ts';
import { CLUSTER, callsOf } from './replacement-scene.ts';

const WITH_BACKUP = {
  'Load cluster': {
    ...LOADED,
    cluster: { ...CLUSTER, backups: { bucket: 'backups', prefix: 'orders/' } },
    parameters: { ...PARAMETERS, snapshot: { key: 'orders/1.db', force: false } },
  },
  'Choose recovery': { ...SALVAGING, examine: EXAMINE },
};

describe('a backup', () => {
  it('is looked into on one host, and competes', async () => {
    const executed = await recover(WITH_BACKUP);
    expect(callsOf(executed, 'Fetch the backup')).toMatchObject([
      {
        ...{ command: 'fetch-backup', ...EXAMINE },
        object: { access: 'read-backup', bucket: 'backups', key: 'orders/1.db' },
      },
    ]);
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([
      { examined: { member: 'node2', host: EXAMINE.host, error: '', result: { revision: '4000' } } },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('that cannot be read does not keep what the hosts have from being restored', async () => {
    const executed = await recover({
      ...WITH_BACKUP,
      'Fetch the backup': failure('HostCommandFailed', 'There is no such key.'),
    });
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([
      { examined: { member: 'node2', result: null, error: 'HostCommandFailed', problem: 'There is no such key.' } },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe("the cluster's own backups", () => {
  const ofIts = { ...CLUSTER, backups: { bucket: 'backups', prefix: '', everyMinutes: 60 } };
  const listed = { name: 'a', takenAt: '', revision: '4000', etcdVersion: '3.5.30', givenUp: null, obstacle: '' };
  const found = { chosen: { name: 'a', key: 'a.db.gz', takenAt: '' }, backups: [listed], problem: '' };
  const WITH_OWN = {
    ...WITH_BACKUP,
    'Load cluster': { ...LOADED, cluster: ofIts },
    'Choose recovery': SALVAGING,
    'Look for backups': { ...found, examine: EXAMINE, summary: 'It is fetched.' },
  };

  it('are looked for where none was named, and the one that is chosen is fetched', async () => {
    const executed = await recover(WITH_OWN);
    expect(callsOf(executed, 'Look for backups')).toMatchObject([{ salvaged: all(salvageOf('4030')), dryRun: false }]);
    expect(callsOf(executed, 'Fetch the backup')).toMatchObject([
      { command: 'fetch-backup', ...EXAMINE, object: { access: 'read-backup', bucket: 'backups', key: 'a.db.gz' } },
    ]);
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([
      { examined: { member: 'node2', result: { revision: '4000' } }, backup: found },
    ]);
  });

  it('are looked for once more where the one that was fetched is damaged, and the next older one is fetched, of three at most', async () => {
    const EXAMINED = wellOf('Fetch the backup', {});
    const fetches = (times: number) => {
      let fetched = 0;
      return () => {
        fetched += 1;
        return fetched <= times ? failure('UnsafeToProceed', `It is damaged: ${fetched}.`) : EXAMINED;
      };
    };
    const once = await recover({ ...WITH_OWN, 'Fetch the backup': fetches(1) });
    expect(callsOf(once, 'Look for backups')).toMatchObject([
      { damaged: [] },
      { damaged: [{ name: 'a', problem: 'It is damaged: 1.' }] },
    ]);
    expect(callsOf(once, 'Plan recovery')).toMatchObject([{ examined: { result: { revision: '4000' } } }]);
    const always = await recover({ ...WITH_OWN, 'Fetch the backup': fetches(9) });
    expect(callsOf(always, 'Fetch the backup')).toHaveLength(3);
    expect(callsOf(always, 'Plan recovery')).toMatchObject([{ examined: { result: null, error: 'UnsafeToProceed' } }]);
    // That it cannot be reached says nothing of what it is.
    const away = await recover({ ...WITH_OWN, 'Fetch the backup': failure('HostCommandFailed', 'No way there.') });
    expect(callsOf(away, 'Look for backups')).toHaveLength(1);
  });

  it('are not fetched where none is chosen, and the plan knows of them', async () => {
    const none = { ...found, chosen: null };
    const executed = await recover({ ...WITH_OWN, 'Look for backups': { ...none, examine: null, summary: '' } });
    expect(callsOf(executed, 'Fetch the backup')).toEqual([]);
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([{ examined: null, backup: none }]);
  });

  it('that nobody can look for do not keep what the hosts have from being restored', async () => {
    const executed = await recover({ ...WITH_OWN, 'Look for backups': failure('PreconditionFailed', 'No way there.') });
    expect(callsOf(executed, 'Plan recovery')).toMatchObject([
      { examined: null, backup: { chosen: null, backups: [], problem: 'No way there.' } },
    ]);
    expect(executed.ended).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('are not looked for where one is named', async () => {
    const executed = await recover({
      ...WITH_BACKUP,
      'Load cluster': { ...WITH_BACKUP['Load cluster'], cluster: ofIts },
    });
    expect(executed.visited).not.toContain('Look for backups');
  });
});
