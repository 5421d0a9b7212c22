import { describe, expect, it } from 'vitest';
import { type Cluster, clusterSchema, hostsOf, layoutOf } from '../../../core/cluster/clusters.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterOf, configured, failureOf, LAYOUT, spare } from '../observations.ts';

const members = [configured('node1'), configured('node2')];
const ID =
  'must be an instance ID such as "i-0a1b2c3d4e5f60001", or a name in hosts.json: letters, digits, ".", "-" or "_"';
const PATH = 'must be an absolute path of letters, digits and "._@+=-", without ".."';
const ACCOUNT = 'must be the name of a user or group';
const UNIT = 'must be a systemd unit such as "etcd" or "etcd@orders.service"';

const FIELDS = Object.keys(LAYOUT);

function read(value: unknown): Cluster {
  return parse(clusterSchema, value, 'The cluster');
}

function problemsOf(value: unknown): string[] {
  const { name, message } = failureOf(() => read(value));
  expect(name, message).toBe('InvalidInput');
  return message
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^- /, ''));
}

describe('where etcd lies on its hosts', () => {
  it('is read without a change', () => {
    const layout = { ...LAYOUT, unit: 'etcd@orders.service', walDir: '/mnt/wal/etcd' };
    const cluster = clusterOf(
      [...members, configured('node3', { layout: { walDir: null, user: 'root' }, learner: true })],
      {
        layout,
        spareHosts: [
          spare('node4', { host: 'i-0a1b2c3d4e5f60009' }),
          spare('node5', { host: 'mi-0a1b2c3d4e5f60001', layout: {} }),
          spare('node6', { host: 'rack4.node_9', layout: { dataDir: '/data', walDir: null } }),
        ],
      },
    );
    expect(read(cluster)).toEqual(cluster);
  });

  it('names every field that a layout lacks', () => {
    expect(problemsOf({ ...clusterOf(members), layout: {} })).toEqual(
      Object.keys(LAYOUT).map((field) => `layout.${field}: is missing`),
    );
  });

  it.each([
    ['unit', 'etcd; reboot', UNIT],
    ['unit', '-H', UNIT],
    ['dataDir', '../etcd', PATH],
    ['dataDir', '/var/lib/../../etc', PATH],
    ['dataDir', '/', PATH],
    ['walDir', '', PATH],
    ['walDir', '/wal dir', PATH],
    ['configFile', '/etc/etcd/$(id).yaml', PATH],
    ['configFile', 'etcd.yaml', PATH],
    ['user', '0', ACCOUNT],
    ['user', 'u'.repeat(33), 'must be at most 32 characters'],
    ['group', 'etcd:etcd', ACCOUNT],
    ['binDir', '/usr/local/bin\n', PATH],
    ['binDir', null, 'must be text, and is null'],
    ['wal', '/wal', 'is not a known field'],
  ])('is refused with the path of what is wrong, for all and for one member: %s %j', (field, value, problem) => {
    expect(problemsOf({ ...clusterOf(members), layout: { ...LAYOUT, [field]: value } })).toEqual([
      `layout.${field}: ${problem}`,
    ]);
    const [node1, node2] = members;
    expect(problemsOf(clusterOf([node1, { ...node2, layout: { [field]: value } }] as never))).toEqual([
      `members[1].layout.${field}: ${problem}`,
    ]);
  });

  it('shows every wrong field of a layout at once', () => {
    expect(problemsOf({ ...clusterOf(members), layout: { ...LAYOUT, unit: '', dataDir: 'etcd', group: 7 } })).toEqual([
      `layout.unit: ${UNIT}`,
      `layout.dataDir: ${PATH}`,
      'layout.group: must be text, and is a number',
    ]);
  });
});

describe('the host of a member', () => {
  it.each(['', '-i', '10.0.1.11 ', 'i-1;id', 'host/1', '$(id)', 'x'.repeat(65)])('is refused: %j', (host) => {
    expect(problemsOf(clusterOf([configured('node1', { host })]))).toEqual([`members[0].host: ${ID}`]);
  });

  it('may be missing, with a layout and without', () => {
    const { host: _, ...hostless } = configured('node1');
    expect(read(clusterOf([hostless])).members).toEqual([hostless]);
    const { layout: __, ...withoutLayout } = clusterOf([hostless]);
    expect(read(withoutLayout)).toEqual(withoutLayout);
  });

  it('is no use without a layout, which every such member and spare host is told', () => {
    const { layout: _, ...withoutLayout } = clusterOf(members, { spareHosts: [spare('node9')] });
    const problem = (lacking: readonly string[]) =>
      `is of no use without a "layout", its own or the cluster's, that says where etcd is on it: ${lacking.join(', ')}`;
    const { unit, ...rest } = LAYOUT;
    expect(problemsOf({ ...withoutLayout, members: [members[0], configured('node2', { layout: { unit } })] })).toEqual([
      `members[0].host: ${problem(FIELDS)}`,
      `members[1].host: ${problem(Object.keys(rest))}`,
      `spareHosts[0].host: ${problem(FIELDS)}`,
    ]);
  });

  it('needs no layout of the cluster where each has a whole one of its own', () => {
    const { layout: _, ...withoutLayout } = clusterOf(members.map((member) => ({ ...member, layout: LAYOUT })));
    expect(read(withoutLayout)).toEqual(withoutLayout);
    expect(layoutOf(withoutLayout, withoutLayout.members[0] as never)).toEqual(LAYOUT);
  });

  it('is not that of another member', () => {
    expect(problemsOf(clusterOf([configured('node1'), configured('node2', { host: 'i-1' })]))).toEqual([
      'members[1].host: "i-1" is already used by another member of this cluster',
    ]);
  });
});

