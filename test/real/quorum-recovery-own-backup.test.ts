import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupReport } from '../../core/backups/contracts.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { expectWhole, hostedStage, recover } from '../scenes/hosted-scene.ts';
import {
  expectNoScratch,
  leaveOneWhole,
  namesOf,
  putThrough,
  readValue,
  reportOf,
  rungOf,
} from '../scenes/lost-quorum.ts';

describe("the quorum runbook and the cluster's own backups", () => {
  let stage: HostedStage;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backups-'));
    stage = await hostedStage({ backups: folder });
  });
  afterEach(async () => {
    await stage?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function backUp(): Promise<BackupReport['backup']> {
    const end = await stage.platform.backUp(CLUSTER_NAME);
    if (end.status !== 'SUCCEEDED') throw new Error(`${end.error}: ${end.cause}`);
    return (end.output as unknown as BackupReport).backup;
  }

  async function loseEverything(): Promise<void> {
    await crashMembers(stage.cluster, namesOf(stage));
    for (const name of namesOf(stage)) await wipeData(stage.cluster, name);
  }

  it('restores the newest by itself where nothing else is left, and says in a dry run that it would', async () => {
    await putThrough(stage, 'm1', 'kept', 'in the first');
    await backUp();
    await putThrough(stage, 'm1', 'kept', 'in the second');
    const { name, record } = await backUp();
    await putThrough(stage, 'm1', 'kept', 'in none');
    await loseEverything();
    const planned = reportOf(await recover(stage, { dryRun: true }));
    expect(planned.winner).toMatchObject({ source: 'backup', revision: record.revision });
    expect(planned.plan.join('\n')).toContain(`take the backup ${name}`);
    const report = reportOf(await recover(stage));
    expect(rungOf(report)).toBe('backup');
    expect(report.loss.keptRevision).toBe(record.revision);
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('in the second');
    await expectNoScratch(stage);
  });

  it('leaves it where newer data is left, and says how much would be given up with it', async () => {
    await putThrough(stage, 'm3', 'kept', 'in the backup');
    const { name } = await backUp();
    await putThrough(stage, 'm3', 'kept', 'later');
    await leaveOneWhole(stage);
    const report = reportOf(await recover(stage));
    expect(rungOf(report)).toBe('replay');
    expect(report.backups).toEqual([
      expect.objectContaining({ name, obstacle: expect.stringContaining('holds revision') }),
    ]);
    expect(Number(report.backups[0]?.givenUp)).toBeGreaterThan(0);
    expect(await readValue(stage, 'kept')).toBe('later');
  });

  /** One byte is another, in the middle. */
  async function damage(name: string): Promise<void> {
    const file = join(folder, `${name}.db.gz`);
    const bytes = await readFile(file);
    const at = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
    await writeFile(file, bytes);
  }

  it('goes on to the next older one where the newest is damaged, and the plan says what more is lost', async () => {
    await putThrough(stage, 'm1', 'kept', 'in the first');
    const older = await backUp();
    await putThrough(stage, 'm1', 'kept', 'in the second');
    const newer = await backUp();
    await damage(newer.name);
    await loseEverything();
    const planned = reportOf(await recover(stage, { dryRun: true }));
    expect(planned.winner).toMatchObject({ source: 'backup', revision: older.record.revision });
    expect(planned.plan.join('\n')).toMatch(
      new RegExp(`take the backup ${older.name}[^]*pass over the newer backup ${newer.name} .*it is damaged`),
    );
    expect(planned.loss.explanation).toContain(`The newer backup ${newer.name}`);
    // Whoever approved of the newer one, before it was damaged, did not approve of this.
    const approved = { parameters: { atLeastRevision: newer.record.revision } };
    expect(await recover(stage, approved)).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringContaining('was not approved'),
    });
    const report = reportOf(await recover(stage, { parameters: { atLeastRevision: older.record.revision } }));
    expect(rungOf(report)).toBe('backup');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('in the first');
    await expectNoScratch(stage);
  });

  it('passes over one that is damaged, says so, and restores nothing in its place where there is no other', async () => {
    await putThrough(stage, 'm1', 'kept', 'in the backup');
    const { name } = await backUp();
    await damage(name);
    await loseEverything();
    expect(await recover(stage)).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringMatching(new RegExp(`Nothing is left[^]*${name}[^]*it is damaged[^]*was recorded`)),
    });
  });
});
