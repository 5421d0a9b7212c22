import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InvalidInput } from '../core/errors.ts';
import { readJson } from '../core/text/json-file.ts';
import { parse } from '../core/text/parse.ts';
import { type IncidentReport, incidentReportSchema } from '../report/incident-report.ts';

/** So many are enough to know how long something takes. */
const NEWEST = 30;

/** Where this machine keeps the reports of what it has remediated. Only their owner can read them, and nothing removes them. */
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

/** The same, but a failure is only a line: the command has more important things to print. @returns the line that names it, or says why there is none; and its path */
export async function saveReport(make: () => IncidentReport): Promise<{ line: string; reportFile: string | null }> {
  try {
    const reportFile = await keepReport(make());
    return { line: `Report: ${reportFile}`, reportFile };
  } catch (error) {
    return { line: `The report could not be written: ${(error as Error).message}`, reportFile: null };
  }
}

/** The newest reports that this machine keeps. Nothing depends on them: one that cannot be read is left out. */
export async function newestReports(folder = reportsFolder()): Promise<IncidentReport[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
  const aged = await Promise.all(files.map(async (path) => ({ path, at: await writtenAt(path) })));
  const newest = aged.toSorted((one, other) => other.at - one.at).slice(0, NEWEST);
  const reports = await Promise.all(newest.map(({ path }) => readReport(path)));
  return reports.filter((report) => report !== undefined);
}

async function writtenAt(path: string): Promise<number> {
  return await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function readReport(path: string): Promise<IncidentReport | undefined> {
  try {
    return incidentReportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** @throws InvalidInput where there is none of this ID, or what is there is no report */
export async function readKept(id: string, folder = reportsFolder()): Promise<IncidentReport> {
  const path = join(folder, `${id}.json`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(
      `There is no report of a remediation "${id}" on this machine (${(error as NodeJS.ErrnoException).code}: ${path}). "run", "drill" and "serve" ` +
        'keep them there. For one of what is deployed to AWS, give --deployed.',
    );
  }
  return parse(incidentReportSchema, readJson(text, path), path);
}
