import { describe, expect, it } from 'vitest';
import { found, foundAll } from '../backups/found.ts';
import { chosenBackup, examined, log, parametersWith, plan, STATES, salvage, WITH_BACKUPS } from './recoveries.ts';

const [NEW, OLD] = [found('2026-11-29T08:15:00.000Z', 3000), found('2026-11-28T08:15:00.000Z', 2000)];
const ALL = foundAll(NEW, OLD);
const LOST = { node1: salvage('none', 0), node2: salvage('none', 0), node3: salvage('none', 0) };
const request = (data: Parameters<typeof chosenBackup>[0]['data']) => ({
  cluster: WITH_BACKUPS,
  ...(data && { data }),
});

describe('of the backups that are made', () => {
  it('the newest is fetched where nothing is left, on the host with the most room', () => {
    const { chosen, examine, summary } = chosenBackup(
      { ...request(LOST), hosts: { node1: STATES.empty, node2: STATES.empty, node3: STATES.empty } },
      ALL,
    );
    expect(chosen?.key).toBe(NEW.key);
    expect(examine).toMatchObject({ parameters: { keep: 'yes', sha256: NEW.record?.sha256 } });
    expect(summary).toBe(`The backup ${NEW.name} at revision 3000 is fetched.`);
  });

  it('the next older one is fetched where the newest is damaged, and none where all are', () => {
    const damaged = { name: NEW.name, problem: 'Its SHA-256 is another.\nLook there.' };
    const next = chosenBackup(request(LOST), ALL, [damaged]);
    expect(next.chosen?.key).toBe(OLD.key);
    expect(next.backups).toMatchObject([{ obstacle: 'it is damaged: Its SHA-256 is another' }, { obstacle: '' }]);
    expect(next.summary).toBe(`The backup ${OLD.name} at revision 2000 is fetched.`);
    // What is left on a host comes before one that is older than that.
    const left = { ...LOST, node3: salvage('replayed', 2500) };
    expect(chosenBackup(request(left), ALL, [damaged]).chosen).toBeNull();
    expect(chosenBackup(request(LOST), ALL, [damaged, { ...damaged, name: OLD.name }]).chosen).toBeNull();
  });

  it('the newest is the one that was made last, whatever its revision: a cluster that was begun anew counts from one', () => {
    const anew = found('2026-11-29T09:00:00.000Z', 12, { clusterId: 'c2' });
    expect(chosenBackup(request(LOST), foundAll(anew, NEW)).chosen?.key).toBe(anew.key);
  });

  it('none of an earlier cluster takes the place of an approved one that is damaged, whatever its revision', () => {
    const anew = found('2026-11-29T09:00:00.000Z', 12, { clusterId: 'c2' });
    const damaged = [{ name: anew.name, problem: 'Its SHA-256 is another.' }];
    const approved = (atLeastRevision: string) => ({
      ...request(LOST),
      parameters: { ...parametersWith(), atLeastRevision },
    });
    expect(chosenBackup(request(LOST), foundAll(anew, NEW), damaged).chosen?.key).toBe(NEW.key);
    const { chosen, backups } = chosenBackup(approved('12'), foundAll(anew, NEW), damaged);
    expect(chosen).toBeNull();
    expect(backups[1]?.obstacle).toMatch(/of c2: that was not approved\. Start again for a new plan$/);
    // It was damaged already when the plan was made, and the older one is what was approved.
    expect(chosenBackup(approved('3000'), foundAll(anew, NEW), damaged).chosen?.key).toBe(NEW.key);
  });

  it('none is fetched where something newer is left, and each says what would be given up with it', () => {
    const { chosen, examine, backups, summary } = chosenBackup(request(undefined), ALL);
    expect({ chosen, examine }).toEqual({ chosen: null, examine: null });
    expect(backups.map(({ revision, givenUp, obstacle }) => [revision, givenUp, obstacle])).toEqual([
      ['3000', '1030', 'node2 holds revision 4030'],
      ['2000', '2030', 'node2 holds revision 4030'],
    ]);
    expect(summary).toContain('1030 writes would be given up with it: node2 holds revision 4030');
  });

  it('one is fetched where what is left of the same cluster is older', () => {
    const data = { ...LOST, node3: salvage('replayed', 60) };
    expect(chosenBackup(request(data), ALL)).toMatchObject({
      chosen: { key: NEW.key },
      backups: [{ givenUp: '0', obstacle: '' }, {}],
    });
  });

  it.each([
    ['is of another cluster', { log: log(60, 60, true, 'c2') }, 'of the cluster c2, and it is of c1'],
    ['nobody can tell the cluster of', { clusterId: '', log: null }, 'of which cluster nobody can tell'],
  ])('none comes before data that %s: a person may name it', (_, differences, why) => {
    const data = { ...LOST, node3: salvage('replayed', 60, differences) };
    const { chosen, backups } = chosenBackup(request(data), ALL);
    expect(chosen).toBeNull();
    expect(backups[0]).toMatchObject({ givenUp: null, obstacle: expect.stringContaining(why) });
    expect(backups[0]?.obstacle).toContain('parameters.snapshot');
  });

  it('none is of what a cluster held before it was begun anew under the same ID, whatever its revision', () => {
    const anew = found('2026-11-29T09:00:00.000Z', 50);
    const ofBefore = expect.stringContaining(`${anew.name} was made later and is only at revision 50`);
    const data = { ...LOST, node3: salvage('replayed', 60) };
    const { chosen, backups } = chosenBackup(request(data), foundAll(anew, NEW, OLD));
    expect(chosen).toBeNull();
    expect(backups).toMatchObject([
      { obstacle: 'node3 holds revision 60' },
      { obstacle: ofBefore },
      { obstacle: ofBefore },
    ]);
    // Nor where the newer one cannot be taken.
    const newer = found('2026-11-29T09:00:00.000Z', 50, { etcdVersion: '3.6.16', storageVersion: '3.6.0' });
    expect(chosenBackup(request(LOST), foundAll(newer, NEW)).chosen).toBeNull();
  });

  it('one that the hosts do not start from is passed over for one that they do', () => {
    const newer = found('2026-11-29T09:15:00.000Z', 3500, { etcdVersion: '3.6.16', storageVersion: '3.6.0' });
    const { chosen, backups } = chosenBackup(request(LOST), foundAll(newer, NEW));
    expect(chosen?.key).toBe(NEW.key);
    expect(backups[0]?.obstacle).toMatch(/of etcd 3\.6\.0, and the hosts have 3\.5/);
    // Half way through an upgrade the storage is still the older one.
    const half = found('2026-11-29T09:15:00.000Z', 3500, { etcdVersion: '3.6.16', storageVersion: '3.5.0' });
    expect(chosenBackup(request(LOST), foundAll(half, NEW)).chosen?.key).toBe(half.key);
  });

  it('one of which nothing is known is passed over, and that the bucket cannot be read is told', () => {
    const unread = { ...NEW, record: null, problem: 'It is no JSON.' };
    expect(chosenBackup(request(LOST), foundAll(unread, OLD))).toMatchObject({
      chosen: { key: OLD.key },
      backups: [{ revision: '', obstacle: expect.stringContaining('It is no JSON') }, {}],
    });
    const refused = chosenBackup(request(LOST), { count: 0, backups: [], problem: 'AccessDenied' });
    expect(refused).toMatchObject({
      chosen: null,
      problem: 'AccessDenied',
      summary: expect.stringContaining('AccessDenied'),
    });
  });
});

