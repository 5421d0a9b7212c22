import { describe, expect, it } from 'vitest';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { changeValue } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import {
  archivesOf,
  expectWhole,
  hostedStage,
  idsOf,
  lostBy,
  outputOf,
  repair,
  replace,
  startWriting,
} from '../scenes/hosted-scene.ts';
import { pictureOf } from '../scenes/picture.ts';
import { sameStage } from '../scenes/same-stage.ts';
import { alarmsOf, leaderOf, setAlarm, statesOf, until } from '../scenes/scene.ts';

const onStage = sameStage(hostedStage);
const KEY = 'price';

/** A value that is nowhere else in the database. @returns the revision of the write */
async function write({ etcd }: HostedStage, value: string): Promise<string> {
  await etcd.member('m1').put(KEY, value);
  return (await etcd.member('m1').readAgreed(KEY)).revision;
}

async function servedBy({ etcd }: HostedStage): Promise<(string | undefined)[]> {
  return Promise.all(etcd.members.map((member) => member.readLocally(KEY)));
}

/** It is well again, and follows or leads. */
async function untilWell(stage: HostedStage): Promise<void> {
  await until(async () => {
    const { members, memberList } = await stage.etcd.observe();
    const leaders = new Set(members.map((seen) => (seen.answering ? seen.leaderId : '0')));
    return memberList.length === members.length && leaders.size === 1 && !leaders.has('0');
  });
}

async function followersOf(stage: HostedStage): Promise<string[]> {
  const { name } = await leaderOf(stage);
  return stage.cluster.members.map((member) => member.name).filter((each) => each !== name);
}

async function change(stage: HostedStage, name: string, value: string): Promise<void> {
  await changeValue(stage.cluster, name, value);
  await untilWell(stage);
}

async function diagnose({ platform }: HostedStage): Promise<{ incident: string; summary: string }> {
  return (await platform.invokeStep('diagnose-cluster', { cluster: CLUSTER_NAME })) as {
    incident: string;
    summary: string;
  };
}

describe.each(['3.5.35', '3.6.16', '3.7.3'])('data that differ, on etcd %s', (etcd) => {
  it('on a follower, at a revision that history is compacted up to: found without an alarm, planned hash by hash, replaced', async (test) => {
    await requireEtcd(etcd, test);
    const stage = await onStage({ etcd });
    const revision = await write(stage, 'what was paid for it');
    await stage.etcd.member('m1').put('later', 'than that');
    const { revision: head } = await stage.etcd.member('m1').readAgreed('later');
    // The members that run on remember a hash of it; the one that is started again computes it.
    await stage.etcd.member('m1').compact(head, 10_000);
    const before = await idsOf(stage);
    const other = (await leaderOf(stage)).name === 'm3' ? 'm2' : 'm3';
    await change(stage, other, 'what was paid for it');
    expect(new Set(await servedBy(stage)).size).toBe(2);
    expect(await diagnose(stage)).toMatchObject({
      incident: 'data-corrupt',
      summary: expect.stringMatching(/^Members hold different data at revision \d+:\n- m1: hash \d+ at/),
    });

    const picture = await pictureOf(stage);
    const planned = outputOf(await repair(stage, { dryRun: true }));
    expect(await pictureOf(stage)).toEqual(picture);
    expect(planned).toMatchObject({ outcome: 'Planned', targets: [other], removeIds: [before[other]] });
    expect((planned.plan as string[])[0]).toMatch(
      new RegExp(`^${other} holds other data than a majority of the voters: it has the hash \\d+ at revision ${head}`),
    );

    const writer = startWriting(
      stage,
      ['m1', 'm2', 'm3'].filter((name) => name !== other),
    );
    const repaired = outputOf(await repair(stage));
    expect(repaired).toMatchObject({ outcome: 'Remediated', disarmed: [], archived: [{ member: other }] });
    expect(repaired.summary).toMatch(
      /^All voters hold the same data at revision \d+, and every one took a write\. Replaced: /,
    );
    expect(BigInt((repaired.differences as { differentAt: string }[])[0]?.differentAt ?? 0)).toBeGreaterThanOrEqual(
      BigInt(revision),
    );
    expect(await lostBy(writer, stage)).toBe(0);
    expect(new Set(await servedBy(stage))).toEqual(new Set(['what was paid for it']));
    const after = await idsOf(stage);
    expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual([other]);
    expect(await archivesOf(stage, other)).toHaveLength(1);
    await expectWhole(stage);
    expect((await diagnose(stage)).incident).toBe('healthy');
  });

  it('on the leader, where etcd has named another one: leadership is moved first, and the alarm of the other is disarmed', async (test) => {
    await requireEtcd(etcd, test);
    const stage = await onStage({ etcd });
    const revision = await write(stage, 'what was asked for it');
    await stage.etcd.member('m1').put('later', 'than that');
    const { name, id } = await leaderOf(stage);
    await change(stage, name, 'what was asked for it');
    await stage.etcd.member((await leaderOf(stage)).name).moveLeader(id);
    await untilWell(stage);
    const innocent = ['m1', 'm2', 'm3'].find((each) => each !== name) ?? '';
    const before = await idsOf(stage);
    await setAlarm(stage, 'Corrupt', before[innocent] ?? '');
    const execution = await repair(stage);
    expect(outputOf(execution)).toMatchObject({
      outcome: 'Remediated',
      summary: expect.stringContaining('agree with the majority all the same'),
      disarmed: [{ memberId: before[innocent], alarm: 'CORRUPT' }],
      archived: [{ member: name }],
      differences: [{ member: name, sameAt: (BigInt(revision) - 1n).toString(), differentAt: revision }],
    });
    expect(statesOf(execution)).toContain('Move leadership');
    const after = await idsOf(stage);
    expect(Object.keys(after).filter((each) => after[each] !== before[each])).toEqual([name]);
    expect(await alarmsOf(stage)).toEqual([]);
    await expectWhole(stage);
  });

  it('nowhere, and an alarm is left over: it is disarmed, and nothing else is changed', async (test) => {
    await requireEtcd(etcd, test);
    const stage = await onStage({ etcd });
    const before = await idsOf(stage);
    await setAlarm(stage, 'Corrupt', 'dead');
    expect(outputOf(await repair(stage, { dryRun: true }))).toMatchObject({ outcome: 'Planned', targets: [] });
    expect(await alarmsOf(stage)).toEqual(['CORRUPT on dead']);
    expect(outputOf(await repair(stage))).toMatchObject({
      outcome: 'Remediated',
      disarmed: [{ memberId: 'dead' }],
      archived: [],
    });
    expect([await alarmsOf(stage), await idsOf(stage)]).toEqual([[], before]);
  });

  it('on two of three, each in its own way: nothing says whose are right, and nothing is changed', async (test) => {
    await requireEtcd(etcd, test);
    const stage = await onStage({ etcd });
    await write(stage, 'what is left of it');
    await stage.etcd.member('m1').put('other', 'a second value');
    await change(stage, 'm2', 'what is left of it');
    await change(stage, 'm3', 'a second value');
    const picture = await pictureOf(stage);
    for (const raised of [false, true]) {
      if (raised) await setAlarm(stage, 'Corrupt', '0');
      const execution = await repair(stage);
      expect(execution).toMatchObject({
        status: 'FAILED',
        error: 'UnsafeToProceed',
        cause: expect.stringMatching(/no majority of all 3 voters agrees:\n- m1: hash \d+ at \d+, newest \d+\n- m2/),
      });
    }
    await setAlarm(stage, 'Corrupt', '0', false);
    expect(await pictureOf(stage)).toEqual(picture);
  });
});

