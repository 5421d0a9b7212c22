import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AxiosResponse } from 'axios';
import { type Document, OpenAPIClientAxios, type OpenAPIV3_1 } from 'openapi-client-axios';
import { expect } from 'vitest';
import type { Problem } from '../../core/api/problems.ts';
import { type ApiServer, serveApi } from '../../local/api-server.ts';
import type { Platform } from '../../local/platform.ts';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the document says, by which it is checked
  body: any;
}

export interface Api {
  server: ApiServer;
  /** Calls an operation of the document, and checks the answer by it. */
  call(operationId: string, parameters?: Record<string, string>, body?: unknown): Promise<Answer>;
  /** A request that the document knows nothing of. Checks that its refusal is a problem. */
  send(method: string, path: string, options?: { body?: string; headers?: Record<string, string> }): Promise<Answer>;
  close(): Promise<void>;
}

/** The API of a platform, and a client that is made of the document which this API serves. */
export async function serveWithClient(platform: Platform): Promise<Api> {
  const server = await serveApi((event) => platform.invokeApi(event) as never, 0);
  const headers = { Authorization: server.authorization };
  const served = (await (await fetch(`${server.url}/openapi.json`, { headers })).json()) as Document;
  const document = structuredClone(served) as OpenAPIV3_1.Document;
  const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, 'api');
  const check = (schema: string, body: unknown) => {
    const isValid = ajv.validate({ $ref: `api#${schema}` }, body);
    expect(isValid, `${ajv.errorsText()}: ${JSON.stringify(body)}`).toBe(true);
  };
  const axiosConfigDefaults = { headers, validateStatus: () => true };
  const generator = new OpenAPIClientAxios({
    definition: served,
    withServer: { url: server.url },
    axiosConfigDefaults,
  });
  const client = await generator.init();
  return {
    server,
    async call(operationId, parameters = {}, body = undefined) {
      const operation = client[operationId];
      if (!operation) throw new Error(`The document has no operation ${operationId}.`);
      const answer = answerOf(await operation(parameters, body));
      const described = generator.getOperation(operationId);
      const type = answer.status < 400 ? 'application/json' : 'application/problem+json';
      expect(answer.headers['content-type']).toBe(type);
      const place = ['paths', described?.path ?? '', described?.method ?? '', 'responses', String(answer.status)];
      check(pointer([...place, 'content', type, 'schema']), answer.body);
      return answer;
    },
    async send(method, path, { body, headers: more } = {}) {
      const request = { method, headers: { ...headers, ...more }, ...(body !== undefined && { body }) };
      const response = await fetch(`${server.url}${path}`, request);
      const answer = {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: await response.json(),
      };
      expect(answer.headers['content-type']).toBe('application/problem+json');
      check('/components/schemas/Problem', answer.body);
      return answer;
    },
    close: () => server.close(),
  };
}

/** @returns the remediation when it has ended; the test's own time limit is the limit */
export async function untilEnded(api: Api, id: string): Promise<Answer['body']> {
  for (;;) {
    const { body } = await api.call('describeRemediation', { id });
    if (body.status !== 'RUNNING') return body;
    await sleep(100);
  }
}

/** What an answer has to have to be this problem. */
export function problem(kind: Problem['name'], more: object = {}): object {
  return { type: `urn:etcd-remediation:problem:${kind}`, requestId: expect.any(String), ...more };
}

function answerOf({ status, headers, data }: AxiosResponse): Answer {
  return { status, headers: Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)])), body: data };
}

/** https://datatracker.ietf.org/doc/html/rfc6901, in a URI */
function pointer(path: string[]): string {
  return path.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('');
}
