import { readdir, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LambdaHost } from '../../../local/lambda/host.ts';
import { deploy, failureOf, isRunning, pidIn, WRITES_PID } from './deploy.ts';

async function filesIn(folder: string): Promise<number> {
  return (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
}

describe('a process', () => {
  it('is used for one event after the other, and keeps what it loaded', async () => {
    const { invoke } = await deploy('globalThis.calls = (globalThis.calls ?? 0) + 1; return [process.pid, calls];');
    const [pid] = (await invoke({})) as [number, number];
    expect(await invoke({})).toEqual([pid, 2]);
    expect(await invoke({})).toEqual([pid, 3]);
  });

  it('gets one event at a time: two at once are two processes, both warm afterwards', async () => {
    // Each waits until the other has begun.
    const { invoke } = await deploy(
      `const fs = require('node:fs');
      fs.writeFileSync(__dirname + '/' + event.name, '');
      while (event.other && !fs.existsSync(__dirname + '/' + event.other)) await new Promise((done) => setTimeout(done, 5));
      return process.pid;`,
    );
    const together = () => Promise.all([invoke({ name: 'a', other: 'b' }), invoke({ name: 'b', other: 'a' })]);
    const pids = await together();
    expect(new Set(pids).size).toBe(2);
    const [c, d] = await Promise.all([invoke({ name: 'c', other: 'd' }), invoke({ name: 'd', other: 'c' })]);
    expect([c, d].toSorted()).toEqual(pids.toSorted());
  });

  it('is started by warming, before there is an event', async () => {
    const { warm, invoke, codeDir } = await deploy('');
    await writeFile(join(codeDir, 'index.cjs'), `${WRITES_PID} exports.handler = async () => process.pid;`);
    warm();
    const pid = await pidIn(codeDir);
    expect(await invoke({})).toBe(pid);
  });

  it('is started by warming when the one before it has loaded its bundle, for they would take the processors from each other', async () => {
    const wait = (ms: number) => `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`;
    const begun = 'const begunAt = Date.now();';
    const handler = 'exports.handler = async () => ({ begunAt, loadedAt });';
    const slow = await deploy('', { arn: 'slow' });
    const next = await deploy('', { arn: 'next' });
    await writeFile(join(slow.codeDir, 'index.cjs'), `${begun} ${wait(300)} const loadedAt = Date.now(); ${handler}`);
    await writeFile(join(next.codeDir, 'index.cjs'), `${WRITES_PID} ${begun} const loadedAt = begunAt; ${handler}`);
    const host = new LambdaHost([slow.definition, next.definition], {});
    onTestFinished(() => host.close());
    host.warm(['slow', 'next']);
    await pidIn(next.codeDir);
    const { loadedAt } = (await host.invoke('slow', {})) as { loadedAt: number };
    expect(await host.invoke('next', {})).toMatchObject({ begunAt: expect.toSatisfy((at: number) => at >= loadedAt) });
  });

  it('is not started by warming others', async () => {
    const { host, invoke, codeDir } = await deploy('');
    await writeFile(join(codeDir, 'index.cjs'), `${WRITES_PID} exports.handler = async () => process.uptime();`);
    host.warm([]);
    const invokedAt = Date.now();
    const uptimeSeconds = Number(await invoke({}));
    expect(uptimeSeconds * 1000).toBeLessThanOrEqual(Date.now() - invokedAt + 1);
  });

  it('that died while it was idle is not used any more', async () => {
    const { invoke } = await deploy('return process.pid;');
    const pid = Number(await invoke({}));
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(await invoke({})).not.toBe(pid);
  });

  it('sees the variables of its function and of the host, and nothing of this machine', async () => {
    process.env.HOST_TEST_SECRET = 'hunter2';
    try {
      const { invoke } = await deploy('return process.env;', { environment: { OWN: '1' } }, { AWS_REGION: 'local' });
      const environment = (await invoke({})) as Record<string, string>;
      expect(JSON.stringify(environment)).not.toContain('hunter2');
      expect(environment).toEqual({
        AWS_CONFIG_FILE: devNull,
        AWS_LAMBDA_FUNCTION_NAME: 'sample',
        AWS_REGION: 'local',
        AWS_SHARED_CREDENTIALS_FILE: devNull,
        NODE_PATH: expect.stringMatching(/node_modules$/),
        OWN: '1',
      });
    } finally {
      delete process.env.HOST_TEST_SECRET;
    }
  });

  it('leaves beside its bundle what was compiled of it, though it is killed: the next process need not do so again', async () => {
    const { host, invoke, codeDir } = await deploy('return 1;');
    await invoke({});
    await host.close();
    expect(await filesIn(`${codeDir}.compiled`)).not.toBe(0);
  });

  it('and of what is loaded only for the first event', async () => {
    const { host, invoke, codeDir } = await deploy("return event.more && require('./more.cjs').length;");
    await writeFile(join(codeDir, 'more.cjs'), 'module.exports = (one, other) => one + other;');
    await invoke({});
    const before = await filesIn(`${codeDir}.compiled`);
    expect(await invoke({ more: true })).toBe(2);
    await expect.poll(() => filesIn(`${codeDir}.compiled`)).toBe(before + 1);
    await host.close();
  });

  it('finds the AWS SDK from wherever its bundle is', async () => {
    const { invoke } = await deploy("return typeof require('@aws-sdk/client-ssm').SSMClient;");
    expect(await invoke({})).toBe('function');
  });
});

describe('an invocation that is not wanted any more', () => {
  it('ends at once with the reason, and so does its process', async () => {
    const { invoke, codeDir } = await deploy(`${WRITES_PID} await new Promise(() => undefined);`);
    const stop = new AbortController();
    const ended = expect(invoke({}, stop.signal)).rejects.toThrow('stopped by hand');
    const pid = await pidIn(codeDir);
    stop.abort(new Error('stopped by hand'));
    await ended;
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it('does not begin when it was stopped before', async () => {
    const { invoke } = await deploy('return (globalThis.calls = (globalThis.calls ?? 0) + 1);');
    expect(await invoke({})).toBe(1);
    await expect(invoke({}, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(await invoke({})).toBe(2);
  });

  it('leaves the process alone when it is stopped after its end', async () => {
    const { invoke } = await deploy('return process.pid;');
    const stop = new AbortController();
    const pid = await invoke({}, stop.signal);
    stop.abort();
    expect(await invoke({})).toBe(pid);
  });
});

describe('the end of a host', () => {
  it('leaves no process, neither an idle nor a busy one', async () => {
    const { host, invoke, codeDir } = await deploy(
      `if (event.hang) { ${WRITES_PID} await new Promise(() => undefined); } return process.pid;`,
    );
    const [idle] = await Promise.all([invoke({}), invoke({})]);
    const busy = failureOf(invoke({ hang: true }));
    const pid = await pidIn(codeDir);
    await host.close();
    expect([isRunning(idle), isRunning(pid)]).toEqual([false, false]);
    expect(await busy).toMatchObject({ error: 'Runtime.ExitError' });
  });

  it('may be asked for twice, and before anything ran', async () => {
    const { host } = await deploy('');
    await host.close();
    await host.close();
  });
});
