import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deploy, failureOf, isRunning, pidIn, WRITES_PID } from './deploy.ts';

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
      { timeoutSeconds: 600 },
    );
    const first = (await invoke({ cluster: 'orders' })) as Record<string, unknown>;
    const second = (await invoke({ cluster: 'billing' })) as Record<string, unknown>;
    expect(first).toMatchObject({ event: { cluster: 'orders' }, name: 'sample' });
    expect(second).toMatchObject({ event: { cluster: 'billing' } });
    expect(second.id).not.toBe(first.id);
    expect(first.ms).toBeGreaterThan(0);
    expect(first.ms).toBeLessThanOrEqual(600_000);
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
    const { warm, invoke, codeDir } = await deploy('', { timeoutSeconds: 1 });
    await writeFile(join(codeDir, 'index.cjs'), `${WRITES_PID} exports.handler = async () => { ${body} };`);
    warm();
    const pid = await pidIn(codeDir);
    expect(await failureOf(invoke({}))).toEqual({
      error: 'Sandbox.Timedout',
      cause: { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 1.00 seconds' },
    });
    await expect.poll(() => isRunning(pid)).toBe(false);
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
    const { warm, invoke, codeDir } = await deploy('');
    await writeFile(join(codeDir, 'index.cjs'), "throw new Error('bad bundle');");
    warm();
    expect(await failureOf(invoke({}))).toMatchObject({ error: 'Runtime.ExitError' });
  });
});
