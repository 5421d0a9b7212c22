import { describe, expect, it } from 'vitest';
import { type CommandDocument, readDocument, renderScript } from '../../../local/aws/ssm-document.ts';

const PARAMETERS = {
  unit: { type: 'String', allowedPattern: '^[a-z]+$', maxChars: 8 },
  action: { type: 'String', allowedValues: ['start', 'stop'] },
  walDir: { type: 'String', allowedPattern: '^(/[a-z]+)?$', default: '' },
};
const STEP = {
  action: 'aws:runShellScript',
  name: 'runScript',
  precondition: { StringEquals: ['platformType', 'Linux'] },
  inputs: { timeoutSeconds: '60', runCommand: ['#!/bin/bash', 'echo "{{ unit }}"'] },
};
const CONTENT = { schemaVersion: '2.2', description: 'x', parameters: PARAMETERS, mainSteps: [STEP] };

function documentOf(lines: string[], parameters: object = PARAMETERS): CommandDocument {
  const inputs = { ...STEP.inputs, runCommand: lines };
  return readDocument('sample', { ...CONTENT, parameters, mainSteps: [{ ...STEP, inputs }] });
}

function rendered(given: Record<string, string[]>, ...lines: string[]): string {
  return renderScript(documentOf(lines), given);
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

const GIVEN = { unit: ['etcd'], action: ['stop'] };

describe('a script', () => {
  it('is its lines with the parameters in their places, however many blanks are around their names', () => {
    expect(rendered(GIVEN, '{{unit}} {{ unit }} {{  unit\t}}', 'x', 'a={{action}};b="{{walDir}}"')).toBe(
      'etcd etcd etcd\nx\na=stop;b=""',
    );
  });

  it('has the value that is given in place of the default', () => {
    expect(rendered({ ...GIVEN, walDir: ['/wal'] }, '{{ walDir }}')).toBe('/wal');
  });

  it('keeps what only looks like a parameter', () => {
    expect(rendered(GIVEN, '{{ other }} {{ toString }} { unit } {unit} {{', 'unit }}')).toBe(
      '{{ other }} {{ toString }} { unit } {unit} {{\nunit }}',
    );
  });

  it('takes a value as it is, though it looks like a parameter or a group of a pattern', () => {
    const anything = { a: { type: 'String' }, b: { type: 'String' } };
    const given = { a: ['{{ b }} $& $1'], b: ['{{ a }}'] };
    expect(renderScript(documentOf(['{{ a }}|{{ b }}'], anything), given)).toBe('{{ b }} $& $1|{{ a }}');
  });
});

describe('parameters', () => {
  it.each([
    ['one without a default that is missing', { unit: ['etcd'] }, 'The parameter action is required.'],
    ['one without a value', { ...GIVEN, unit: [] }, 'The parameter unit is required.'],
    ['one with two values', { ...GIVEN, unit: ['a', 'b'] }, 'The parameter unit takes one value.'],
    ['one that is not known', { ...GIVEN, user: ['root'] }, 'The document has no parameter user.'],
    ['a name that every object has', { ...GIVEN, toString: ['x'] }, 'The document has no parameter toString.'],
    ['another word', { ...GIVEN, action: ['restart'] }, 'The parameter action must be one of: start, stop.'],
    ['a value that is too long', { ...GIVEN, unit: ['abcdefghi'] }, 'The parameter unit takes at most 8 characters.'],
    ['a value that does not match', { ...GIVEN, unit: ['e1'] }, 'The parameter unit must match ^[a-z]+$.'],
    [
      'a value that matches in one of its lines',
      { ...GIVEN, unit: ['a\nb'] },
      'The parameter unit must match ^[a-z]+$.',
    ],
    ['a value that ends in a line end', { ...GIVEN, unit: ['etcd\n'] }, 'The parameter unit must match ^[a-z]+$.'],
    ['an empty value', { ...GIVEN, unit: [''] }, 'The parameter unit must match ^[a-z]+$.'],
  ])('are refused with %s', (_, given, message) => {
    const refusal = thrownBy(() => rendered(given as Record<string, string[]>, ''));
    expect(refusal).toMatchObject({ type: 'InvalidParameters', message });
  });

  it('have to match as a whole, though the pattern is not anchored', () => {
    const loose = documentOf(['{{ a }}'], { a: { type: 'String', allowedPattern: 'a|b' } });
    expect(renderScript(loose, { a: ['b'] })).toBe('b');
    expect(thrownBy(() => renderScript(loose, { a: ['bc'] }))).toMatchObject({ type: 'InvalidParameters' });
  });
});

describe('a document', () => {
  it('tells its step and how long it may take', () => {
    expect(readDocument('sample', CONTENT)).toMatchObject({ stepName: 'runScript', timeoutSeconds: 60 });
  });

  it.each([
    ['another schema', { ...CONTENT, schemaVersion: '1.2' }],
    ['no step', { ...CONTENT, mainSteps: [] }],
    ['two steps', { ...CONTENT, mainSteps: [STEP, STEP] }],
    ['another action', { ...CONTENT, mainSteps: [{ ...STEP, action: 'aws:runPowerShellScript' }] }],
    ['no precondition', { ...CONTENT, mainSteps: [{ ...STEP, precondition: undefined }] }],
    [
      'another platform',
      { ...CONTENT, mainSteps: [{ ...STEP, precondition: { StringEquals: ['platformType', 'Windows'] } }] },
    ],
    [
      'an input that is not known',
      { ...CONTENT, mainSteps: [{ ...STEP, inputs: { ...STEP.inputs, workingDirectory: '/' } }] },
    ],
    ['no time limit', { ...CONTENT, mainSteps: [{ ...STEP, inputs: { runCommand: [] } }] }],
    ['a field of a step that is not known', { ...CONTENT, mainSteps: [{ ...STEP, onFailure: 'exit' }] }],
    ['a field that is not known', { ...CONTENT, files: {} }],
    ['another type of parameter', { ...CONTENT, parameters: { a: { type: 'StringList' } } }],
    ['a field of a parameter that is not known', { ...CONTENT, parameters: { a: { type: 'String', minChars: 1 } } }],
    ["a parameter's name that SSM Agent ignores", { ...CONTENT, parameters: { 'a-b': { type: 'String' } } }],
    ['no content', undefined],
  ])('that the platform could not run as SSM does is refused: %s', (_, content) => {
    expect(() => readDocument('sample', content)).toThrow('The embedded platform cannot run the document sample: ');
  });
});
