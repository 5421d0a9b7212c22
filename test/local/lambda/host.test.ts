import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ExecutionError } from '../../../local/asl/errors.ts';
import { type LambdaFunction, LambdaHost } from '../../../local/lambda/host.ts';

let directory: string;
const hosts: LambdaHost[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'host-test-'));
});
afterEach(() => Promise.all(hosts.splice(0).map((host) => host.close())));
afterAll(() => rm(directory, { recursive: true }));

/** Deploys the handler with this body on a host of its own; `event` and `context` are in scope. */
async function deploy(
  body: string,
  { environment = {}, ...more }: Partial<LambdaFunction> = {},
  shared: Record<string, string> = {},
) {
  const codeDir = await mkdtemp(join(directory, 'code-'));
  await writeFile(join(codeDir, 'index.cjs'), `exports.handler = async (event, context) => { ${body} };`);
  const definition: LambdaFunction = {
    name: 'sample',
    arn: 'arn:aws:lambda:local:000000000000:function:sample',
    codeDir,
    handler: 'index.handler',
    timeoutSeconds: 20,
    memoryMiB: 128,
    environment,
    ...more,
  };
  const host = new LambdaHost([definition], shared);
  hosts.push(host);
  return {
    host,
    codeDir,
    invoke: (event?: unknown, signal?: AbortSignal) => host.invoke(definition.arn, event, signal),
  };
}

/** The name and the cause that a Retry or Catch would see; the cause of a Lambda function is JSON. */
async function failureOf(call: Promise<unknown>): Promise<{ error: string; cause: Record<string, unknown> }> {
  const thrown = await call.then(
    (result) => expect.fail(`It returned ${JSON.stringify(result)}.`),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ExecutionError);
  const { error, cause } = thrown as ExecutionError;
  return { error, cause: JSON.parse(cause) };
}

function isRunning(pid: unknown): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

/** For a handler that hangs, and so cannot return its process ID. */
const WRITES_PID = "require('node:fs').writeFileSync(__dirname + '/pid', String(process.pid));";

async function pidIn(codeDir: string): Promise<number> {
  let pid = 0;
  const read = async () => {
    pid = await readFile(join(codeDir, 'pid'), 'utf8').then(Number, () => 0);
    return pid;
  };
  await expect.poll(read, { timeout: 10_000 }).toBeGreaterThan(0);
  return pid;
}

describe('what a handler returns', () => {
  it.each([
    ['an object', "return { a: [1, 'b', null], c: { d: true } };", { a: [1, 'b', null], c: { d: true } }],
    ['a text with any character', "return '\\u2028 ü \\u{1f600}';", '\u2028 ü \u{1f600}'],
    ['nothing, which is null', '', null],
    ['a date, which is a text', "return new Date('2025-01-01T00:00:00Z');", '2025-01-01T00:00:00.000Z'],
    ['a field without a value, which is left out', 'return { a: undefined, b: 1 };', { b: 1 }],
  ])('arrives as JSON: %s', async (_, body, result) => {
    const { invoke } = await deploy(body);
    expect(await invoke({})).toEqual(result);
  });

  it('may be larger than what a pipe holds at once', async () => {
    const { invoke } = await deploy("return 'x'.repeat(event.length);");
    expect(await invoke({ length: 5_000_000 })).toHaveLength(5_000_000);
  });

  it('is made from the event and the context of this invocation', async () => {
    const { invoke } = await deploy(
      'return { event, id: context.awsRequestId, name: context.functionName, ms: context.getRemainingTimeInMillis() };',
      { timeoutSeconds: 14 },
    );
    const first = (await invoke({ cluster: 'orders' })) as Record<string, unknown>;
    const second = (await invoke({ cluster: 'billing' })) as Record<string, unknown>;
    expect(first).toMatchObject({ event: { cluster: 'orders' }, name: 'sample' });
    expect(second).toMatchObject({ event: { cluster: 'billing' } });
    expect(second.id).not.toBe(first.id);
    expect(first.ms).toBeGreaterThan(4_000);
    expect(first.ms).toBeLessThanOrEqual(14_000);
  });
});

describe('what a handler throws', () => {
  it('surfaces under its own name, with its message', async () => {
    const { invoke } = await deploy("throw Object.assign(new Error('no leader'), { name: 'EtcdUnavailable' });");
    expect(await failureOf(invoke({}))).toEqual({
      error: 'EtcdUnavailable',
      cause: {
        errorType: 'EtcdUnavailable',
        errorMessage: 'no leader',
        trace: expect.arrayContaining([expect.stringContaining('index.cjs')]),
      },
    });
  });

  it.each([
    ['a text', "throw 'boom';", 'Error', 'boom'],
    ['nothing', 'throw undefined;', 'Error', 'undefined'],
    ['an error of JavaScript', 'null.x;', 'TypeError', "Cannot read properties of null (reading 'x')"],
    ['a result that is not JSON', 'const a = {}; a.a = a; return a;', 'TypeError', expect.stringContaining('circular')],
  ])('surfaces as an error: %s', async (_, body, error, errorMessage) => {
    const { invoke } = await deploy(body);
    expect(await failureOf(invoke({}))).toMatchObject({ error, cause: { errorType: error, errorMessage } });
  });

  it('does not end the process', async () => {
    const { invoke } = await deploy("if (event.fail) throw new Error('boom'); return process.pid;");
    const pid = await invoke({});
    await failureOf(invoke({ fail: true }));
    expect(await invoke({})).toBe(pid);
  });
});