describe('spare hosts', () => {
  it.each([
    ['of the wrong shape', [spare('node9'), spare('node8', { host: '$(id)' })], `spareHosts[1].host: ${ID}`],
    ['by number', [{ ...spare('node9'), host: 9 }], 'spareHosts[0].host: must be text, and is a number'],
    ...(['host', 'name', 'clientUrl', 'peerUrl'] as const).map((field): [string, unknown, string] => [
      `without ${field}`,
      [{ ...spare('node9'), [field]: undefined }],
      `spareHosts[0].${field}: is missing`,
    ]),
    [
      'with a URL that etcd does not take',
      [spare('node9', { clientUrl: 'https://node9:2379/' })],
      'spareHosts[0].clientUrl: "https://node9:2379/" must end after the port, without a "/"',
    ],
    [
      "on a member's host",
      [spare('node9', { host: 'i-1' })],
      'spareHosts[0].host: "i-1" is already used by a member or an earlier spare host of this cluster',
    ],
    [
      'that are named twice',
      [spare('node9'), spare('node8', { host: 'i-9' })],
      'spareHosts[1].host: "i-9" is already used by a member or an earlier spare host of this cluster',
    ],
    ['by the ID alone', ['i-9'], 'spareHosts[0]: must be an object, and is text'],
    ['that are no list', { host: 'i-9' }, 'spareHosts: must be a list, and is an object'],
    [
      'with a path that is none',
      [spare('node9', { layout: { dataDir: 'etcd' } })],
      `spareHosts[0].layout.dataDir: ${PATH}`,
    ],
    ['with a field too many', [{ ...spare('node9'), learner: true }], 'spareHosts[0].learner: is not a known field'],
  ])('are refused: %s', (_, spareHosts, problem) => {
    expect(problemsOf({ ...clusterOf(members), spareHosts })).toEqual([problem]);
  });
});

describe('the hosts of a cluster', () => {
  it('are those of its members, and the spare ones after them', () => {
    const { host: _, ...hostless } = configured('node2');
    const members = [configured('node1'), hostless, configured('node3')];
    expect(hostsOf(clusterOf(members, { spareHosts: [spare('node9'), spare('node8', { layout: {} })] }))).toEqual([
      'i-1',
      'i-3',
      'i-9',
      'i-8',
    ]);
    expect(hostsOf(clusterOf(members))).toEqual(['i-1', 'i-3']);
  });
});

describe('a deliberate learner', () => {
  it('is one by true or false, not by a word', () => {
    expect(problemsOf(clusterOf([configured('node1', { learner: 'yes' as never })]))).toEqual([
      'members[0].learner: must be true or false, and is text',
    ]);
  });
});

describe('the layout of one member', () => {
  const cluster = clusterOf(members, { layout: { ...LAYOUT, walDir: '/mnt/wal' } });

  it.each([
    ["is the cluster's where it has none of its own", undefined, {}],
    ["is the cluster's where its own is empty", {}, {}],
    ['differs in what it names', { unit: 'etcd2', dataDir: '/data' }, { unit: 'etcd2', dataDir: '/data' }],
    ['may lack the wal dir that the others have', { walDir: null }, { walDir: null }],
  ])('%s', (_, layout, different) => {
    const member = configured('node1', layout && { layout });
    expect(layoutOf(cluster, member)).toEqual({ ...LAYOUT, walDir: '/mnt/wal', ...different });
  });

  it('does not exist where neither names it all, and the message says what to add', () => {
    const { layout: _, ...withoutLayout } = cluster;
    const failure = failureOf(() => layoutOf(withoutLayout, configured('node1', { layout: { unit: 'etcd' } })));
    expect(failure.name).toBe('InvalidInput');
    expect(failure.message).toContain('no "layout" in clusters.json that says where etcd is on the host of node1: ');
    expect(failure.message).toContain(`: ${FIELDS.filter((field) => field !== 'unit').join(', ')} are missing`);
    expect(failure.message).not.toMatch(/and deploy\b/);
  });
});
