import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepReport } from '../../cli/kept-reports.ts';
import { findChromium } from '../browser/chromium.ts';
import { checkPage } from '../browser/opened-report.ts';
import { EXAMPLE } from '../report/example.ts';

it('a report opens in a browser without a complaint and without asking for anything, on a screen, a phone and paper', async (test) => {
  const chromium = await findChromium();
  test.skip(chromium === undefined, 'there is no Chromium here: it is the package "chromium" of Debian');
  const folder = await mkdtemp(join(tmpdir(), 'etcd-remediation-report-'));
  try {
    await checkPage(chromium ?? '', await keepReport(EXAMPLE, folder));
  } finally {
    await rm(folder, { recursive: true });
  }
  expect.hasAssertions();
});
