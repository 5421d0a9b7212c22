import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import type { Page } from '../../local/aws/sns.ts';
import { Platform, type PlatformOptions } from '../../local/platform.ts';

/** A cluster that nobody has to start: its secret is not there, so that every step that talks to etcd fails at once. */
const FILE: PlatformOptions['file'] = {
  clusters: [
    {
      name: 'orders',
      members: [{ name: 'node1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2' }],
      quotaBackendBytes: 2_147_483_648,
      auth: { secret: 'etcd/nobody' },
    },
  ],
};
const GUARD = 'etcd-remediation-authentication-guard';

/** A platform, and what it has told of pages and of executions that a rule started. */
async function observed() {
  const pages: Page[] = [];
  const started: { name: string; types: string[] }[] = [];
  let onFirstPage = () => {};
  const paged = new Promise<void>((resolve) => {
    onFirstPage = resolve;
  });
  const platform = await Platform.start({
    file: FILE,
    secrets: {},
    onPage: (page) => {
      pages.push(page);
      onFirstPage();
    },
    onOwnStart: (name) => {
      const types: string[] = [];
      started.push({ name, types });
      return { onEvent: ({ type }: HistoryEvent) => types.push(type ?? '') };
    },
  });
  return { platform, pages, started, paged };
}

/** Starts an auth token reset, and stops it as soon as it runs a step. */
function stopAtOnce(platform: Platform, cluster: string): Promise<ExecutionResult> {
  const stopping = new AbortController();
  return platform.execute({
    incident: 'auth-token-invalid',
    input: { cluster },
    onEvent: ({ type }) => {
      if (type === 'TaskScheduled') stopping.abort(new Error('Stopped by a person.'));
    },
    signal: stopping.signal,
  });
}

describe('an execution that was stopped', () => {
  let scene: Awaited<ReturnType<typeof observed>>;
  beforeAll(async () => {
    scene = await observed();
  });
  afterAll(() => scene?.platform.close());

  it('starts the guard, where a rule says so; whoever waits for that to settle is told how it ended', async () => {
    const { platform, started, pages } = scene;
    expect(await stopAtOnce(platform, 'nowhere')).toMatchObject({ status: 'ABORTED', cause: 'Stopped by a person.' });
    const settled = await platform.settled();
    expect(settled).toMatchObject([
      { status: 'SUCCEEDED', output: { outcome: 'NothingToDo', summary: expect.stringContaining('"nowhere"') } },
    ]);
    expect(started.map(({ name }) => name)).toEqual([GUARD]);
    expect(started[0]?.types.at(0)).toBe('ExecutionStarted');
    expect(started[0]?.types.at(-1)).toBe('ExecutionSucceeded');
    expect(pages).toEqual([]);
  });

  it.each(['space-exceeded', 'auth-token-invalid'] as const)(
    'starts nothing, where no rule says so: one of %s that has failed by itself',
    async (incident) => {
      const { platform, started } = scene;
      const before = started.length;
      const ended = await platform.execute({ incident, input: { cluster: 'nowhere' } });
      expect(ended).toMatchObject({ status: 'FAILED', error: 'InvalidInput' });
      expect(await platform.settled()).toEqual([]);
      expect(started).toHaveLength(before);
    },
  );
});

describe('a guard', () => {
  it('pages, goes on, and is ended with the platform', async () => {
    const { platform, pages, started, paged } = await observed();
    try {
      expect(await stopAtOnce(platform, 'orders')).toMatchObject({ status: 'ABORTED' });
      const settled = platform.settled();
      await paged;
      await platform.close();
      expect(await settled).toMatchObject([{ status: 'ABORTED', cause: 'The platform is closed.' }]);
      expect(pages).toMatchObject([
        {
          subject: 'CRITICAL: authentication of the etcd cluster orders may be disabled',
          message: expect.stringMatching(/ orders may be disabled: .*The secret "etcd\/nobody" cannot be read/s),
          // As an incident tool takes it.
          event: {
            event_action: 'trigger',
            dedup_key: 'etcd-remediation/local/000000000000/orders/authentication',
          },
        },
      ]);
      // The guard's own end starts nothing.
      expect(started.map(({ name }) => name)).toEqual([GUARD]);
      expect(started[0]?.types.at(-1)).toBe('ExecutionAborted');
      expect(await platform.settled()).toEqual([]);
    } finally {
      await platform.close();
    }
  });
});
