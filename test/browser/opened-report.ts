import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { type IncidentReport, incidentReportSchema } from '../../report/incident-report.ts';
import { Chromium } from './chromium.ts';

/** The values beside each figure that the page shows, by the figure's name. */
const FIGURES = `Object.fromEntries(Object.entries(Object.groupBy([...document.querySelectorAll('data[data-figure]')], (each) =>
  each.dataset.figure)).map(([name, found]) => [name, found.map((each) => each.value)]))`;

/**
 * Opens a report as a browser does: it complains of nothing, asks for nothing, and shows the figures of the JSON beside it.
 * @param file the page @param pictures a folder for pictures of it, for whoever wants to look
 */
export async function checkPage(
  executable: string,
  file: string,
  pictures = process.env.REPORT_PICTURES,
): Promise<void> {
  const report = incidentReportSchema.parse(JSON.parse(await readFile(file.replace(/\.html$/, '.json'), 'utf8')));
  const chromium = await Chromium.start(executable);
  try {
    const page = await chromium.open(file);
    expect(await page.evaluate('document.querySelector("[data-figure=outcome]").textContent')).toBe(report.outcome);
    expect(await page.evaluate(FIGURES)).toMatchObject(figuresOf(report));
    // Nothing hangs over: a phone shows all of it, but for tables and pictures that are moved sideways.
    for (const width of [1100, 360]) {
      for (const scheme of ['light', 'dark'] as const) {
        const picture = await page.picture({ scheme, width });
        await keep(pictures, `${report.drill?.scenario ?? 'report'}-${scheme}-${width}.png`, picture);
      }
      const wide = 'document.documentElement.scrollWidth <= document.documentElement.clientWidth';
      expect(await page.evaluate(wide), `${basename(file)} at ${width} pixels`).toBe(true);
    }
    await keep(pictures, `${report.drill?.scenario ?? 'report'}.pdf`, await page.print());
    expect(page.complaints).toEqual([]);
    expect(page.requests).toEqual([]);
  } finally {
    await chromium.close();
  }
}

function figuresOf({ cost, sizes, raft, drill, timeline }: IncidentReport): Record<string, string[]> {
  const texts = (values: readonly (number | string | null)[]) => values.filter((each) => each !== null).map(String);
  const all: Record<string, string[]> = {
    durationMs: texts([cost.durationMs]),
    stateTransitions: texts([cost.stateTransitions]),
    after: timeline.map(() => expect.any(String)),
    dbSizeBytes: texts(sizes.map((each) => each.dbSizeBytes)),
    dbSizeInUseBytes: texts(sizes.map((each) => each.dbSizeInUseBytes)),
    quotaBytes: texts(sizes.map((each) => each.quotaBytes)),
    appliedIndex: texts(raft.map((each) => each.appliedIndex)),
    ...(drill && {
      ackedWrites: texts([drill.ackedWrites]),
      lostWrites: texts([drill.lostWrites]),
      maxWriteStallMs: texts([drill.maxWriteStallMs]),
      accepted: texts(drill.writes.accepted),
      refused: texts(drill.writes.refused),
      unanswered: texts(drill.writes.unanswered),
    }),
  };
  return Object.fromEntries(Object.entries(all).filter(([, values]) => values.length > 0));
}

async function keep(folder: string | undefined, name: string, contents: Buffer): Promise<void> {
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), contents);
}
