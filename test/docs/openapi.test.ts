import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { EXAMPLES } from '../../core/api/api-examples.ts';
import { openApiDocument } from '../../core/api/openapi.ts';
import { OPERATIONS, type Operation } from '../../core/api/operations.ts';
import { PROBLEMS } from '../../core/api/problems.ts';
import { parseRemediationInput } from '../../core/remediation/remediation.ts';
import { renderOpenApi } from '../../docs/openapi.ts';
import { statesOf } from '../lib/definitions.ts';
import { definitionOf, ENTRY, FLEET, synthesizeStacks } from '../lib/stacks.ts';

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

  it('names no state in its examples that the workflows do not have', () => {
    const stacks = synthesizeStacks(FLEET);
    const statesBy = (name: string) => statesOf(definitionOf(stacks, name)).map((placed) => placed.name);
    const { progress, currentState } = EXAMPLES.remediation;
    expect(currentState).toBe(progress.at(-1)?.state);
    for (const { state, runbook } of progress)
      expect(statesBy(runbook ? `${ENTRY}-${runbook}` : ENTRY)).toContain(state);
  });

  it('lets a question of its examples be answered as long as the workflow waits', () => {
    const { approval, progress } = EXAMPLES.remediation;
    const waitsMs = Date.parse(approval?.expiresAt ?? '') - Date.parse(progress.at(-1)?.at ?? '');
    expect(Math.round(waitsMs / 3_600_000)).toBe(4);
  });

  it('says of an answer that a rejection needs a reason, and an approval none', () => {
    const answer = { approval: '1', reason: '' };
    expect(problemsWith('AnswerRequest', { ...answer, decision: 'approve' })).toBe('No errors');
    expect(problemsWith('AnswerRequest', { approval: '1', decision: 'approve' })).toBe('No errors');
    expect(problemsWith('AnswerRequest', { ...answer, decision: 'reject' })).not.toBe('No errors');
    expect(problemsWith('AnswerRequest', { approval: '1', decision: 'reject' })).not.toBe('No errors');
  });

  it('says how whom it is asked by is known: by a signature, or by the token of a server without AWS', () => {
    expect(document.security).toEqual([{ sigv4: [] }, { token: [] }]);
    expect(document.components.securitySchemes.token).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('tells what a remediation ends with, field by field', () => {
    const { remediation } = EXAMPLES;
    const ended = (report: unknown) => problemsWith('Remediation', { ...remediation, report });
    const holder = { remediation: 'INC-1', execution: 'arn', startedAt: '' };
    expect(ended({ outcome: 'AlreadyInProgress', cluster: 'orders', holder, summary: '' })).toBe('No errors');
    expect(ended({ outcome: 'Remediated', cluster: 'orders' })).toContain('must have required property');
    expect(ended('Remediated')).not.toBe('No errors');
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