describe('a plan with a backup that was chosen', () => {
  const chosen = { name: NEW.name, key: NEW.key, takenAt: NEW.takenAt };
  const backups = [
    { name: NEW.name, takenAt: NEW.takenAt, revision: '3000', etcdVersion: '3.5.30', givenUp: null, obstacle: '' },
  ];
  const withOwn = { cluster: WITH_BACKUPS, data: LOST, backup: { chosen, backups, problem: '' } };

  it('restores it, says which it is and when it was made, and lists them all', () => {
    const made = plan({ ...withOwn, examined: examined(3000) });
    expect(made.winner).toMatchObject({
      source: 'backup',
      revision: '3000',
      note: `${NEW.name}, made at ${NEW.takenAt}`,
    });
    expect(made.backups).toEqual(backups);
    expect(made.ladder.find(({ rung }) => rung === 'backup')).toMatchObject({
      serves: true,
      why: expect.stringContaining(NEW.name),
    });
  });

  it('says which newer one it passes over, and how many writes more are lost without it', () => {
    const damaged = { ...backups[0], obstacle: 'it is damaged: Its SHA-256 is another' };
    const older = { name: OLD.name, takenAt: OLD.takenAt, revision: '2000', etcdVersion: '3.5.30', givenUp: null };
    const backup = {
      chosen: { name: OLD.name, key: OLD.key, takenAt: OLD.takenAt },
      backups: [damaged, { ...older, obstacle: '' }] as typeof backups,
      problem: '',
    };
    const made = plan({ ...withOwn, backup, examined: examined(2000) });
    expect(made.winner.revision).toBe('2000');
    expect(made.steps.slice(0, 2)).toEqual([
      expect.stringContaining(`take the backup ${OLD.name}`),
      expect.stringMatching(
        new RegExp(`^pass over the newer backup ${NEW.name} at revision 3000: it is damaged.*up to 1000 writes more$`),
      ),
    ]);
    expect(made.loss.explanation).toContain(
      `The newer backup ${NEW.name}, at revision 3000, cannot be taken, so up to 1000 writes more are lost than with it.`,
    );
    // What was approved of was the newer one.
    const parameters = { ...parametersWith(), atLeastRevision: '3000' };
    expect(() => plan({ ...withOwn, backup, parameters, examined: examined(2000) })).toThrow(
      /less than 3000 was not approved/,
    );
  });

  it('says of each that there is, and why none serves, where nothing can be restored', () => {
    const damaged = {
      member: 'node2',
      host: 'i-2',
      result: null,
      error: 'HostCommandFailed',
      problem: 'It is damaged.',
    };
    expect(() => plan({ ...withOwn, examined: damaged })).toThrow(
      expect.objectContaining({
        name: 'PreconditionFailed',
        message: expect.stringMatching(
          new RegExp(`Nothing is left[^]*${NEW.key} could not be looked at: It is damaged`),
        ),
      }),
    );
  });

  it('restores what is left where the backup that was chosen cannot be restored', () => {
    const damaged = {
      member: 'node2',
      host: 'i-2',
      result: null,
      error: 'HostCommandFailed',
      problem: 'It is damaged.',
    };
    const data = { ...LOST, node3: salvage('replayed', 60) };
    const made = plan({ ...withOwn, data, examined: damaged });
    expect(made.winner).toMatchObject({ member: 'node3', revision: '60' });
    expect(made.ladder.find(({ rung }) => rung === 'backup')?.why).toContain('It is damaged');
  });
});
