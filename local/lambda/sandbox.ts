import { createRequire, flushCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * The process that one Lambda function runs in: loads the bundle's handler once, then answers one event after the other.
 * The host is the parent process, over Node's own channel.
 */

/** From the host: one event. */
export interface SandboxRequest {
  requestId: string;
  event: unknown;
  /** Milliseconds since 1970 at which the host ends this invocation. */
  deadlineMs: number;
}

/** To the host: what the handler returned or threw, as Lambda reports it. */
export type SandboxResponse =
  | { requestId: string; payload: string }
  | { requestId: string; error: { errorType: string; errorMessage: string; trace: string[] } };

/** To the host, once: the handler is loaded. */
export interface SandboxLoaded {
  loaded: true;
}

type Handler = (event: unknown, context: object) => Promise<unknown>;

// So that a process list shows which function is which.
process.title = process.env.AWS_LAMBDA_FUNCTION_NAME ?? process.title;

const [codeDir = '', handlerName = ''] = process.argv.slice(2);
const [file = '', exportName = ''] = handlerName.split('.');
const handler = (createRequire(import.meta.url)(join(codeDir, `${file}.cjs`)) as Record<string, Handler>)[exportName];
// The host may kill this process at any moment, and what is compiled is otherwise kept at a process's end.
flushCompileCache();
delete process.env.NODE_COMPILE_CACHE;
if (!handler) throw new Error(`${codeDir}/${file}.cjs has no export ${exportName}`);
const invoke: Handler = handler;

process.on('message', async ({ requestId, event, deadlineMs }: SandboxRequest) => {
  const context = {
    awsRequestId: requestId,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
  try {
    send({ requestId, payload: JSON.stringify((await invoke(event, context)) ?? null) });
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const trace = error.stack?.split('\n') ?? [];
    send({ requestId, error: { errorType: error.name, errorMessage: error.message, trace } });
  }
  // Steps and the AWS SDK are loaded only for their first event.
  flushCompileCache();
});
// The host is gone: nobody would stop this process any more.
process.on('disconnect', () => process.exit());

send({ loaded: true });

function send(response: SandboxResponse | SandboxLoaded): void {
  process.send?.(response);
}
