import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { ExecutionError } from '../../../local/asl/errors.ts';
import { type LambdaFunction, LambdaHost } from '../../../local/lambda/host.ts';

/** Deploys the handler with this body on a host of its own, for the rest of the test; `event` and `context` are in scope. */
export async function deploy(
  body: string,
  { environment = {}, ...more }: Partial<LambdaFunction> = {},
  shared: Record<string, string> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'host-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const codeDir = join(folder, 'code');
  await mkdir(codeDir);
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
  onTestFinished(() => host.close());
  return {
    host,
    definition,
    codeDir,
    warm: () => host.warm([definition.arn]),
    invoke: (event?: unknown, signal?: AbortSignal) => host.invoke(definition.arn, event, signal),
  };
}

/** The name and the cause that a Retry or Catch would see; the cause of a Lambda function is JSON. */
export async function failureOf(call: Promise<unknown>): Promise<{ error: string; cause: Record<string, unknown> }> {
  const thrown = await call.then(
    (result) => expect.fail(`It returned ${JSON.stringify(result)}.`),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ExecutionError);
  const { error, cause } = thrown as ExecutionError;
  return { error, cause: JSON.parse(cause) };
}

export function isRunning(pid: unknown): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

/** For a handler that hangs, and so cannot return its process ID. */
export const WRITES_PID = "require('node:fs').writeFileSync(__dirname + '/pid', String(process.pid));";

export async function pidIn(codeDir: string): Promise<number> {
  let pid = 0;
  const read = async () => {
    pid = await readFile(join(codeDir, 'pid'), 'utf8').then(Number, () => 0);
    return pid;
  };
  await expect.poll(read).toBeGreaterThan(0);
  return pid;
}
