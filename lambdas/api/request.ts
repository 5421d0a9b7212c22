import type { APIGatewayProxyEvent } from 'aws-lambda';
import * as z from 'zod';
import { IDEMPOTENCY_KEY } from '../../core/api/operations.ts';
import { Problem } from '../../core/api/problems.ts';
import { InvalidInput } from '../../core/errors.ts';
import { readJson } from '../../core/text/json-file.ts';
import { parse } from '../../core/text/parse.ts';

/** Far more than an input takes. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * The path in this API, without a stage or what a domain maps before it. API Gateway hands on all of it as one parameter, `{proxy+}`; after an upgrade
 * from a release that had a resource for each path, it may serve those until the next one.
 */
export function pathOf({ resource, pathParameters }: APIGatewayProxyEvent): string {
  return resource.replaceAll(/\{(\w+)\+?\}/g, (_, name: string) => pathParameters?.[name] ?? '');
}

/** A request, of which each part is looked at only by the operation that takes it. */
export class ApiRequest {
  /** Who it is, as IAM has found: nothing that a request says of itself. */
  readonly by: string;
  readonly #event: APIGatewayProxyEvent;
  readonly #parameters: Readonly<Record<string, string>>;

  /** @param parameters what stands for them in the path @throws Error where IAM was not asked who it is: then nothing is answered */
  constructor(event: APIGatewayProxyEvent, parameters: Readonly<Record<string, string>>) {
    const { userArn } = event.requestContext.identity;
    if (!userArn) throw new Error('The request has no identity: the method does not ask for one.');
    this.by = userArn;
    this.#event = event;
    this.#parameters = parameters;
  }

  /** A part of the path. */
  path(name: string): string {
    return this.#parameters[name] ?? '';
  }

  /** @throws InvalidInput */
  query<Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> {
    const value = this.#event.queryStringParameters?.[name] ?? undefined;
    return parse(z.object({ [name]: schema }), { [name]: value }, 'The query')[name] as z.output<Schema>;
  }

  /** @throws InvalidInput */
  idempotencyKey(): string | undefined {
    const { name, schema } = IDEMPOTENCY_KEY;
    const [, value] =
      Object.entries(this.#event.headers).find(([header]) => header.toLowerCase() === name.toLowerCase()) ?? [];
    return parse(z.object({ [name]: schema.optional() }), { [name]: value }, 'The header')[name] as string | undefined;
  }

  /** The body, which is a JSON object. @throws InvalidInput; Problem `too-large` */
  body(): Record<string, unknown> {
    const text = this.#event.body ?? '';
    if (Buffer.byteLength(text) > MAX_BODY_BYTES) {
      throw new Problem('too-large', `The body has more than ${MAX_BODY_BYTES} bytes. Nothing was touched.`);
    }
    return parse(z.record(z.string(), z.unknown()), parseJson(text), 'The body');
  }

  /** The path of a part of what was asked for, from the root of the host. */
  linkToPart(id: string): string {
    return `${this.#event.requestContext.path}/${id}`;
  }

  /** The path of something else in this API, from the root of the host: where it is deployed it begins with a stage, or what a domain maps. */
  linkTo(path: string): string {
    const own = pathOf(this.#event);
    const asked = this.#event.requestContext.path;
    const base = asked.endsWith(own) ? asked.slice(0, -own.length) : '';
    return `${base}${path}`;
  }
}

function parseJson(text: string): unknown {
  try {
    JSON.parse(text);
  } catch {
    throw new InvalidInput('The body is not JSON. It has to be a JSON object, at least {}. Nothing was touched.');
  }
  return readJson(text, 'The body');
}
