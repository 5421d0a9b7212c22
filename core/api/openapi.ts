import * as z from 'zod';
import { problemSchema } from './api.ts';
import { COMMON_PROBLEMS, OPERATIONS, type Operation } from './operations.ts';
import { PROBLEMS, type ProblemKind, problemType } from './problems.ts';
import { routes } from './routes.ts';

const VERSION = '3.1.1';
const PROBLEM = 'Problem';

const DESCRIPTION =
  'Starts, follows, approves of and stops remediations of etcd clusters. Requests to what is deployed are signed with Signature Version 4 for ' +
  '`execute-api`; those to `etcd-remediation serve` carry its token. ' +
  'A refusal is a problem (RFC 9457). Its `type` is one of a closed set. Fields may be added to answers.';

/** The OpenAPI document of the API, made of the schemas by which requests are parsed. */
export function openApiDocument() {
  return {
    openapi: VERSION,
    info: {
      title: 'etcd-remediation',
      version: '1.0.0',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        url: 'https://{api}.execute-api.{region}.amazonaws.com/{stage}',
        description: 'Deployed',
        variables: {
          api: { default: 'api', description: 'The ID of the API, from the output of the stack' },
          region: { default: 'eu-central-1' },
          stage: { default: 'v1' },
        },
      },
      { url: 'http://127.0.0.1:8080', description: 'etcd-remediation serve' },
    ],
    // Either of them; which, is for the server to say.
    security: [{ sigv4: [] }, { token: [] }],
    paths: Object.fromEntries(
      Object.entries(routes()).map(([path, methods]) => [
        path,
        Object.fromEntries(
          Object.entries(methods).map(([method, id]) => [
            method.toLowerCase(),
            { operationId: id, ...describe(OPERATIONS[id]) },
          ]),
        ),
      ]),
    ),
    components: {
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'Signature Version 4, for the service `execute-api`',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'For the server of `etcd-remediation serve` alone: the token that it writes to a file as it starts',
        },
      },
      schemas: { ...namedSchemas(), [PROBLEM]: jsonSchema(problemSchema) },
    },
  };
}

function namedSchemas(): Record<string, object> {
  const operations: Operation[] = Object.values(OPERATIONS);
  const named = operations.flatMap(({ request, response }) => (request ? [request, response] : [response]));
  return Object.fromEntries(named.map(({ name, schema }) => [name, jsonSchema(schema)]));
}

function describe({ summary, description, parameters, request, response, problems }: Operation) {
  return {
    summary,
    description,
    parameters: parameters.map(({ schema, ...parameter }) => ({ ...parameter, schema: jsonSchema(schema) })),
    ...(request && {
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: reference(request.name), examples: examples(request.examples) },
        },
      },
    }),
    responses: {
      [response.status]: {
        description: response.description,
        content: { 'application/json': { schema: reference(response.name), example: response.example } },
      },
      ...describeProblems([...problems, ...COMMON_PROBLEMS]),
    },
  };
}

function describeProblems(kinds: ProblemKind[]): Record<string, object> {
  const byStatus = Map.groupBy(kinds, (kind) => PROBLEMS[kind].status);
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [
      status,
      {
        description: all.map((kind) => `${PROBLEMS[kind].title} (\`${kind}\`)`).join('; '),
        content: {
          'application/problem+json': {
            schema: reference(PROBLEM),
            examples: examples(Object.fromEntries(all.map((kind) => [kind, problemExample(kind)]))),
          },
        },
      },
    ]),
  );
}

function problemExample(kind: ProblemKind): object {
  return {
    type: problemType(kind),
    ...PROBLEMS[kind],
    detail: `${PROBLEMS[kind].title}: what was seen, and what to do.`,
    instance: '/v1/remediations/INC-1234',
    requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
  };
}

function examples(values: Record<string, unknown>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.replaceAll(/[^\w-]+/g, '-'), { summary: name, value }]),
  );
}

function reference(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

/** As a client sees it: what has a default may be left out. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
