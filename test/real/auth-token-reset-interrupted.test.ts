import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ClustersFile } from '../../core/cluster/clusters-file.ts';
import { CLUSTER_NAME, type HostedStage } from '../../drills/stage.ts';
import { flood } from '../../drills/under-load.ts';
import { WriterThread } from '../../drills/writer-thread.ts';
import { readWindow } from '../../lambdas/etcd/authentication-window.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import type { HostsFile } from '../../local/hosts/access.ts';
import { crashMembers } from '../../local/hosts/damage.ts';
import { UNIT } from '../../local/hosts/hosted-member.ts';
import { Platform } from '../../local/platform.ts';
import { lastLine, startEtcdRemediation } from '../cli/command.ts';
import { describeOn } from '../run/require-etcd.ts';
import { SEED } from '../run/seed.ts';
import { type GrpcProxy, type Moment, serveGrpcProxy } from '../scenes/grpc-proxy.ts';
import { hostedStage, outputOf } from '../scenes/hosted-scene.ts';
import { killFunctions, until } from '../scenes/scene.ts';

const DISABLE = '/etcdserverpb.Auth/AuthDisable';
const ENABLE = '/etcdserverpb.Auth/AuthEnable';
const USER_GET = '/etcdserverpb.Auth/UserGet';
/** A message of gRPC with no field in it: here, of a user without roles. */
const EMPTY_MESSAGE = Buffer.alloc(5);
/** Beyond its first snapshot, so that whoever joins is sent one, and has the defect. */
const SNAPSHOT_COUNT = 1_000;
const WRITES = 1_500;
const WAITING = 'Wait until no step can disable it';

/** What happens at the first call of `path`, at that moment, through whichever member it goes. */
interface Fault {
  moment: Moment;
  path: string;
  strike: (member: string) => Promise<void>;
}

