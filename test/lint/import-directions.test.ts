import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');

/** What `biome lint` says of a file at `path` that imports `modules`, one import a line. */
async function lint(path: string, modules: string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [BIOME, 'lint', `--stdin-file-path=${path}`, '--max-diagnostics=none'], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  const names = modules.map((_, index) => `a${index}`);
  const imports = modules.map((module, index) => `import { ${names[index]} } from '${module}';`);
  child.stdin.end(`${imports.join('\n')}\nexport const all = [${names.join(', ')}];\n`);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, output };
}

const OUTER = ['../bin/x.ts', '../bench/x.ts', '../docs/x.ts', '../test/x.ts'];

const FORBIDDEN: Record<string, string[]> = {
  core: [
    ...['../lib/x.ts', '../lambdas/x.ts', '../local/x.ts', '../drills/x.ts', '../cli/x.ts', ...OUTER],
    ...['aws-cdk-lib', 'aws-cdk-lib/aws-lambda', 'constructs', '@aws-sdk/client-ssm', 'etcd3', 'etcd3/lib/rpc'],
    ...['@grpc/grpc-js', 'protobufjs', 'protobufjs/light.js', 'node:fs', 'node:fs/promises', 'commander', 'esbuild'],
  ],
  lib: ['../lambdas/x.ts', '../local/x.ts', '../drills/x.ts', '../cli/x.ts', ...OUTER],
  lambdas: [
    ...['../lib/x.ts', '../local/x.ts', '../drills/x.ts', '../cli/x.ts', ...OUTER],
    ...['aws-cdk-lib', 'aws-cdk-lib/aws-lambda', 'constructs'],
  ],
  local: ['../drills/x.ts', '../cli/x.ts', ...OUTER],
  drills: ['../cli/x.ts', ...OUTER],
};

const ALLOWED: Record<string, string[]> = {
  core: ['./x.ts', './contracts/x.ts', 'zod'],
  lib: ['../core/x.ts', './workflows/x.ts', 'aws-cdk-lib', 'aws-cdk-lib/aws-lambda', 'constructs', 'esbuild', 'node:fs'],
  lambdas: ['../core/x.ts', './etcd/x.ts', 'etcd3', 'etcd3/lib/rpc', '@grpc/grpc-js', '@aws-sdk/client-ssm', 'node:fs'],
  local: ['../core/x.ts', '../lambdas/x.ts', '../lib/x.ts', './asl/x.ts', 'aws-cdk-lib', 'node:fs'],
  drills: ['../core/x.ts', '../lambdas/x.ts', '../local/x.ts', 'node:fs'],
  cli: ['../core/x.ts', '../local/x.ts', '../drills/x.ts', 'commander', 'node:fs'],
};

const pairs = Object.entries(FORBIDDEN).flatMap(([folder, modules]) => modules.map((module) => [folder, module] as const));

describe('biome', () => {
  it.each(pairs)('lets no file of %s import %s', async (folder, module) => {
    const { status, output } = await lint(`${folder}/x.ts`, [module]);
    expect(status, output).toBe(1);
    expect(output).toContain('lint/style/noRestrictedImports');
  });

  it.each(Object.entries(FORBIDDEN))('holds for a folder of %s as well', async (folder, modules) => {
    const deeper = modules.map((module) => module.replace(/^\.\.\//, '../../'));
    for (const module of deeper) {
      const { status, output } = await lint(`${folder}/deep/x.ts`, [module]);
      expect(status, `${module}\n${output}`).toBe(1);
      expect(output).toContain('lint/style/noRestrictedImports');
    }
  });

  it.each(Object.entries(ALLOWED))('lets files of %s import what they are built on', async (folder, modules) => {
    const { status, output } = await lint(`${folder}/x.ts`, modules);
    expect(status, output).toBe(0);
    expect(output).not.toContain('noRestrictedImports');
  });
});
