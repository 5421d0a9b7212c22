import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Builds `dist/`, which the package has in the place of the sources: Node runs no TypeScript below node_modules. It has the same folders, so that
 * whatever looks for a file beside itself finds it. A clone never runs it.
 */
const ROOT = import.meta.dirname;
const DIST = join(ROOT, 'dist');
/** What is read and not imported. */
const READ = ['documents/**/*.sh', 'local/**/*.sh', 'package.json', 'cdk.json'];
const EXPORTED = join(DIST, 'lib/index.d.ts');

/** The declarations that a declaration imports, and all that these do. */
function declarationsOf(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.[jt]s['"]/g)) {
    declarationsOf(`${join(dirname(file), path)}.d.ts`, found);
  }
  return found;
}

rmSync(DIST, { recursive: true, force: true });
execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['--project', 'tsconfig.package.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
const needed = declarationsOf(EXPORTED);
for (const file of globSync('**/*.d.ts', { cwd: DIST })) if (!needed.has(join(DIST, file))) rmSync(join(DIST, file));
for (const file of globSync(READ, { cwd: ROOT })) cpSync(join(ROOT, file), join(DIST, file));
