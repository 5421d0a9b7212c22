import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import {
  documentName,
  documentParameters,
  HOST_COMMANDS,
  type HostCommandName,
  type HostParameter,
} from '../core/hosts/host-commands.ts';
import { MAX_DOCUMENT_BYTES } from './limits.ts';
import { named } from './names.ts';
import { withoutUnused } from './used-functions.ts';

const SCRIPTS = join(import.meta.dirname, '../documents');

/** The host commands as SSM documents, each with the script of its name and the parts that it shares with others. */
export class CommandDocuments extends Construct {
  /** @throws when a script and its parameters do not fit each other */
  constructor(scope: Construct, id: string) {
    super(scope, id);
    for (const command of Object.keys(HOST_COMMANDS) as HostCommandName[]) this.createDocument(command);
  }

  private createDocument(command: HostCommandName): void {
    new CfnDocument(this, command, {
      name: named(this, documentName(command)),
      documentType: 'Command',
      documentFormat: 'JSON',
      // The other method, Replace, cannot replace a document that has a name of its own.
      updateMethod: 'NewVersion',
      content: documentContent(command, readScript(command)),
    });
  }
}

/** A command's script with the parts that its second line names before it: the text that SSM runs. @throws when it names none */
export function readScript(command: HostCommandName): string {
  return withParts(read(`${command}.sh`), `documents/${command}.sh`);
}

/** @param name of the script, for an error */
export function withParts(script: string, name: string): string {
  const parts = /^# parts: (.+)$/m.exec(script)?.[1]?.split(' ');
  if (!parts) throw new Error(`${name} does not say which parts it needs ("# parts: common").`);
  return [...parts.map((part) => read(`parts/${part}.sh`)), script].join('\n');
}

function read(file: string): string {
  return readFileSync(join(SCRIPTS, file), 'utf8');
}

/**
 * The content of a command's document.
 * @param script bash, with `{{ name }}` for each parameter
 * @throws when a parameter is not used or not known, when SSM would not take the document, or would not run it in bash
 */
export function documentContent(command: HostCommandName, script: string): object {
  const { description, timeoutSeconds } = HOST_COMMANDS[command];
  const parameters = documentParameters(command);
  const lines = withoutUnused(script).split('\n');
  checkScript(command, lines, Object.keys(parameters));
  const content = {
    schemaVersion: '2.2',
    description,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, parameter]) => [name, documentParameter(parameter)]),
    ),
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'runScript',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: {
          timeoutSeconds: String(timeoutSeconds),
          // The agent puts a line break between two texts. A text for each line would cost a tenth of the stack's template.
          runCommand: [
            lines
              .filter(isRun)
              .map((line) => line.trimStart())
              .join('\n'),
          ],
        },
      },
    ],
  };
  const sizeBytes = Buffer.byteLength(JSON.stringify(content));
  if (sizeBytes > MAX_DOCUMENT_BYTES) {
    throw new Error(
      `The document of ${command} has ${sizeBytes} bytes; SSM takes ${MAX_DOCUMENT_BYTES}. Make its script shorter.`,
    );
  }
  return content;
}

/**
 * Comments and indentation are for the readers of documents/: they are a third of what SSM and the template would have to take. No text
 * of a script goes on in an indented line.
 */
function isRun(line: string): boolean {
  return line.startsWith('#!') || !/^\s*(#|$)/.test(line);
}

function documentParameter(parameter: HostParameter): object {
  if ('values' in parameter) {
    return { type: 'String', description: parameter.values.join(' or '), allowedValues: [...parameter.values] };
  }
  const { pattern, maxChars, shape } = parameter;
  return {
    type: 'String',
    description: shape,
    allowedPattern: pattern,
    maxChars,
    ...(new RegExp(pattern).test('') && { default: '' }),
  };
}

function checkScript(command: string, lines: readonly string[], parameters: readonly string[]): void {
  const refuse = (problem: string): never => {
    throw new Error(`The script of ${command} ${problem}`);
  };
  if (lines.some((line) => line.endsWith('\r'))) {
    refuse(
      'has lines that end as on Windows (CRLF), and no host runs it so: "bash\\r" is no program. Check it out with LF, as .gitattributes says.',
    );
  }
  // SSM Agent starts the script as a program, from sh: dash on Debian and Ubuntu.
  if (!/^#!.*\bbash\b/.test(lines[0] ?? '')) {
    refuse(`must begin with "#!/bin/bash": without it, SSM Agent's sh would run it.`);
  }
  // Line by line, as SSM Agent replaces them.
  const used = lines.flatMap((line) =>
    [...line.matchAll(/\{\{\s*([a-zA-Z0-9]+)\s*\}\}/g)].map(([, name = '']) => name),
  );
  for (const name of used) {
    if (!parameters.includes(name)) refuse(`uses "{{ ${name} }}", which is not one of its parameters.`);
  }
  for (const name of parameters) {
    if (!used.includes(name)) refuse(`does not use its parameter "${name}".`);
  }
  for (const [index, line] of lines.entries()) {
    if (line.replaceAll(/\{\{\s*[a-zA-Z0-9]+\s*\}\}/g, '').includes('{{')) {
      refuse(`has "{{" in line ${index + 1} that is no parameter; SSM knows no way to write it.`);
    }
  }
}
