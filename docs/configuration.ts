import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CONFIGURATION_FILES,
  type ConfigurationFile,
  configurationSchema,
  type JsonSchema,
} from './configuration-schemas.ts';

const WIDTH = 110;

const INTRODUCTION = [
  '# Configuration',
  '',
  'Every field of the files that a person writes. `npm run docs` makes this page from the schemas that read them.',
  'Every problem of a file is told at once, each with its path, before anything is touched. A field that is not',
  'known is refused, and so is a key that is there twice.',
  '',
  'An editor that knows JSON schemas completes the fields, and shows what is wrong, if the file says where its',
  'schema is:',
  '',
  '```json',
  '{ "$schema": "./docs/clusters.schema.json", "clusters": [] }',
  '```',
  '',
  'If the package is installed, that is `./node_modules/etcd-remediation/docs/clusters.schema.json`. A schema',
  'cannot say everything: that names differ from each other, or that every host has a whole layout. `npx cdk',
  'synth` and every command check that too.',
  '',
];

const ABOUT: Readonly<Record<ConfigurationFile, readonly string[]>> = {
  clusters: [
    'Which etcd clusters there are, and how each is reached. It names secrets, and never holds them.',
    '[clusters.json](../clusters.json) is a sample.',
  ],
  hosts: [
    'How each host is reached without AWS: `--hosts FILE`. Its keys are the values of `host` in clusters.json.',
    '[operate.md](operate.md#hostsjson) has examples.',
  ],
  secrets: [
    'What Secrets Manager would hold, without AWS: `--secrets FILE`. Its keys are the names that clusters.json gives',
    'under `auth` and `tls`. Give the file mode 0600. In Secrets Manager each secret holds one such object.',
  ],
};

/** An object whose fields are told under a heading of their own. */
interface Section {
  /** `clusters[].members[]` */
  path: string;
  schema: JsonSchema;
}

/** docs/configuration.md as it has to be. */
export function renderConfiguration(): string {
  const files = CONFIGURATION_FILES.flatMap((file) => {
    const sections = sectionsOf({ path: '', schema: configurationSchema(file) });
    return [`## ${file}.json`, '', ...ABOUT[file], '', ...sections.flatMap((each) => renderSection(each, sections))];
  });
  return [...INTRODUCTION, ...files].join('\n');
}

/** The section itself, and those of the objects in it; none for one whose fields are told already. */
function sectionsOf(root: Section): Section[] {
  const sections = [root];
  // Grows as it is gone through: all of one depth before what is in them.
  for (const { path, schema } of sections) {
    for (const [name, field] of fieldsOf(schema)) {
      for (const inner of objectsIn({ path: path === '' ? name : `${path}.${name}`, schema: field })) {
        if (!toldBy(inner.schema, sections)) sections.push(inner);
      }
    }
  }
  return sections;
}

/** What is under any name is told as NAME. */
function fieldsOf({ properties = {}, additionalProperties }: JsonSchema): [string, JsonSchema][] {
  return [
    ...Object.entries(properties),
    ...(additionalProperties ? [['NAME', additionalProperties] as [string, JsonSchema]] : []),
  ];
}

function objectsIn({ path, schema }: Section): Section[] {
  if (schema.type === 'array' && schema.items) return objectsIn({ path: `${path}[]`, schema: schema.items });
  if (schema.anyOf) return schema.anyOf.flatMap((each) => objectsIn({ path, schema: each }));
  return schema.type === 'object' ? [{ path, schema }] : [];
}

/** The section that has all fields of an object, said in the same words. */
function toldBy(schema: JsonSchema, sections: readonly Section[]): Section | undefined {
  const fields = fieldsOf(schema);
  return sections.find((section) => {
    const told = new Map(fieldsOf(section.schema));
    return fields.every(([name, { description }]) => told.get(name)?.description === description);
  });
}

function renderSection(section: Section, sections: readonly Section[]): string[] {
  const { path, schema } = section;
  const heading = path === '' ? [] : [`### \`${path}\`${schema.title ? `: ${schema.title.toLowerCase()}` : ''}`, ''];
  const fields = fieldsOf(schema).map(([name, field]) => {
    const isNeeded = schema.required?.includes(name);
    const facts = [typeOf(field), ...(isNeeded ? ['required'] : []), ...defaultOf(field)].join(', ');
    const elsewhere = objectsIn({ path: '', schema: field }).flatMap((inner) => referenceTo(inner, section, sections));
    const about = [field.description ?? '', ...elsewhere].filter((text) => text !== '').join(' ');
    return wrapped(`- **\`${name}\`** (${facts}): ${about}`);
  });
  return [...heading, ...fields.flat(), ''];
}

/** Where an object's fields are told that has no section of its own. */
function referenceTo({ schema }: Section, { path }: Section, sections: readonly Section[]): string[] {
  const told = toldBy(schema, sections);
  if (!told || told.schema === schema || told.path === path) return [];
  const needed = schema.required ?? [];
  return [
    `Its fields are those of \`${told.path}\`, of which ${needed.length === 0 ? 'each may be left out' : `${needed.join(', ')} are required`}.`,
  ];
}

function typeOf({ type, const: constant, enum: values, items, anyOf, additionalProperties }: JsonSchema): string {
  if (anyOf)
    return anyOf
      .map(typeOf)
      .filter((each, index, all) => all.indexOf(each) === index)
      .join(' or ');
  if (constant !== undefined) return JSON.stringify(constant);
  if (values) return values.map((value) => JSON.stringify(value)).join(' or ');
  if (type === 'array') return `list of ${items?.type === 'object' ? 'objects' : typeOf(items ?? {})}`;
  if (type === 'object') return additionalProperties ? 'object by names' : 'object';
  return { string: 'text', integer: 'whole number', boolean: 'true or false' }[type ?? ''] ?? String(type);
}

function defaultOf({ default: value }: JsonSchema): string[] {
  return value === undefined ? [] : [`default ${JSON.stringify(value)}`];
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = ' ';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(join(import.meta.dirname, 'configuration.md'), renderConfiguration());
}
