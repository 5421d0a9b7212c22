import { describe, expect, it } from 'vitest';
import type { InspectionReport } from '../../../core/hosts/host-command-results.ts';
import { spaceParametersSchema } from '../../../core/space-reclaim/contracts.ts';
import { type WeighRoom, weighRoomInput } from '../../../core/space-reclaim/room-contracts.ts';
import { weighRoom } from '../../../core/space-reclaim/space-room.ts';
import { parse } from '../../../core/text/parse.ts';
import {
  clusterIn,
  clusterOf,
  configuration,
  configured,
  directory,
  FRAGMENTED,
  failureOf,
  inspected,
  LAYOUT,
  MIB,
  noSpace,
  observation,
  silent,
  sizes,
  voter,
} from '../observations.ts';
import { assessSpace, chooseNextDefragmentation } from './space-decisions.ts';

const parameters = parse(spaceParametersSchema, {}, 'parameters');
const withFree = (name: string, freeMib: number) =>
  inspected(name, { dataDir: directory(LAYOUT.dataDir, { freeBytes: Math.round(freeMib * MIB) }) });

/** What the runbook hands on: node1 leads, the last one has raised NOSPACE, and each has a host. */
function weighed(
  members: ReturnType<typeof voter>[],
  inspectedHosts: InspectionReport[],
  differences: Partial<WeighRoom> = {},
) {
  const reading = observation(members, { alarms: [noSpace(`node${members.length}`)] });
  const assessment = assessSpace(reading, parameters);
  const input = {
    cluster: clusterIn(reading),
    parameters,
    members: assessment.members.map(({ name, dbSizeBytes, dbSizeInUseBytes, quotaBytes }) => ({
      ...{ name, dbSizeBytes, dbSizeInUseBytes, quotaBytes },
    })),
    alarms: assessment.alarms,
    plan: assessment.plan,
    steps: assessment.steps,
    inspected: inspectedHosts,
    unasked: '',
    ...differences,
  };
  return weighRoom(parse(weighRoomInput, input, 'input'));
}

const nodes = (...spaces: ReturnType<typeof sizes>[]) => spaces.map((space, index) => voter(`node${index + 1}`, space));
const LARGE_FREE = 100 * 1024;

describe('the hosts that a reclaim asks', () => {
  it('are those of the members that it would defragment, and neither of one that is left out nor of one without a host', () => {
    const reading = observation([voter('node1', FRAGMENTED), voter('node2', FRAGMENTED), silent('node3')], {
      alarms: [noSpace('node1')],
    });
    const { inspections } = assessSpace(reading, parameters);
    expect(inspections.map(({ member, host }) => `${member} ${host}`)).toEqual(['node2 i-2', 'node1 i-1']);
  });

  it('are none where nothing is to be reclaimed', () => {
    expect(assessSpace(observation([voter('node1')]), parameters).inspections).toEqual([]);
  });
});