/** One cluster for all, reached through proxies: its third member joins anew for each test, and then rejects every token. */
describeOn('3.3.25')('authentication is enabled at the end of an auth token reset', () => {
  let stage: HostedStage;
  let platform: Platform;
  let world: { config: ClustersFile; secrets: Record<string, unknown>; hosts: HostsFile };
  let proxies: GrpcProxy[] = [];
  let fault: Fault | undefined;
  let crashed: string | undefined;
  let hasRootItsRole = true;
  /** The paths of all calls. */
  const called: string[] = [];
  /** The states that guards have entered. */
  const guardEntered: string[] = [];

  beforeAll(async () => {
    stage = await hostedStage({ etcd: '3.3.25', auth: true, snapshotCount: SNAPSHOT_COUNT });
    const { cluster, secrets, file, hosts } = stage;
    const endpoints = cluster.members.map(({ clientUrl }) => clientUrl);
    const writer = new WriterThread({ endpoints, login: secrets.login, keys: WRITES, valueBytes: 16 });
    await flood(writer, WRITES).finally(() => writer.end());
    proxies = await Promise.all(
      cluster.members.map(({ name, clientUrl }) =>
        serveGrpcProxy(
          clientUrl,
          async (moment, path) => {
            called.push(path);
            if (fault?.moment !== moment || fault.path !== path) return;
            const { strike } = fault;
            fault = undefined;
            await strike(name);
          },
          (path, body) => (path === USER_GET && !hasRootItsRole ? EMPTY_MESSAGE : body),
        ),
      ),
    );
    const [configured] = file.clusters;
    if (!configured?.auth) throw new Error('the stage has authentication');
    const members = configured.members.map((member, index) => ({ ...member, clientUrl: proxies[index]?.url ?? '' }));
    world = {
      config: { clusters: [{ ...configured, members }] },
      secrets: { [configured.auth.secret]: secrets.login },
      hosts,
    };
    platform = await Platform.start({
      file: world.config,
      secrets: world.secrets,
      hosts: world.hosts,
      onOwnStart: () => ({
        onEvent: (event) => guardEntered.push(event.stateEnteredEventDetails?.name ?? ''),
      }),
    });
  });
  afterAll(async () => {
    await platform?.close();
    for (const proxy of proxies) await proxy.close();
    await stage?.close();
  });
  afterEach(async () => {
    fault = undefined;
    if (crashed !== undefined) await stage.cluster.run(crashed, `systemctl start ${UNIT}`);
    crashed = undefined;
  });

  function reset(
    signal?: AbortSignal,
    onEvent: (event: HistoryEvent) => void = () => undefined,
  ): Promise<ExecutionResult> {
    return platform.execute({
      incident: 'auth-token-invalid',
      input: { cluster: CLUSTER_NAME, parameters: { confirmSeconds: 1, strategy: 'toggle' } },
      onEvent,
      ...(signal && { signal }),
    });
  }

  /** By every member that runs; and nobody thinks any more that it could be disabled. */
  async function expectEnabled(): Promise<void> {
    for (const member of stage.etcd.members) {
      if (member.name !== crashed) expect(await member.authentication.servesAnybody(), member.name).toBe(false);
    }
    stage.reconnect();
    const { window } = await readWindow(stage.etcd.members);
    // A member that was asked and is gone is not forgotten.
    const isSettled = window === null || window.enabledAt !== null || window.ended || window.asked.join() === crashed;
    expect(isSettled, JSON.stringify(window)).toBe(true);
  }

  /** A cluster that is whole again, with a third member that rejects tokens. */
  async function breakTokens(): Promise<void> {
    await stage.cluster.waitUntilHealthy(stage.cluster.members.map(({ name }) => name));
    await stage.cluster.rejoin('m3');
    await until(
      () =>
        stage.etcd.members[2]?.look().then(
          () => false,
          () => true,
        ) ?? Promise.resolve(false),
    );
  }

  const STRIKES = {
    'the function dies': async () => {
      expect(await killFunctions('authentication')).toBeGreaterThan(0);
    },
    'its member crashes': async (member: string) => {
      crashed = member;
      await crashMembers(stage.cluster, [member]);
    },
  };

  const POINTS: [Moment, string][] = [
    ['before', DISABLE],
    ['after', DISABLE],
    ['before', ENABLE],
    ['after', ENABLE],
  ];
  // What each error comes to is gone through state by state in test/lib/auth-token-reset-errors.test.ts. Here each point meets one thing in each run, by
  // the seed: somebody stops the execution at two of them, and at the others something dies.
  const isStoppedAt = ([moment, path]: [Moment, string]) =>
    ((moment === 'before') === (path === DISABLE)) === (SEED % 2 === 0);
  const strikes = Object.keys(STRIKES) as (keyof typeof STRIKES)[];
  it.each(
    POINTS.filter((point) => !isStoppedAt(point)).map(([moment, path], index) => ({
      ...{ moment, call: path.split('/')[2], path },
      what: strikes[(index + Math.floor(SEED / 2)) % strikes.length] as keyof typeof STRIKES,
    })),
  )('and the member is cured, although $what right $moment $call', async ({ moment, path, what }) => {
    await breakTokens();
    fault = { moment, path, strike: STRIKES[what] };
    const execution = await reset();
    expect(
      fault,
      JSON.stringify(execution.status === 'SUCCEEDED' ? '' : [execution.error, execution.cause]),
    ).toBeUndefined();
    expect(outputOf(execution).outcome).toBe('Remediated');
    await expectEnabled();
  });

  it.each(POINTS.filter(isStoppedAt).map(([moment, path]) => ({ moment, call: path.split('/')[2], path })))(
    'although somebody stops the execution right $moment $call, and the next one cures the member',
    async ({ moment, path }) => {
      await breakTokens();
      const stop = new AbortController();
      fault = { moment, path, strike: async () => stop.abort(new Error('stopped')) };
      const execution = await reset(stop.signal);
      expect(execution).toMatchObject({ status: 'ABORTED', cause: 'stopped' });
      const [guarding] = await platform.settled();
      expect(guarding && outputOf(guarding)).toMatchObject({
        summary: expect.stringContaining('Authentication is enabled'),
      });
      await expectEnabled();
      expect(outputOf(await reset()).outcome).toMatch(/^(Remediated|NothingToDo)$/);
      await expectEnabled();
    },
  );

  it.each([
    ['at once', 'TaskScheduled'],
    ['when its step has given up on it', 'TaskFailed'],
  ] as const)(
    'although the execution is stopped %s, and what its step has sent arrives only after the guard has looked',
    async (_, moment) => {
      await breakTokens();
      const stop = new AbortController();
      let arrive = () => {};
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      let isSent = false;
      guardEntered.length = 0;
      fault = {
        moment: 'before',
        path: DISABLE,
        strike: () => {
          isSent = true;
          if (moment === 'TaskScheduled') stop.abort(new Error('stopped'));
          return arrived;
        },
      };
      const execution = await reset(stop.signal, ({ type }) => {
        if (isSent && type === moment) stop.abort(new Error('stopped'));
      });
      expect(execution.status).toBe('ABORTED');
      const settled = platform.settled();
      await until(async () => guardEntered.includes(WAITING));
      arrive();
      const [guarding] = await settled;
      expect(guarding && outputOf(guarding)).toMatchObject({ outcome: 'Remediated' });
      await expectEnabled();
    },
  );

  it('although the terminal that runs it is closed', async () => {
    await breakTokens();
    const directory = await mkdtemp(join(tmpdir(), 'auth-token-reset-test-'));
    try {
      const files = Object.entries(world).map(([name, content]) => ({
        name,
        content,
        path: join(directory, `${name}.json`),
      }));
      for (const { path, content } of files) await writeFile(path, JSON.stringify(content), { mode: 0o600 });
      const options = files.flatMap(({ name, path }) => [`--${name}`, path]);
      const parameters = JSON.stringify({ confirmSeconds: 1, strategy: 'toggle' });
      const running = startEtcdRemediation(
        ...['run', CLUSTER_NAME, '--incident', 'auth-token-invalid', '--parameters', parameters],
        ...['--approve', '--json'],
        ...options,
      );
      fault = { moment: 'after', path: DISABLE, strike: async () => running.kill('SIGHUP') };
      const ended = await running.ended;
      expect(ended.status, ended.stderr).toBe(129);
      expect(lastLine(ended)).toMatchObject({ outcome: 'ABORTED' });
      expect(ended.stderr).toMatch(
        /\nStopped\. The runbook auth-token-reset was under way .*\n[\s\S]*\nAuthentication may be disabled now\. .*\n[\s\S]*\nAuthentication is enabled before this command ends\. /,
      );
      expect(ended.stderr).toContain('Running etcd-remediation-authentication-guard');
      expect(ended.stderr).toMatch(/Enable authentication +Authentication is enabled/);
      await expectEnabled();
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  // etcd lets nobody take the role from root while authentication is enabled; data that was restored from elsewhere may still be so.
  it('for it is not even disabled where the user root does not have the role root', async () => {
    await breakTokens();
    hasRootItsRole = false;
    called.length = 0;
    try {
      expect(await reset()).toMatchObject({
        status: 'FAILED',
        error: 'PreconditionFailed',
        cause: expect.stringContaining('The user root does not have the role root'),
      });
    } finally {
      hasRootItsRole = true;
    }
    expect(called).toContain(USER_GET);
    expect(called).not.toContain(DISABLE);
    await expectEnabled();
  });

  it('or is not touched, where the one member that takes tokens is down: what could be done is told', async () => {
    await breakTokens();
    await stage.cluster.rejoin('m2');
    crashed = 'm1';
    await crashMembers(stage.cluster, ['m1']);
    await until(async () => (await stage.etcd.observe((member) => member.status())).memberList.length > 0);
    expect(await reset()).toMatchObject({
      status: 'FAILED',
      error: 'PreconditionFailed',
      cause: expect.stringMatching(
        /^Not every member that rejects tokens can be cured.*\n.*\n- toggle: No member accepts a token/,
      ),
    });
    for (const name of ['m2', 'm3']) expect(await stage.etcd.member(name).authentication.servesAnybody()).toBe(false);
  });
});
