import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApiDocument } from '../core/api/openapi.ts';

/** docs/openapi.json as it has to be. */
export function renderOpenApi(): string {
  return `${JSON.stringify(openApiDocument(), null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(join(import.meta.dirname, 'openapi.json'), renderOpenApi());
}
