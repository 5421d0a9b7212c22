import { expect, type TestContext } from 'vitest';
import type { DrillResult } from '../../drills/scenario.ts';
import { findChromium } from '../browser/chromium.ts';
import { checkPage } from '../browser/opened-report.ts';
import { etcdRemediation, lastLine } from '../cli/command.ts';
import { requireEtcd } from '../run/require-etcd.ts';

/** Where a drill runs and on what, as its options say it. */
export interface DrillScene {
  hosts: 'process' | 'systemd';
  etcd: string;
  members: number;
  options: string[];
}

const isLinuxRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** Skips the test where its hosts cannot be made, or its release cannot be had. */
export async function needs({ hosts, etcd }: Pick<DrillScene, 'hosts' | 'etcd'>, test: TestContext): Promise<void> {
  test.skip(hosts === 'systemd' && !isLinuxRoot, 'real systemd needs root on Linux');
  await requireEtcd(etcd, test);
}

export function optionsOf({ hosts, etcd, members, options }: DrillScene): string[] {
  return ['--hosts', hosts, '--etcd', etcd, '--members', String(members), ...options];
}

/** Scenarios of which a report was opened: those of another drill of the same scenario differ in their figures alone. */
const opened = new Set<string>();

/** Runs a drill as a terminal would, and opens its report where there is a browser. @returns its result, which is alone on standard output, and passed each of its own checks */
export async function passDrill(
  scenario: string,
  ...options: string[]
): Promise<DrillResult & Record<string, unknown> & { stderr: string }> {
  const ended = await etcdRemediation('drill', scenario, '--json', ...options);
  expect(ended.status, ended.stderr).toBe(0);
  expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
  const result = lastLine(ended) as unknown as DrillResult & Record<string, unknown>;
  expect(result.checks.filter((check) => !check.ok)).toEqual([]);
  const chromium = await findChromium();
  if (chromium !== undefined && !opened.has(scenario)) await checkPage(chromium, String(result.reportFile));
  opened.add(scenario);
  return { ...result, stderr: ended.stderr };
}
