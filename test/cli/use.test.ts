import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdRemediation, lastLine } from './command.ts';

const EXAMPLE = join(import.meta.dirname, '../../clusters.json');
const MARKER = 'hunter2';
/** The last line of what is refused. */
const EXPLAINED = 'Explained in docs/troubleshooting.md#invalidinput\n';
const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cli-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

let files = 0;
async function fileWith(content: unknown): Promise<string> {
  const file = join(directory, `${++files}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('a command that is used wrongly', () => {
  it.each([
    ['an unknown command', ['walk'], "unknown command 'walk'"],
    ['an unknown option', ['run', 'orders', '--bogus'], "unknown option '--bogus'"],
    ['run without a cluster', ['run'], "missing required argument 'cluster'"],
    ['a cluster as an option', ['diagnose', '--cluster', 'orders'], "unknown option '--cluster'"],
    [
      'an unknown incident',
      ['run', 'orders', '--incident', 'fire'],
      'Allowed choices are data-corrupt, quorum-lost, space-exceeded, member-failed, auth-token-invalid.',
    ],
    ['parameters that are not JSON', ['run', 'orders', '--parameters', '{a'], 'It is not JSON: '],
    [
      'parameters of which one is there twice',
      ['run', 'orders', '--parameters', '{"snapshot":{"force":false,"force":true}}'],
      '--parameters has 1 problem; nothing was touched.\n- snapshot.force: is there more than once, and only one would count',
    ],
    [
      'a staging address that is a name',
      ['run', 'orders', '--staging-address', 'localhost'],
      'It must be an IP address of this machine: 127.0.0.1',
    ],
    [
      'a staging address of another machine',
      ['run', 'orders', '--staging-address', '192.0.2.1'],
      'It must be an IP address of this machine: 127.0.0.1',
    ],
    [
      'a staging address whose port there is not',
      ['run', 'orders', '--staging-address', '127.0.0.1:65536'],
      'Its port must be from 1 to 65535.',
    ],
    [
      'an unknown scenario',
      ['drill', 'fire'],
      'There is: space-exceeded, auth-token-invalid, member-failed, data-corrupt, quorum-lost, backup, analyze, full.',
    ],
    ['hosts for a drill that has none', ['drill', 'space-exceeded', '--hosts', 'process'], 'leave --hosts out'],
    ['hosts of another kind', ['drill', 'member-failed', '--hosts', 'docker'], 'Allowed choices are process, systemd.'],
    ['a damage for a drill that has one kind', ['drill', 'member-failed', '--damage', 'wal'], 'leave --damage out'],
    [
      'a damage of another kind',
      ['drill', 'quorum-lost', '--damage', 'fire'],
      'Allowed choices are intact, survivor, killed, wal.',
    ],
    [
      'a fault for a drill that has none',
      ['drill', 'full', '--fault', 'answer-lost@inspect-host'],
      'leave --fault out',
    ],
    [
      'a fault at no command',
      ['drill', 'member-failed', '--fault', 'answer-lost'],
      'Behind @ stands one of: inspect-host, ',
    ],
    ['one member where others have to stay', ['drill', 'member-failed', '--members', '1'], 'give --members 3 or 5'],
    ['a size that is too small', ['drill', '--size', '15'], 'It must be a whole number of MiB from 16 to 8192.'],
    ['a size that is no number', ['drill', '--size', 'big'], 'It must be a whole number of MiB from 16 to 8192.'],
    ['half a MiB', ['drill', '--size', '16.5'], 'It must be a whole number of MiB from 16 to 8192.'],
    [
      'an etcd that is neither a version nor a folder',
      ['drill', '--etcd', 'nonsense'],
      'It must be a version such as 3.7 or 3.4.23, or a folder that exists.',
    ],
    ['an even number of members', ['drill', '--members', '2'], 'Allowed choices are 1, 3, 5.'],
    [
      'a backup of what is deployed into a folder',
      ['backup', 'orders', '--deployed', '--backups', '/'],
      "'--backups <folder>'",
    ],
  ])('ends with 2 and says why, also as JSON: %s', async (_, args, message) => {
    const ended = await etcdRemediation(...args, '--json');
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).toMatch(/^\(.*--help"? says more\)$/m);
    expect(lastLine(ended)).toMatchObject({ outcome: 'InvalidInput', report: { error: 'InvalidInput' } });
    expect(lastLine(ended).report.cause).toContain(message);
  });

  it('prints nothing on standard output where no JSON is asked for', async () => {
    const { status, stdout, stderr } = await etcdRemediation('drill', '--size', 'big');
    expect(status).toBe(2);
    expect(stderr).toContain('It must be a whole number of MiB');
    expect(stdout).toBe('');
  });

  it('shows what there is when it is not told what to do', async () => {
    const { status, stderr } = await etcdRemediation();
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: etcd-remediation');
  });
});

describe('a run with a staging address', () => {
  it.each(['127.0.0.1', '127.0.0.1:9000', ...(hasIPv6 ? ['::1', '[::1]', '[::1]:9000'] : [])])(
    'takes %s',
    async (address) => {
      const ended = await etcdRemediation(...['run', '--config', EXAMPLE, 'other', '--staging-address', address]);
      expect(ended.stderr).toBe(`InvalidInput: ${EXAMPLE} has no cluster "other"; it has orders.\n${EXPLAINED}`);
    },
  );
});

/** The message, which is the same for a person and in the JSON object. */
async function refusalOf(command: string, ...args: string[]): Promise<string> {
  const ended = await etcdRemediation(command, '--config', EXAMPLE, ...args, '--json');
  expect(ended.status).toBe(2);
  expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
  const { outcome, report } = lastLine(ended);
  expect([outcome, report.error]).toEqual(['InvalidInput', 'InvalidInput']);
  expect(ended.stderr).toBe(`InvalidInput: ${report.cause}\n${EXPLAINED}`);
  expect(ended.stdout + ended.stderr).not.toContain(MARKER);
  return report.cause;
}

describe('a diagnosis that cannot begin', () => {
  it('names the clusters there are when it is asked for another', async () => {
    expect(await refusalOf('diagnose', 'other')).toBe(`${EXAMPLE} has no cluster "other"; it has orders.`);
  });

  it('names the secrets that it was not given, of every cluster that it is to look at', async () => {
    const member = (name: string) => ({ name, clientUrl: 'https://10.0.0.1:2379', peerUrl: 'https://10.0.0.1:2380' });
    const guarded = (name: string) => ({
      name,
      members: [member('m1')],
      quotaBackendBytes: 1,
      auth: { secret: `${name}/root` },
      tls: { secret: 'tls' },
    });
    const file = await fileWith({ clusters: [guarded('a'), guarded('b')] });
    expect(await refusalOf('diagnose', '--config', file)).toContain(
      'names the secrets "a/root" and "tls" and "b/root":',
    );
    expect(await refusalOf('diagnose', '--config', file, 'b')).toContain('names the secrets "b/root" and "tls":');
  });

  it('says what is wrong with the file of hosts', async () => {
    const file = await fileWith({ 'node-a': { exec: [] } });
    expect(await refusalOf('diagnose', '--hosts', file)).toContain('- node-a.exec: must be a command');
  });
});

describe('a run that cannot begin', () => {
  const refused = (...args: string[]) => refusalOf('run', ...args);

  it('prints nothing on standard output where no JSON is asked for', async () => {
    const { status, stdout, stderr } = await etcdRemediation('run', '--config', EXAMPLE, 'other');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`InvalidInput: ${EXAMPLE} has no cluster "other"; it has orders.\n${EXPLAINED}`);
  });

  it('names the configuration that is missing', async () => {
    const file = join(directory, 'not-there.json');
    expect(await refused('orders', '--config', file)).toMatch(`${file} cannot be read: ENOENT`);
  });

  it('lists every problem of the configuration', async () => {
    const file = await fileWith({
      clusters: [
        { name: 'a b', members: [{ name: 'x', clientUrl: `http://root:${MARKER}@h:1`, peerUrl: 'h' }], auth: MARKER },
      ],
    });
    const [first, ...problems] = (await refused('orders', '--config', file)).split('\n');
    expect(first).toBe(`${file} has 5 problems; nothing was touched.`);
    expect(problems.map((line) => line.split(': ')[0])).toEqual([
      '- clusters[0].name',
      '- clusters[0].members[0].clientUrl',
      '- clusters[0].members[0].peerUrl',
      '- clusters[0].quotaBackendBytes',
      '- clusters[0].auth',
    ]);
  });

  it('names the clusters there are when it is asked for another', async () => {
    expect(await refused('other')).toBe(`${EXAMPLE} has no cluster "other"; it has orders.`);
  });

  it('names every problem of the parameters', async () => {
    const parameters = '{"retainRevision":1,"minReclaimRatio":2}';
    expect(await refused('orders', '--incident', 'space-exceeded', '--parameters', parameters)).toBe(
      'The execution input has 2 problems; nothing was touched.\n' +
        '- parameters.minReclaimRatio: must be less than 1\n' +
        '- parameters.retainRevision: is not a known field',
    );
  });

  it('takes parameters only where it is said which incident they are for', async () => {
    expect(await refused('orders', '--parameters', '{"retainRevisions":1000}')).toBe(
      '--parameters is for one runbook: say with --incident which. Without it, a diagnosis chooses.',
    );
  });

  it.each([[], ['--incident', 'space-exceeded']])('takes a member only for member-failed', async (...incident) => {
    expect(await refused('orders', '--member', 'node1', ...incident)).toBe(
      '--member is for member-failed alone: give --incident member-failed with it, or leave it out.',
    );
  });

  it('names the secrets that it was not given, and how to give them', async () => {
    const message = await refused('orders');
    expect(message).toContain('names the secrets "etcd/orders/root" and "etcd/orders/client-tls"');
    expect(message).toContain('--secrets FILE');
    const file = await fileWith({ 'etcd/orders/root': { username: 'root', password: MARKER } });
    expect(await refused('orders', '--secrets', file)).toContain(
      'names the secret "etcd/orders/client-tls": give it with --secrets FILE, as ',
    );
  });

  it.each([
    ['is not there', undefined, / cannot be read: ENOENT/],
    [
      'is not JSON',
      `{"etcd/orders/root": ${MARKER}`,
      / has 1 problem; nothing was touched\.\n- \(the whole\): is not JSON$/,
    ],
    [
      'is a list',
      [MARKER],
      / must be an object with each secret under its name, and is a list; for example:\n.*\n.*"key": "\.\.\."} }$/,
    ],
    [
      'holds a text',
      { 'etcd/orders/root': MARKER },
      /- etcd\/orders\/root: must be \{"username": .* for TLS, and is text$/,
    ],
    ['holds a list', { 'etcd/orders/root': [MARKER] }, /- etcd\/orders\/root: must be \{"username": .* and is a list$/],
    [
      'has a name twice',
      `{"etcd/orders/root": {"username": "root", "password": "a", "password": "${MARKER}"}, "etcd/orders/root": {}}`,
      /- etcd\/orders\/root\.password: is there more than once, and only one would count\n- etcd\/orders\/root: is there more than once, /,
    ],
    ['holds a number', { 'etcd/orders/root': 7 }, /- etcd\/orders\/root: must be \{"username": .* and is a number$/],
  ])('says what is wrong with the file of secrets, and repeats none of it: it %s', async (_, content, message) => {
    const file = content === undefined ? join(directory, 'not-there.json') : await fileWith(content);
    expect(await refused('orders', '--secrets', file)).toMatch(message);
  });
});