describe('the room on a disk', () => {
  it.each([
    ['as much as is in use, and a segment of the log', 84, []],
    ['less than that', 83.9, ['node2']],
    ['none', 0, ['node2']],
  ])('is enough for a member that need not become smaller, or it is left as it is: %s', (_, freeMib, withoutRoom) => {
    const members = nodes(FRAGMENTED, sizes(60, 20), FRAGMENTED);
    const hosts = [withFree('node1', LARGE_FREE), withFree('node2', freeMib), withFree('node3', LARGE_FREE)];
    expect(weighed(members, hosts).withoutRoom).toEqual(withoutRoom);
  });

  it('that is missing is told, with what to do, and in the place of what would be done', () => {
    const members = nodes(FRAGMENTED, sizes(60, 20), FRAGMENTED);
    const hosts = [withFree('node1', LARGE_FREE), withFree('node2', 3.9), withFree('node3', LARGE_FREE)];
    const { summary, steps } = weighed(members, hosts);
    const shortage =
      '3.9 MiB are free at /var/lib/etcd, and a defragmentation needs 84.0 MiB: 20.0 MiB for what is in use of the database, and 64.0 MiB for the ' +
      'log, which grows meanwhile';
    expect(summary).toContain(`node2 is not defragmented: ${shortage}. Make room on that disk: `);
    expect(steps).toContain(`leave node2 as it is: ${shortage}`);
    expect(steps).not.toContain('defragment node2, if it gains by it');
    expect(steps).toContain('defragment node3, if it gains by it');
  });

  it('that the leader lacks leaves leadership where it is', () => {
    const hosts = [withFree('node1', 0), withFree('node2', LARGE_FREE)];
    const { steps } = weighed(nodes(sizes(60, 20), FRAGMENTED), hosts);
    expect(steps.filter((step) => step.includes('leadership'))).toEqual([]);
    expect(steps.some((step) => step.startsWith('leave node1 as it is: '))).toBe(true);
  });

  it('is asked for before anything is changed where a member has to become smaller', () => {
    const members = nodes(FRAGMENTED, sizes(95, 30), FRAGMENTED);
    const hosts = [withFree('node1', LARGE_FREE), withFree('node2', 3.9), withFree('node3', 3.9)];
    const { name, message } = failureOf(() => weighed(members, hosts));
    expect(name).toBe('PreconditionFailed');
    expect(message).toMatch(
      /^The disk has no room for the defragmentation of node2, node3:\n- node2: 3\.9 MiB are free/,
    );
    expect(message).toContain('needs 94.0 MiB: 30.0 MiB for what is in use');
    expect(message).toContain('Nothing was changed. Make room on that disk');
  });

  it.each<[string, InspectionReport[], Partial<WeighRoom>, string]>([
    [
      'the host could not be asked',
      [inspected('node1', null)],
      {},
      'its host could not be looked at (Run Command does not reach it).',
    ],
    [
      'AWS does not answer',
      [],
      { unasked: 'SSM did not answer when it was asked for i-1.\nLook there.' },
      'its host could not be looked at (SSM did not answer when it was asked for i-1. Look there).',
    ],
    [
      'the host is not reached, and what would help is not asked for',
      [],
      { unasked: 'Not every host is reached:\n- i-1: it is not in hosts.json\nAdd it, then start again.' },
      'its host could not be looked at (Not every host is reached: i-1: it is not in hosts.json).',
    ],
    [
      'no host is named',
      [],
      { cluster: clusterOf([configured('node1', { host: undefined })]) },
      'clusters.json names no host.',
    ],
    [
      'etcd has its data elsewhere',
      [
        inspected('node1', {
          dataDir: directory(LAYOUT.dataDir, { freeBytes: 0 }),
          configuration: configuration('node1', { dataDir: '/data/etcd' }),
        }),
      ],
      {},
      'etcd\'s data dir is "/data/etcd", and clusters.json says /var/lib/etcd.',
    ],
    [
      'there is no such folder',
      [inspected('node1', { dataDir: directory(LAYOUT.dataDir, { exists: false, freeBytes: 0 }) })],
      {},
      'there is no /var/lib/etcd on its host.',
    ],
  ])('is not known where %s, which is told and stops nothing', (_, hosts, differences, problem) => {
    const { withoutRoom, summary, steps } = weighed(nodes(FRAGMENTED), hosts, differences);
    expect(withoutRoom).toEqual([]);
    expect(summary).toBe(`How much room the disk of node1 has is not known: ${problem}`);
    expect(steps).toContain('defragment node1, if it gains by it');
  });
});

it('that is not known of several disks for the same reason is told once, each with its own host', () => {
  const hosts = ['node1', 'node2'].map((name, index) => ({
    ...inspected(name, null),
    problem: `Not every host is reached:\n- i-${index + 1}: ConnectionLost\nLook whether it runs.`,
  }));
  expect(weighed(nodes(FRAGMENTED, FRAGMENTED), hosts).summary).toBe(
    'How much room the disk of node1 has is not known: its host could not be looked at (Not every host is reached: i-1: ConnectionLost). ' +
      'It is the same with node2.',
  );
});

describe('a member whose disk has no room', () => {
  it('is passed over by the choice, and so is the leadership that it has', () => {
    const reading = observation(nodes(FRAGMENTED, FRAGMENTED, FRAGMENTED));
    const next = (...withoutRoom: string[]) =>
      chooseNextDefragmentation(reading, parameters, [], 0, [], [], withoutRoom);
    expect(next('node2')).toEqual({ action: 'Defragment', member: 'node3' });
    expect(next('node2', 'node3')).toMatchObject({ action: 'MoveLeadership', member: 'node1' });
    expect(next('node1', 'node2', 'node3')).toEqual({ action: 'Finish' });
  });
});
