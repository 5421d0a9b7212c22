import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../core/contracts/openapi.ts';
import { OPERATIONS, type Operation } from '../../core/contracts/operations.ts';
import { PROBLEMS } from '../../core/contracts/problems.ts';
import { parseRemediationInput } from '../../core/contracts/remediation.ts';
import { renderOpenApi } from '../../docs/openapi.ts';

const document = openApiDocument();
const operations: [string, Operation][] = Object.entries(OPERATIONS);
const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, 'api');

function problemsWith(name: string, value: unknown): string {
  ajv.validate({ $ref: `api#/components/schemas/${name}` }, value);
  return ajv.errorsText();
}

describe('the OpenAPI document', () => {
  it('is the committed one (npm run docs makes it anew)', async () => {
    expect(await readFile(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8')).toBe(renderOpenApi());
  });

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(renderOpenApi()))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it.each(operations)('%s has examples, and each is right', (_, { request, response, parameters }) => {
    for (const example of Object.values(request?.examples ?? {})) {
      expect(problemsWith(request?.name ?? '', example)).toBe('No errors');
      expect(request?.schema.safeParse(example).success).toBe(true);
    }
    expect(problemsWith(response.name, response.example)).toBe('No errors');
    for (const { schema, example } of parameters) expect(schema.safeParse(example).success).toBe(true);
  });

  it('tells each problem somewhere, with an example that is right; two are of no operation', () => {
    const told = Object.values(document.paths)
      .flatMap((methods) => Object.values(methods))
      .flatMap(({ responses }) => Object.entries(responses as Record<string, { content: object }>))
      .flatMap(([status, { content }]) =>
        Object.values(
          (content as Record<string, { examples: object }>)['application/problem+json']?.examples ?? {},
        ).map(({ value }) => ({ status, value })),
      );
    for (const { status, value } of told) {
      expect(problemsWith('Problem', value)).toBe('No errors');
      expect(String(value.status)).toBe(status);
    }
    const kinds = new Set(told.map(({ value }) => value.type.split(':').at(-1)));
    const others = Object.keys(PROBLEMS).filter((kind) => !kinds.has(kind));
    expect(others).toEqual(['unknown-route', 'method-not-allowed']);
  });

  it.each([
    [{}],
    [{ dryRun: true, reason: 'x', requestedBy: 'me' }],
    [{ cluster: 'orders', incident: 'quorum-lost', parameters: { acceptFewerMembers: true } }],
    [{ incident: 'member-failed', member: 'm3' }],
    [{ member: 'm3' }],
    [{ parameters: {} }],
    [{ incident: 'flood' }],
    [{ incident: 'space-exceeded', member: 'm3' }],
    [{ incident: 'space-exceeded', parameters: { retainRevisions: 1.5 } }],
    [{ dryRun: 'yes' }],
    [{ unknown: 1 }],
    [[]],
  ])('takes %j to start a remediation where the workflow does, and nowhere else', (body) => {
    const isTaken = (parse: () => unknown) => {
      try {
        parse();
        return true;
      } catch {
        return false;
      }
    };
    const byWorkflow = isTaken(() =>
      parseRemediationInput(Array.isArray(body) ? body : { cluster: 'orders', ...body }),
    );
    expect(problemsWith('StartRequest', body) === 'No errors').toBe(byWorkflow);
  });
});
