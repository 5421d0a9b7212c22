import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Platform, type PlatformOptions } from '../../local/platform.ts';
import { startIn } from './command.ts';
import { ME, resultOf, type Terminal, terminalOf, throughProxy } from './deployed-scene.ts';

const MEMBERS = [{ name: 'node1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }];
const LAYOUT = {
  unit: 'etcd',
  dataDir: '/var/lib/etcd',
  walDir: null,
  configFile: '/etc/etcd.yaml',
  binDir: '/usr/bin',
};
/** Nobody has to start them: the secret of one is not there; no member of the other answers. */
const FILE: PlatformOptions['file'] = {
  clusters: [
    { name: 'orders', members: MEMBERS, quotaBackendBytes: 1, auth: { secret: 'etcd/nobody' } },
    {
      name: 'lost',
      members: MEMBERS.map((member) => ({ ...member, host: 'node-a' })),
      quotaBackendBytes: 1,
      layout: { ...LAYOUT, user: 'etcd', group: 'etcd' },
    },
  ],
};

let platform: Platform;
let terminal: Terminal;
beforeAll(async () => {
  platform = await Platform.start({ file: FILE, secrets: {}, hosts: { 'node-a': { exec: ['false'] } } });
  terminal = await terminalOf(platform);
});
afterAll(async () => {
  await terminal?.close();
  await platform?.close();
});

describe('a remediation that is started and watched', () => {
  it('is told step by step, and ends with what came of it: as lines for a person', async () => {
    const { status, stdout, stderr } = await terminal.type('start', 'orders', '--id', 'watched', '--watch');
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^Started the remediation watched of the cluster orders\n/);
    expect(stdout).toMatch(/^ {2}✓ +\d+\.\d s {2}Load cluster +orders$/m);
    expect(stdout).toMatch(
      /^ {2}! +\d+\.\d s {2}Diagnose cluster +PreconditionFailed: The secret "etcd\/nobody" cannot/m,
    );
    expect(stdout).toMatch(
      /\nRemediation watched of the cluster orders: PreconditionFailed in \d.*The secret "etcd\/nobody"/,
    );
  });

  it('and as one JSON object, which is that of its status and of a watch that comes later', async () => {
    const started = await terminal.type('start', 'orders', '--watch', '--reason', 'INC-1', '--json');
    const { id } = resultOf(started);
    const asked = await Promise.all([terminal.type('status', id, '--json'), terminal.type('watch', id, '--json')]);
    expect(asked[1].stderr).toMatch(
      new RegExp(`^Watching the remediation ${id} of the cluster orders, which began at `),
    );
    for (const ended of [started, ...asked]) {
      expect(ended.status, ended.stderr).toBe(1);
      expect(resultOf(ended)).toEqual(resultOf(started));
    }
    expect(resultOf(started)).toMatchObject({
      id,
      cluster: 'orders',
      status: 'FAILED',
      outcome: 'PreconditionFailed',
      approval: null,
      report: null,
      error: 'PreconditionFailed',
      cause: expect.stringContaining('etcd/nobody'),
    });
    const { input } = platform.executions.of('etcd-remediation').find(({ name }) => name === id) ?? {};
    expect(input).toMatchObject({ cluster: 'orders', reason: 'INC-1', requestedBy: ME, dryRun: false });
  });
});

describe('a remediation that is at work', () => {
  /** For an hour, if nobody stops it: it looks whether members come back. */
  const START = [
    'start',
    'lost',
    '--incident',
    'quorum-lost',
    '--parameters',
    '{"confirmSeconds":3600}',
    '--id',
    'at-work',
  ];
  beforeAll(async () => {
    const { status, stdout, stderr } = await terminal.type(...START);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('\nFollow it:  npx --no etcd-remediation watch at-work\n');
  });

  it('is started once by its ID', async () => {
    const again = await terminal.type(...START, '--json');
    expect([again.status, resultOf(again)]).toEqual([
      0,
      {
        outcome: 'Started',
        cluster: 'lost',
        id: 'at-work',
        executionArn: 'arn:aws:states:local:000000000000:execution:etcd-remediation:at-work',
      },
    ]);
    const other = await terminal.type(...START, '--dry-run', '--json');
    expect([other.status, resultOf(other).outcome]).toEqual([1, 'KeyReused']);
  });

  it('is named to whoever starts another one', async () => {
    const refused = await terminal.type('start', 'lost', '--json');
    expect(refused.status).toBe(1);
    expect(resultOf(refused)).toMatchObject({
      outcome: 'AlreadyInProgress',
      remediation: 'at-work',
      report: {
        error: 'AlreadyInProgress',
        cause: expect.stringContaining('The remediation at-work has been running'),
      },
    });
    expect(refused.stderr).toBe(
      'Nothing was started. Follow the one that runs: npx --no etcd-remediation watch at-work\n' +
        `AlreadyInProgress: ${resultOf(refused).report.cause}\n` +
        'Explained in docs/troubleshooting.md#alreadyinprogress\n',
    );
  });

  it('is a success so far, says where it is, and is in the list of clusters', async () => {
    const [plain, json] = await Promise.all([terminal.type('status', 'at-work'), terminal.type('clusters', '--json')]);
    expect(plain.status).toBe(0);
    expect(plain.stdout).toMatch(
      /^Remediation at-work of the cluster lost: RUNNING, since 2.*\n(Last done: \w.*\n)?It is at: \w.*, since 2/,
    );
    expect([json.status, resultOf(json)]).toMatchObject([
      0,
      {
        outcome: 'Listed',
        clusters: [
          { name: 'lost', members: 1, running: { id: 'at-work', waitsForApproval: false }, last: null },
          { name: 'orders', members: 1, running: null, last: { outcome: 'PreconditionFailed' } },
        ],
      },
    ]);
    const { stdout } = await terminal.type('clusters');
    expect(stdout).toMatch(
      /^CLUSTER +MEMBERS +AT WORK .*\nlost +1 +at-work +2\S+Z +- +- +-\norders +1 +- +- +PreconditionFailed .*\n\nListed 2 clusters: 1 without a running remediation, 1 with a running remediation\n$/m,
    );
  });

  it('waits for nobody: there is nothing to answer', async () => {
    for (const args of [
      ['approve', 'at-work'],
      ['reject', 'at-work', '--reason', 'no'],
    ]) {
      const { status, stdout, stderr } = await terminal.type(...args, '--yes');
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^NotWaiting: The remediation at-work is RUNNING and waits for no approval/);
    }
  });

  it('goes on when the watching is ended, and is watched to its end when it is stopped', async () => {
    const watching = terminal.start('watch', 'at-work');
    // A step of the runbook, which is an execution of its own.
    await expect.poll(() => watching.written.stdout).toMatch(/^ {4}✓ .*Assess quorum/m);
    expect(watching.written.stdout).toMatch(
      /^ {2}Planning with etcd-remediation-quorum-recovery \(dry run: nothing is changed\)$/m,
    );
    watching.kill('SIGINT');
    expect(await watching.ended).toMatchObject({
      status: 130,
      stderr: '\nStopped watching; the remediation goes on. Watch it again: npx --no etcd-remediation watch at-work\n',
    });
    expect((await terminal.type('status', 'at-work', '--json')).status).toBe(0);

    const again = terminal.start('watch', 'at-work');
    await expect.poll(() => again.written.stdout).toContain('Assess quorum');
    const stopped = await terminal.type('stop', 'at-work', '--reason', 'enough', '--json');
    expect([stopped.status, resultOf(stopped)]).toEqual([
      0,
      { outcome: 'Stopped', id: 'at-work', executionArn: expect.any(String), by: ME, reason: 'enough' },
    ]);
    const { status, stdout } = await again.ended;
    expect(status).toBe(1);
    expect(stdout).toContain(`Remediation at-work of the cluster lost: ABORTED in `);
    expect(stdout).toContain(`Stopped by ${ME}: enough`);
  });

  it('is not stopped twice', async () => {
    const { status, stderr } = await terminal.type('stop', 'at-work', '--reason', 'again');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^AlreadyEnded: The remediation at-work has ended already: it is ABORTED/);
  });
});

