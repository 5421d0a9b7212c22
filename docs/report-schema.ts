import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { incidentReportSchema } from '../report/incident-report.ts';

/** docs/report.schema.json as it has to be: JSON Schema of a report. */
export function renderReportSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(incidentReportSchema);
  const about = { title: 'The report of a remediation', description: 'What etcd-remediation writes beside each page' };
  return `${JSON.stringify({ $schema, ...about, ...schema }, null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(join(import.meta.dirname, 'report.schema.json'), renderReportSchema());
}
