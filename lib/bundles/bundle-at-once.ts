import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { StepBundles } from './bundle-steps.ts';

const PROGRAM = join(import.meta.dirname, `bundle-program${extname(import.meta.filename)}`);

/** Where this process has them already: what they are made of is read once. */
let made: string | undefined;

/**
 * As `bundleSteps`, for a construct, which cannot wait. esbuild takes plugins only where it is waited for, so it runs in a process of its own.
 * @throws Error where it fails; what it says is on standard error
 */
export function bundleStepsAtOnce(outDir: string): StepBundles {
  if (made !== undefined && made !== outDir && existsSync(made)) cpSync(made, outDir, { recursive: true });
  else if (made !== outDir || !existsSync(outDir)) {
    execFileSync(process.execPath, [PROGRAM, outDir], { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  made = outDir;
  return Object.fromEntries(readdirSync(outDir).map((name) => [name, join(outDir, name)]));
}