it('damage under a member that runs on is found where history is compacted up to the newest revision: none is hidden by what members remember', async (test) => {
  await requireEtcd('3.6.16', test);
  const stage = await onStage({ etcd: '3.6.16' });
  const revision = await write(stage, 'what was paid for it');
  await stage.etcd.member('m1').compact(revision, 10_000);
  const [other = ''] = await followersOf(stage);
  const { host } = stage.cluster.member(other);
  await stage.cluster.run(
    other,
    `set -eu
    export LC_ALL=C
    db='${host.layout.dataDir}/member/snap/db'
    grep -obaF 'what was paid' "$db" | while IFS=: read -r at rest; do
      printf WHAT | dd of="$db" bs=1 seek="$at" conv=notrunc 2> /dev/null
    done`,
  );
  const remembered = await Promise.all(stage.etcd.members.map((member) => member.hashAt(revision, 10_000)));
  expect(new Set(remembered.map(({ hash }) => hash)).size).toBe(1);
  await setAlarm(stage, 'Corrupt', (await idsOf(stage))[other] ?? '');
  expect(outputOf(await repair(stage, { dryRun: true }))).toMatchObject({ outcome: 'Planned', targets: [other] });
  await setAlarm(stage, 'Corrupt', (await idsOf(stage))[other] ?? '', false);
});

describe("a member that etcd's own check does not let start", () => {
  const ETCD = '3.5.35';
  /** Before its first snapshot a member that starts knows no other, and compares itself with nobody. */
  const SOON = { etcd: ETCD, snapshotCount: 10 };

  async function checkAtTheStart(stage: HostedStage, name: string): Promise<void> {
    for (let write = 0; write < 30; write++) await stage.etcd.member(name).put('often', `${write}`);
    const { configFile } = stage.cluster.member(name).host.layout;
    await stage.cluster.run(name, `echo 'experimental-initial-corrupt-check: true' >> '${configFile}'`);
  }

  it('is a failed one, where the others agree', async (test) => {
    await requireEtcd(ETCD, test);
    const stage = await onStage(SOON);
    await write(stage, 'what was paid for it');
    const [other = ''] = await followersOf(stage);
    await checkAtTheStart(stage, other);
    await expect(changeValue(stage.cluster, other, 'what was paid for it')).rejects.toThrow();
    expect((await diagnose(stage)).incident).toBe('member-failed');
    expect(outputOf(await replace(stage)).outcome).toBe('Remediated');
    expect(new Set(await servedBy(stage))).toEqual(new Set(['what was paid for it']));
  });

  it('is not replaced where it may be the one that is right: the leader differs from the third', async (test) => {
    await requireEtcd(ETCD, test);
    const stage = await onStage(SOON);
    await write(stage, 'what was asked for it');
    const { name, id } = await leaderOf(stage);
    await change(stage, name, 'what was asked for it');
    await stage.etcd.member((await leaderOf(stage)).name).moveLeader(id);
    await untilWell(stage);
    const [right = ''] = await followersOf(stage);
    const before = await idsOf(stage);
    await checkAtTheStart(stage, right);
    await expect(stage.cluster.run(right, `systemctl restart ${UNIT}`)).rejects.toThrow();
    expect(await diagnose(stage)).toMatchObject({ incident: 'data-corrupt' });
    expect(await repair(stage)).toMatchObject({
      status: 'FAILED',
      error: 'UnsafeToProceed',
      cause: expect.stringContaining('no majority of all 3 voters agrees'),
    });
    expect(await idsOf(stage)).toEqual(before);
  });
});
