import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { BackupReport } from '../../core/backups/contracts.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { fill, overSlowLines } from '../scenes/by-host.ts';
import { expectWhole, hostedStage, outputOf, recover, startWriting } from '../scenes/hosted-scene.ts';
import { namesOf, putThrough, readValue, reportOf, rungOf } from '../scenes/lost-quorum.ts';

/** What a backup would have left beside the data dirs and the logs. */
const leftovers = ({ cluster }: HostedStage) =>
  cluster.members
    .flatMap(({ host, walDir }) => [dirname(host.layout.dataDir), dirname(walDir ?? '')])
    .flatMap((folder) => readdirSync(folder).filter((name) => name.startsWith('.etcd-remediation.')));

// All of them wait for the same minute, after which it is seen how slow their lines are.
it.concurrent.for(['3.4.23', '3.5.30', '3.6.16', '3.7.3'])(
  'a backup by the host, of etcd %s with TLS, authentication and a log of its own folder, is listed, rehearsed, and brings the cluster back',
  async (etcd, test) => {
    await requireEtcd(etcd, test);
    const folder = await mkdtemp(join(tmpdir(), 'backups-'));
    test.onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const stage = await hostedStage({ backups: folder, sizeMiB: 512, etcd, tls: true, auth: true, walDir: true });
    test.onTestFinished(() => stage.close());
    await fill(stage);
    await putThrough(stage, 'm1', 'kept', 'in the backup');

    const slow = await overSlowLines(stage, folder);
    test.onTestFinished(() => slow.close());
    const writer = startWriting(stage, namesOf(stage));
    const end = await slow.platform.backUp(CLUSTER_NAME).finally(() => writer.stop());
    const { backup } = outputOf(end) as unknown as BackupReport;
    const { name, record } = backup;
    expect(record).toMatchObject({ way: 'host', etcdVersion: etcd, hash: expect.anything() });
    expect(leftovers(stage)).toEqual([]);

    const listed = await stage.platform.invokeStep('list-backups', { cluster: stage.file.clusters[0] });
    expect(listed).toMatchObject({ backups: { count: 1, backups: [{ name, record, problem: '' }] } });
    const rehearsed = outputOf(await stage.platform.rehearse({ cluster: CLUSTER_NAME }));
    // Nothing is unknown: hash, revision and keys are those that the member had.
    expect(rehearsed).toMatchObject({ outcome: 'Passed', rehearsal: { backup: name, etcdVersion: etcd, unknown: [] } });

    await putThrough(stage, 'm1', 'kept', 'later');
    await crashMembers(stage.cluster, namesOf(stage));
    for (const member of namesOf(stage)) await wipeData(stage.cluster, member);
    const report = reportOf(await recover(stage));
    expect(rungOf(report)).toBe('backup');
    expect(report.loss.keptRevision).toBe(Object(rehearsed).rehearsal.revision);
    await expectWhole(stage);
    expect(await readValue(stage, 'kept')).toBe('in the backup');
    expect(leftovers(stage)).toEqual([]);
  },
);
