import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLUSTER_NAME, type Stage } from '../../drills/stage.ts';
import { endWindow, forgetWindow, openWindow, readWindow } from '../../lambdas/etcd/authentication-window.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import type { Page } from '../../local/aws/sns.ts';
import { Platform } from '../../local/platform.ts';
import { WAIT_MS } from '../run/patience.ts';
import { requireEtcd } from '../run/require-etcd.ts';
import { outputOf } from '../scenes/hosted-scene.ts';
import { HURRIED, leaderOf, stage } from '../scenes/scene.ts';

/** What a member that rejects tokens goes through is in the drill: here is what only looks like it, and must be left alone. */

function reset({ platform }: Pick<Stage, 'platform'>, input: JsonObject = {}): Promise<ExecutionResult> {
  return platform.execute({
    incident: 'auth-token-invalid',
    input: { cluster: CLUSTER_NAME, parameters: { confirmSeconds: 1 }, ...input },
  });
}

/** The same cluster, looked after with another login, or without one. */
async function withLogin(
  on: Stage,
  login: object | undefined,
  run: (platform: Platform) => Promise<void>,
  onPage: (page: Page) => void = () => undefined,
): Promise<void> {
  const [cluster] = on.file.clusters;
  if (!cluster?.auth || !cluster.tls) throw new Error('the stage has authentication and TLS');
  const { auth, ...withoutAuth } = cluster;
  const platform = await Platform.start({
    file: { clusters: [login ? cluster : withoutAuth] },
    secrets: { [cluster.tls.secret]: on.secrets.tls, [auth.secret]: login },
    clock: HURRIED,
    onPage,
  });
  try {
    await run(platform);
  } finally {
    await platform.close();
  }
}

