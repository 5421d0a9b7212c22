import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { DOLLAR_SCHEMA } from '../core/cluster/clusters-file.ts';
import { describedClustersSchema } from '../core/remediation/policy.ts';
import { loginSchema, tlsSchema } from '../lambdas/etcd/secrets.ts';
import { hostsFileSchema } from '../local/hosts/access.ts';

const secretsFileSchema = z
  .object({ $schema: z.string().optional().meta({ description: DOLLAR_SCHEMA }) })
  .catchall(
    z
      .union([
        loginSchema.meta({ title: 'A login', description: 'What a secret under auth holds.' }),
        tlsSchema.meta({ title: 'Certificates', description: 'What a secret under tls holds.' }),
      ])
      .meta({ description: 'What the secret holds that clusters.json names so.' }),
  );

/** The files that people write, by their names, each with its schema and what it is. */
const FILES = {
  clusters: {
    schema: describedClustersSchema,
    description: 'clusters.json: which etcd clusters there are, and how each is reached',
  },
  hosts: { schema: hostsFileSchema, description: 'hosts.json: how each host is reached where there is no AWS' },
  secrets: {
    schema: secretsFileSchema,
    description: 'secrets.json: what Secrets Manager would hold, where there is no AWS',
  },
} as const;

export type ConfigurationFile = keyof typeof FILES;
export const CONFIGURATION_FILES = Object.keys(FILES) as ConfigurationFile[];

/** As much of JSON Schema as these have. */
export interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  title?: string;
  description?: string;
  default?: unknown;
  pattern?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | false;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
}

/** Of the draft that editors know best. */
export function configurationSchema(file: ConfigurationFile): JsonSchema {
  const { schema, description } = FILES[file];
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    // zod's own word for a pattern is no format of JSON Schema.
    override: ({ jsonSchema }) => {
      delete jsonSchema.format;
    },
  });
  return { $schema, description, ...rest } as JsonSchema;
}

/** docs/clusters.schema.json and the like, as they have to be. */
export function renderConfigurationSchema(file: ConfigurationFile): string {
  return `${JSON.stringify(configurationSchema(file), null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  for (const file of CONFIGURATION_FILES) {
    await writeFile(join(import.meta.dirname, `${file}.schema.json`), renderConfigurationSchema(file));
  }
}
