import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostedStage } from '../../drills/stage.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { expectWhole, hostedStage, recover } from '../scenes/hosted-scene.ts';
import {
  expectNoScratch,
  filesOfAll,
  leaveOneWhole,
  namesOf,
  putThrough,
  readValue,
  reportOf,
  rungOf,
} from '../scenes/lost-quorum.ts';

const KEY = 'orders/last night.db';

describe('the quorum runbook and a backup', () => {
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

  async function backUp(): Promise<void> {
    await stage.cluster.run('m1', `mkdir -p '${join(folder, 'orders')}'`);
    await stage.cluster.etcdctl(['snapshot', 'save', join(folder, KEY)], ['m1']);
  }

  it('restores it where it is the newest that is left', async () => {
    await putThrough(stage, 'm1', 'kept', 'in the backup');
    await backUp();
    await crashMembers(stage.cluster, namesOf(stage));
    for (const name of namesOf(stage)) await wipeData(stage.cluster, name);
    const report = reportOf(await recover(stage, { parameters: { snapshot: { key: KEY } } }));
    expect(rungOf(report)).toBe('backup');
    expect(report.winner).toMatchObject({ source: 'backup' });
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('in the backup');
    await expectNoScratch(stage);
  });

  it('leaves it where newer data is left, and restores it all the same where it is forced', async () => {
    await putThrough(stage, 'm3', 'kept', 'in the backup');
    await backUp();
    await putThrough(stage, 'm3', 'kept', 'later');
    await leaveOneWhole(stage);
    const report = reportOf(await recover(stage, { parameters: { snapshot: { key: KEY } } }));
    expect(rungOf(report)).toBe('replay');
    expect(report.candidates.map(({ source }) => source)).toContain('backup');
    expect(await readValue(stage, 'kept')).toBe('later');
    await expectWhole(stage);

    await leaveOneWhole(stage);
    const forced = reportOf(await recover(stage, { parameters: { snapshot: { key: KEY, force: true } } }));
    expect(rungOf(forced)).toBe('backup');
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('in the backup');
  });

  it('says where there is none, and changes nothing', async () => {
    await leaveOneWhole(stage);
    const before = await filesOfAll(stage);
    expect(await recover(stage, { parameters: { snapshot: { key: 'orders/tonight.db', force: true } } })).toMatchObject(
      {
        status: 'FAILED',
        error: 'PreconditionFailed',
        cause: expect.stringContaining('orders/tonight.db'),
      },
    );
    expect(await filesOfAll(stage)).toEqual(before);
  });
});