describe('the auth token runbook, where simple tokens are taken by every member, with TLS,', () => {
  let on: Stage;
  beforeAll(async () => {
    on = await stage({ etcd: '3.5.30', auth: true, tls: true });
  });
  afterAll(() => on?.close());

  it('finds nothing to do, and changes nothing', async () => {
    const before = await leaderOf(on);
    const { outcome, summary } = outputOf(await reset(on));
    expect({ outcome, summary }).toEqual({
      outcome: 'NothingToDo',
      summary: expect.stringContaining('Every member takes fresh tokens.'),
    });
    expect((await leaderOf(on)).revision).toBe(before.revision);
  });

  it('names a wrong password for what it is', async () => {
    await withLogin(on, { username: 'root', password: 'not this one' }, async (platform) => {
      expect(await reset({ platform })).toMatchObject({
        status: 'FAILED',
        error: 'PreconditionFailed',
        cause: expect.stringMatching(/its user name or password is wrong/),
      });
    });
  });

  it('wants a login to be configured', async () => {
    await withLogin(on, undefined, async (platform) => {
      expect(await reset({ platform })).toMatchObject({
        status: 'FAILED',
        error: 'InvalidInput',
        cause: expect.stringContaining('has no "auth"'),
      });
    });
  });

  it('names a member that is down for what it is', async () => {
    await on.cluster.stopMember('m3');
    try {
      const { outcome, summary } = outputOf(await reset(on));
      expect({ outcome, summary }).toMatchObject({
        outcome: 'NothingToDo',
        summary: expect.stringContaining('m3 does not answer'),
      });
    } finally {
      await on.cluster.startMember('m3');
    }
  });

  it('tells nobody a token: none is in its history', async () => {
    const { history } = await reset(on);
    const token = await on.etcd.members[0]?.authentication.issueToken(Date.now() + WAIT_MS);
    expect(token).toMatch(/^[A-Za-z]{16}\.\d+$/);
    expect(JSON.stringify(history)).not.toMatch(/[A-Za-z]{16}\.\d+/);
  });

  it('leaves authentication as it is where somebody else has disabled it', async () => {
    const [member] = on.etcd.members;
    await member?.authentication.disable(Date.now() + WAIT_MS);
    try {
      expect(await reset(on)).toMatchObject({
        status: 'FAILED',
        error: 'PreconditionFailed',
        cause: expect.stringContaining('Who disabled it is unknown.'),
      });
      expect(await member?.authentication.servesAnybody()).toBe(true);
    } finally {
      await member?.authentication.enable();
    }
  });

  it('first enables it where an execution of its own was ended before it could; in a dry run it only says so', async () => {
    const [member] = on.etcd.members;
    if (!member) throw new Error('there are members');
    const now = Date.now();
    await openWindow(member, { execution: 'run-7', disabledAt: now, overAt: now });
    await member.authentication.disable(now + WAIT_MS);
    const planned = outputOf(await reset(on, { dryRun: true }));
    expect(planned).toMatchObject({ outcome: 'Planned', summary: expect.stringContaining('run-7') });
    expect(await member.authentication.servesAnybody()).toBe(true);
    expect(outputOf(await reset(on))).toMatchObject({
      outcome: 'Remediated',
      summary: expect.stringMatching(/^Authentication is enabled again\. Every member takes fresh tokens\./),
      window: { ms: expect.any(Number) },
    });
    for (const each of on.etcd.members) expect(await each.authentication.servesAnybody()).toBe(false);
  });

  it('calls a person where it cannot be enabled, and enables it once it can be', async () => {
    const [member] = on.etcd.members;
    if (!member) throw new Error('there are members');
    const now = Date.now();
    await openWindow(member, { execution: 'run-7', disabledAt: now, overAt: now });
    await member.authentication.disable(now + WAIT_MS);
    await on.cluster.etcdctl(['user', 'revoke-role', 'root', 'root']);
    const pages: Page[] = [];
    await withLogin(
      on,
      on.secrets.login,
      async (platform) => {
        const resetting = reset({ platform });
        await expect
          .poll(() => pages[0])
          .toMatchObject({
            subject: 'CRITICAL: authentication of the etcd cluster drill may be disabled',
            message: expect.stringMatching(
              /^Authentication of drill may be disabled: .*root user does not have root role/s,
            ),
          });
        await on.cluster.etcdctl(['user', 'grant-role', 'root', 'root']);
        expect(outputOf(await resetting)).toMatchObject({ outcome: 'Remediated' });
      },
      (page) => pages.push(page),
    );
    for (const each of on.etcd.members) expect(await each.authentication.servesAnybody()).toBe(false);
  });

  it('refuses to disable it while another execution is about to, and for one that was ended', async () => {
    const [member] = on.etcd.members;
    if (!member) throw new Error('there are members');
    const now = Date.now();
    const own = { execution: 'run-8', disabledAt: now, overAt: now + 60_000 };
    await openWindow(member, own);
    await expect(openWindow(member, own)).resolves.toBeUndefined();
    await expect(openWindow(member, { ...own, execution: 'run-9' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('run-8'),
    });
    await endWindow(on.etcd.members, 'run-8');
    await expect(openWindow(member, own)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('was ended'),
    });
  });

  it('forgets nothing that another execution has written down since', async () => {
    const [member] = on.etcd.members;
    if (!member) throw new Error('there are members');
    const before = await readWindow(on.etcd.members);
    await openWindow(member, { execution: 'run-10', disabledAt: Date.now(), overAt: Date.now() });
    await forgetWindow(on.etcd.members, before);
    const { window } = await readWindow(on.etcd.members);
    expect(window?.execution).toBe('run-10');
  });
});

describe('the auth token runbook, where tokens are JWTs,', () => {
  it('finds nothing to do where all members sign alike', async (test) => {
    await requireEtcd('3.4.23', test);
    const on = await stage({ etcd: '3.4.23', auth: true, authToken: 'jwt' });
    try {
      expect(outputOf(await reset(on)).outcome).toBe('NothingToDo');
    } finally {
      await on.close();
    }
  });

  it('names the member whose keys are others, and neither restarts it nor disables anything', async () => {
    const on = await stage({ etcd: '3.5.16', auth: true, authToken: 'jwt', strangeKeys: ['m2'] });
    try {
      const { pid } = on.cluster.members[1] ?? {};
      expect(await reset(on)).toMatchObject({
        status: 'FAILED',
        error: 'PreconditionFailed',
        cause: expect.stringMatching(
          /^No member rejects every token.*\nm2 rejects the JWTs of m1, m3: its keys are not theirs/,
        ),
      });
      expect(on.cluster.members[1]?.pid).toBe(pid);
    } finally {
      await on.close();
    }
  });
});