describe('a function that does not exist', () => {
  it('is refused under the name that Lambda gives it', async () => {
    const { host } = await deploy('');
    await expect(host.invoke('arn:aws:lambda:local:000000000000:function:other', {})).rejects.toMatchObject({
      error: 'Lambda.ResourceNotFoundException',
      cause: expect.stringContaining('function:other'),
    });
  });
});

describe('a handler that is cut off', () => {
  it.each([
    ['waits', 'await new Promise(() => setInterval(() => undefined, 1000));'],
    ['computes', 'for (;;);'],
  ])('by its timeout while it %s surfaces as such, and its process is gone', async (_, body) => {
    const { host, invoke, codeDir } = await deploy('', { timeoutSeconds: 1 });
    await writeFile(join(codeDir, 'index.cjs'), `${WRITES_PID} exports.handler = async () => { ${body} };`);
    host.warm();
    const pid = await pidIn(codeDir);
    expect(await failureOf(invoke({}))).toEqual({
      error: 'Sandbox.Timedout',
      cause: { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 1.00 seconds' },
    });
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
  });

  it.each([
    ['is killed', "process.kill(process.pid, 'SIGKILL'); await new Promise(() => undefined);"],
    ['exits', 'process.exit(0);'],
    ['leaves a rejection unhandled', "Promise.reject(new Error('boom')); await new Promise(() => undefined);"],
  ])('because its process %s surfaces as the end of the runtime, and the next one starts afresh', async (_, body) => {
    const { invoke } = await deploy(`if (event.die) { ${body} } return process.pid;`);
    const pid = await invoke({});
    expect(await failureOf(invoke({ die: true }))).toMatchObject({ error: 'Runtime.ExitError' });
    expect(isRunning(pid)).toBe(false);
    const next = await invoke({});
    expect(next).not.toBe(pid);
    expect(isRunning(next)).toBe(true);
  });

  it('shows the end of what it wrote to its log, not the beginning', async () => {
    const { invoke } = await deploy(
      "console.log('first words ' + 'x'.repeat(20_000)); console.error('last words'); process.exit(1);",
    );
    const { cause } = await failureOf(invoke({}));
    expect(cause.errorMessage).toContain('last words');
    expect(cause.errorMessage).not.toContain('first words');
  });

  it('because it takes more memory than it has dies alone', async () => {
    const { invoke } = await deploy(
      'if (event.allocate) for (const all = []; ; ) all.push(new Array(100_000).fill(all.length)); return process.pid;',
      { memoryMiB: 64 },
    );
    expect(await failureOf(invoke({ allocate: true }))).toMatchObject({
      error: 'Runtime.ExitError',
      cause: { errorMessage: expect.stringContaining('heap out of memory') },
    });
    expect(await invoke({})).not.toBe(process.pid);
  });

  it('has the memory that its template gives it', async () => {
    const { invoke } = await deploy(
      'for (const all = []; all.length < 150; ) all.push(new Array(131_072).fill(1.5)); return "enough";',
      { memoryMiB: 512 },
    );
    expect(await invoke({})).toBe('enough');
  });
});

describe('a bundle that does not load', () => {
  it.each([
    ['throws', "throw new Error('bad bundle');", 'bad bundle'],
    ['lacks a module', "require('not-there');", "Cannot find module 'not-there'"],
    ['has no handler', 'exports.main = 1;', 'has no export handler'],
  ])('because it %s surfaces as the end of the runtime, and says why', async (_, source, why) => {
    const { invoke, codeDir } = await deploy('');
    await writeFile(join(codeDir, 'index.cjs'), source);
    expect(await failureOf(invoke({}))).toMatchObject({
      error: 'Runtime.ExitError',
      cause: { errorMessage: expect.stringContaining(why) },
    });
  });

  it('does not keep a warm host from starting', async () => {
    const { host, invoke, codeDir } = await deploy('');
    await writeFile(join(codeDir, 'index.cjs'), "throw new Error('bad bundle');");
    host.warm();
    expect(await failureOf(invoke({}))).toMatchObject({ error: 'Runtime.ExitError' });
  });
});

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
    const { host, invoke, codeDir } = await deploy('');
    await writeFile(join(codeDir, 'index.cjs'), `${WRITES_PID} exports.handler = async () => process.pid;`);
    host.warm();
    const pid = await pidIn(codeDir);
    expect(await invoke({})).toBe(pid);
  });

  it('that died while it was idle is not used any more', async () => {
    const { invoke } = await deploy('return process.pid;');
    const pid = Number(await invoke({}));
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
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
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
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
