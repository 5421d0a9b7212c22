import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { parse } from '../core/text/parse.ts';
import { type IncidentReport, incidentReportSchema } from '../report/incident-report.ts';

/** Where this machine keeps the reports of what it has remediated: nobody else reads them, and nothing removes them. */
export function reportsFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'etcd-remediation', 'reports');
}

/** Writes a report as JSON and as a page. @returns the page's path @throws Error where the folder cannot be written to */
export async function keepReport(report: IncidentReport, folder = reportsFolder()): Promise<string> {
  // What draws the plots takes longer to load than all the rest of the command line.
  const { renderPage } = await import('../report/page/page.ts');
  const page = renderPage(report);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, report.id);
  await writeFile(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  await writeFile(`${path}.html`, page, { mode: 0o600 });
  return `${path}.html`;
}

/** The same for whoever has more important things to tell. @returns the line that names it, or says why there is none; and its path */
export async function saveReport(make: () => IncidentReport): Promise<{ line: string; reportFile: string | null }> {
  try {
    const reportFile = await keepReport(make());
    return { line: `Report: ${reportFile}`, reportFile };
  } catch (error) {
    return { line: `There is no report: ${(error as Error).message}`, reportFile: null };
  }
}

/** @throws InvalidInput where there is none of this ID */
export async function readKept(id: string): Promise<IncidentReport> {
  const path = join(reportsFolder(), `${id}.json`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(
      `There is no report of a remediation "${id}" on this machine (${(error as NodeJS.ErrnoException).code}: ${path}). "run", "drill" and "serve" ` +
        'keep them there. For one of what is deployed to AWS, give --deployed.',
    );
  }
  return parse(incidentReportSchema, JSON.parse(text), path);
}
