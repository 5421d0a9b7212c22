import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { renderReportSchema } from '../../docs/report-schema.ts';

it('the JSON schema of a report is that of the code; "npm run docs" makes it anew', async () => {
  const file = await readFile(join(import.meta.dirname, '../../docs/report.schema.json'), 'utf8');
  expect(file).toBe(renderReportSchema());
});
