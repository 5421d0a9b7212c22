import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
const RULE = 'lint/style/noRestrictedImports';

interface Diagnostic {
  severity: string;
  category: string;
  message: string;
  location: { path: string };
}

const OUTER = ['../bin/x.ts', '../bench/x.ts', '../docs/x.ts', '../test/x.ts'];

const FORBIDDEN: Record<string, string[]> = {
  core: [
    ...['../lib/x.ts', '../client/x.ts', '../report/x.ts', '../lambdas/x.ts', '../local/x.ts', '../drills/x.ts'],
    ...['../cli/x.ts', ...OUTER],
    ...['aws-cdk-lib', 'aws-cdk-lib/aws-lambda', 'constructs', '@aws-sdk/client-ssm', 'etcd3', 'etcd3/lib/rpc'],
    ...['@grpc/grpc-js', 'protobufjs', 'protobufjs/light.js', 'node:fs', 'node:fs/promises', 'commander', 'esbuild'],
    ...['@observablehq/plot', 'linkedom', 'linkedom/worker'],
  ],
  report: [
    ...['../lib/x.ts', '../client/x.ts', '../lambdas/x.ts', '../local/x.ts', '../drills/x.ts', '../cli/x.ts', ...OUTER],
    ...['aws-cdk-lib', 'aws-cdk-lib/aws-lambda', 'constructs', '@aws-sdk/client-ssm', 'node:fs', 'node:fs/promises'],
  ],
  lib: [
    '../client/x.ts',
    '../report/x.ts',
    '../lambdas/x.ts',
    '../local/x.ts',
    '../drills/x.ts',
    '../cli/x.ts',
    ...OUTER,
  ],
  client: [
    ...['../lib/x.ts', '../lambdas/x.ts', '../local/x.ts', '../drills/x.ts', '../cli/x.ts', ...OUTER],
    ...['aws-cdk-lib', 'aws-cdk-lib/aws-lambda', 'constructs'],
  ],
  lambdas: [
    ...['../lib/x.ts', '../local/x.ts', '../drills/x.ts', '../cli/x.ts', ...OUTER],
    ...['aws-cdk-lib', 'aws-cdk-lib/aws-lambda', 'constructs'],
  ],
  local: ['../drills/x.ts', '../cli/x.ts', ...OUTER],
  drills: ['../cli/x.ts', ...OUTER],
};

const ALLOWED: Record<string, string[]> = {
  core: ['./x.ts', './cluster/x.ts', 'zod'],
  lib: [
    '../core/x.ts',
    './workflows/x.ts',
    'aws-cdk-lib',
    'aws-cdk-lib/aws-lambda',
    'constructs',
    'esbuild',
    'node:fs',
  ],
  report: ['../core/x.ts', './page/x.ts', '@observablehq/plot', 'linkedom', 'linkedom/worker'],
  client: ['../core/x.ts', '../report/x.ts', './x.ts', '@aws-sdk/client-ssm', 'node:fs'],
  lambdas: [
    '../core/x.ts',
    '../client/x.ts',
    '../report/x.ts',
    './etcd/x.ts',
    'etcd3',
    'etcd3/lib/rpc',
    '@grpc/grpc-js',
    '@aws-sdk/client-ssm',
    'node:fs',
  ],
  local: [
    '../core/x.ts',
    '../client/x.ts',
    '../report/x.ts',
    '../lambdas/x.ts',
    '../lib/x.ts',
    './asl/x.ts',
    'aws-cdk-lib',
    'node:fs',
  ],
  drills: ['../core/x.ts', '../report/x.ts', '../lambdas/x.ts', '../local/x.ts', 'node:fs'],
  cli: ['../core/x.ts', '../client/x.ts', '../report/x.ts', '../local/x.ts', '../drills/x.ts', 'commander', 'node:fs'],
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'import-directions-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

interface Import {
  file: string;
  module: string;
}

/** Each import in a file of its own: in the folder itself, and one folder deeper. */
function importsOf(modules: Record<string, string[]>): Import[] {
  return Object.entries(modules).flatMap(([folder, list]) =>
    list.flatMap((module, index) => [
      { file: `${folder}/x${index}.ts`, module },
      { file: `${folder}/deep/x${index}.ts`, module: module.replace(/^\.\.\//, '../../') },
    ]),
  );
}

/**
 * `biome lint` of these files in a folder with this project's rules. On files: of standard input Biome
 * reports no problem, and always ends with 1.
 */
async function lint(imports: Import[]): Promise<{ status: number | null; diagnostics: Diagnostic[] }> {
  const project = await mkdtemp(join(directory, 'project-'));
  const { vcs, $schema, ...rules } = JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8'));
  expect(vcs.useIgnoreFile).toBe(true);
  expect($schema).toMatch(/^\.\/node_modules\//);
  await writeFile(join(project, 'biome.json'), JSON.stringify(rules));
  for (const { file, module } of imports) {
    await mkdir(join(project, dirname(file)), { recursive: true });
    await writeFile(join(project, file), `import { a } from '${module}';\n\nexport const b = a;\n`);
  }
  const child = spawn(process.execPath, [BIOME, 'lint', '--reporter=json', '--max-diagnostics=none', '.'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, diagnostics: JSON.parse(output).diagnostics };
}

describe('biome lint', () => {
  describe('lets no file', () => {
    const imports = importsOf(FORBIDDEN);
    let linted: Awaited<ReturnType<typeof lint>>;
    beforeAll(async () => {
      linted = await lint(imports);
    });

    it('against a direction pass', () => {
      expect(linted.status).toBe(1);
      expect(new Set(linted.diagnostics.map(({ category }) => category))).toEqual(new Set([RULE]));
    });

    it.each(imports)('$file import $module', ({ file }) => {
      const found = linted.diagnostics.filter(({ location }) => location.path === file);
      // More than once where two patterns forbid it, as both "etcd3/**" and "**/lib/**" do.
      expect(found).not.toEqual([]);
      for (const { severity, category } of found) expect([severity, category]).toEqual(['error', RULE]);
    });
  });

  it.each(Object.keys(FORBIDDEN))('fails for one such import in %s', async (folder) => {
    const [module = ''] = FORBIDDEN[folder] ?? [];
    expect((await lint([{ file: `${folder}/x.ts`, module }])).status).toBe(1);
  });

  it('lets every folder import what it is built on', async () => {
    expect(await lint(importsOf(ALLOWED))).toEqual({ status: 0, diagnostics: [] });
  });
});
