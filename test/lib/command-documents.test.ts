import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  documentName,
  documentParameters,
  HOST_COMMANDS,
  type HostCommandName,
  type HostParameter,
} from '../../core/hosts/host-commands.ts';
import { CommandDocuments, documentContent, readScript } from '../../lib/command-documents.ts';
import { readDocument, renderScript } from '../../local/aws/ssm-document.ts';
import { type Resource, resourcesOf } from './stacks.ts';

const COMMANDS = Object.keys(HOST_COMMANDS) as HostCommandName[];
const SCRIPT =
  '#!/usr/bin/env bash\nunit="{{ unit }}"\naction="{{action}}"\nsent_at="{{ sentAt }}"\n' +
  ': "{{ dataDir }}" "{{ walDir }}" "{{ clusterId }}" "{{ commitIndex }}"\n';

describe('the documents', () => {
  let stack: Stack;
  let resources: Resource[];
  beforeAll(() => {
    stack = new Stack(new App(), 'Sample');
    new CommandDocuments(stack, 'Documents');
    resources = Object.values(resourcesOf(Template.fromStack(stack), 'AWS::SSM::Document'));
  });

  it('are one for each host command, under its name', () => {
    expect(resources.map(({ Properties }) => Properties.Name).toSorted()).toEqual(
      COMMANDS.map(documentName).toSorted(),
    );
  });

  it('are commands in JSON, of which a change makes a new version', () => {
    for (const { Properties } of resources) {
      expect(Properties).toMatchObject({ DocumentType: 'Command', DocumentFormat: 'JSON', UpdateMethod: 'NewVersion' });
    }
  });

  function isOptional(command: string, name: string): boolean {
    return (
      ['walDir', 'initialClusterToken', 'url', 'commitIndex', 'metas'].includes(name) ||
      (name === 'clusterId' && command !== 'copy-database') ||
      (command === 'fetch-backup' && name === 'sha256')
    );
  }

  it.each(COMMANDS)('have what SSM has to know of %s', (command) => {
    const { description, timeoutSeconds } = HOST_COMMANDS[command];
    const parameters = documentParameters(command);
    const content = resources.find(({ Properties }) => Properties.Name === documentName(command))?.Properties.Content;
    expect(content).toMatchObject({ schemaVersion: '2.2', description });
    expect(content.mainSteps).toEqual([
      {
        action: 'aws:runShellScript',
        name: 'runScript',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: { timeoutSeconds: String(timeoutSeconds), runCommand: expect.any(Array) },
      },
    ]);
    const expected = Object.entries<HostParameter>(parameters).map(([name, parameter]) => [
      name,
      'values' in parameter
        ? { type: 'String', description: expect.any(String), allowedValues: parameter.values }
        : {
            type: 'String',
            description: parameter.shape,
            allowedPattern: parameter.pattern,
            maxChars: parameter.maxChars,
            ...(isOptional(command, name) && { default: '' }),
          },
    ]);
    expect(content.parameters).toEqual(Object.fromEntries(expected));
    // SSM Agent ignores a parameter of another name.
    for (const name of Object.keys(content.parameters)) expect(name).toMatch(/^[a-zA-Z0-9]+$/);
    // SSM Agent takes an hour for anything outside.
    expect(timeoutSeconds).toBeGreaterThanOrEqual(5);
    expect(timeoutSeconds).toBeLessThanOrEqual(28_800);
  });

  it.each(COMMANDS)('run on the embedded platform as well: %s', (command) => {
    const content = resources.find(({ Properties }) => Properties.Name === documentName(command))?.Properties.Content;
    const document = readDocument(command, content);
    expect(document.timeoutSeconds).toBe(HOST_COMMANDS[command].timeoutSeconds);
    expect(() => renderScript(document, {})).toThrow('is required');
  });
});

describe('a script and its parameters', () => {
  it('fit when each is used, with or without blanks', () => {
    expect(documentContent('control-service', SCRIPT)).toMatchObject({
      mainSteps: [
        {
          inputs: {
            runCommand: [SCRIPT.trimEnd()],
          },
        },
      ],
    });
  });

  it.each(COMMANDS)('define each function once, of the parts as well: %s', (command) => {
    const names = [...readScript(command).matchAll(/^(\w+)\(\) \{/gm)].map(([, name]) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  // bash 5.2 ends there where the file cannot be read, whoever asks for the failure.
  it.each(COMMANDS)('read no file by $(< file): %s', (command) => {
    expect(readScript(command)).not.toMatch(/\$\(\s*</);
  });

  // Without HOME it is found by root's account, and may send everything through a proxy.
  it.each(COMMANDS)('let curl read no ~/.curlrc: %s', (command) => {
    expect(readScript(command)).not.toMatch(/\bcurl -(?!q )/);
  });

  it('go without comments and empty lines, which nobody reads there', () => {
    const commented = `${SCRIPT}\n# why\n\n  # and why\necho '# a text' # and a remark\n`;
    expect(documentContent('control-service', commented)).toMatchObject({
      mainSteps: [{ inputs: { runCommand: [expect.toSatisfy((text: string) => text.split('\n').length === 6)] } }],
    });
    expect(JSON.stringify(documentContent('control-service', commented))).toContain("echo '# a text' # and a remark");
  });

  it.each([
    ['a parameter that is not used', SCRIPT.replace('{{ unit }}', ''), 'does not use its parameter "unit".'],
    ['a parameter that is not there', `${SCRIPT}{{ user }}`, 'uses "{{ user }}", which is not one of its parameters.'],
    [
      'a name that every object has',
      `${SCRIPT}{{ toString }}`,
      'uses "{{ toString }}", which is not one of its parameters.',
    ],
    [
      'a reference to another store',
      `${SCRIPT}{{ssm:token}}`,
      'has "{{" in line 6 that is no parameter; SSM knows no way to write it.',
    ],
    [
      'a parameter in two lines',
      `${SCRIPT}{{\nunit }}`,
      'has "{{" in line 6 that is no parameter; SSM knows no way to write it.',
    ],
    [
      'no bash',
      SCRIPT.replace('bash', 'sh'),
      `must begin with "#!/bin/bash": without it, SSM Agent's sh would run it.`,
    ],
    [
      'a first line that is a comment',
      `# x\n${SCRIPT}`,
      `must begin with "#!/bin/bash": without it, SSM Agent's sh would run it.`,
    ],
    [
      'lines that end as on Windows',
      SCRIPT.replaceAll('\n', '\r\n'),
      'has lines that end as on Windows (CRLF), and no host runs it so: "bash\\r" is no program. Check it out with LF, as .gitattributes says.',
    ],
  ])('do not fit with %s', (_, script, problem) => {
    expect(() => documentContent('control-service', script)).toThrow(`The script of control-service ${problem}`);
  });

  it('do not fit into a document of more than 64 KB', () => {
    const long = `${SCRIPT}echo `;
    const spare = 64 * 1024 - Buffer.byteLength(JSON.stringify(documentContent('control-service', long)));
    expect(() => documentContent('control-service', long + 'ü'.repeat(spare / 2))).not.toThrow();
    expect(() => documentContent('control-service', long + 'ü'.repeat(spare / 2 + 1))).toThrow(
      /^The document of control-service has 6553\d bytes; SSM takes 65536\. Make its script shorter\.$/,
    );
  });
});