describe('a watch', () => {
  it('goes on after AWS was away for a while, and says so', async () => {
    const states = await throughProxy(terminal.environment.AWS_ENDPOINT_URL_SFN ?? '');
    try {
      const environment = { ...terminal.environment, AWS_ENDPOINT_URL_SFN: states.url };
      const watching = startIn(environment, 'start', 'lost', '--incident', 'quorum-lost', '--id', 'patient', '--watch');
      await expect.poll(() => watching.written.stdout).toContain('Assess quorum');
      states.away = true;
      await expect.poll(() => watching.written.stdout).toContain('AWS does not answer (');
      states.away = false;
      expect((await terminal.type('stop', 'patient', '--reason', 'enough')).status).toBe(0);
      const { status, stdout } = await watching.ended;
      expect(status).toBe(1);
      expect(stdout).toContain('Remediation patient of the cluster lost: ABORTED in ');
    } finally {
      await states.close();
    }
  });
});

describe('a diagnosis by what is deployed', () => {
  it('is of every cluster, or of one; that one cannot be looked at hides no other', async () => {
    const [every, one] = await Promise.all([
      terminal.type('diagnose', '--deployed', '--json'),
      terminal.type('diagnose', 'lost', '--deployed', '--region', 'local'),
    ]);
    expect([every.status, resultOf(every)]).toMatchObject([
      1,
      {
        outcome: 'IncidentFound',
        clusters: [
          { cluster: 'lost', diagnosis: { incident: 'quorum-lost' } },
          { cluster: 'orders', diagnosis: null, error: 'PreconditionFailed', cause: expect.stringContaining('nobody') },
        ],
      },
    ]);
    expect([one.status, one.stderr]).toEqual([1, '']);
    expect(one.stdout).toMatch(
      /^Diagnosing lost \(nothing is changed\)\n( {2}… .*; now: lost\n)*\nlost: quorum-lost\n/,
    );
    expect(one.stdout).toMatch(/\n {4}npx --no etcd-remediation start lost --dry-run --watch --region local\n$/);
  });
});

describe('what is not there', () => {
  it.each([
    ['start', 'UnknownCluster', ['start', 'nowhere']],
    ['diagnose', 'UnknownCluster', ['diagnose', 'nowhere', '--deployed']],
    ['status', 'UnknownRemediation', ['status', 'nothing']],
    ['watch', 'UnknownRemediation', ['watch', 'nothing']],
    ['approve', 'UnknownRemediation', ['approve', 'nothing', '--yes']],
    ['reject', 'UnknownRemediation', ['reject', 'nothing', '--yes', '--reason', 'no']],
    ['stop', 'UnknownRemediation', ['stop', 'nothing', '--reason', 'no']],
  ])('is a wrong use of %s', async (_, outcome, args) => {
    const ended = await terminal.type(...args, '--json');
    expect(ended.status).toBe(2);
    expect(resultOf(ended)).toMatchObject({ outcome, report: { error: outcome, cause: expect.stringMatching(/"no/) } });
  });
});
