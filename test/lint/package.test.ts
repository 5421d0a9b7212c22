import { execFile, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ENTRY } from '../cli/command.ts';
import { ROOT } from '../lib/stacks.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

describe('the package', () => {
  it('holds what its list names, and no test and no source', async () => {
    const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = await promisify(execFile)('npm', pack, { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 });
    const [packed] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    // Of what was built here at some time, test/real/package.test.ts says what it has to be.
    const paths = packed.files.map(({ path }) => path).filter((path) => !path.startsWith('dist/'));
    expect(paths.filter((path) => !/^(docs|examples)\//.test(path)).toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'README.zh-CN.md',
      'SECURITY.md',
      'bin/etcd-remediation.js',
      'clusters.json',
      'package.json',
    ]);
    expect(paths.filter((path) => path.endsWith('.ts'))).toEqual(['examples/cdk-app/app.ts']);
    for (const page of [
      'configuration.md',
      'clusters.schema.json',
      'hosts.schema.json',
      'runbooks.md',
      'openapi.json',
    ]) {
      expect(paths).toContain(`docs/${page}`);
    }
  });

  it('is published by nobody: its name is not ours', () => {
    expect(manifest.private).toBe(true);
  });

  it('names what a build makes of sources that there are', () => {
    const { types, default: built } = manifest.exports['.'];
    for (const path of [types, built]) {
      expect(existsSync(join(ROOT, path.replace('./dist/', '').replace(/(\.d)?\.[jt]s$/, '.ts')))).toBe(true);
    }
    expect(Object.keys(manifest.exports)).toEqual(['.', './package.json']);
    for (const path of Object.values<string>(manifest.bin)) expect(existsSync(join(ROOT, path))).toBe(true);
  });

  it('exports the two constructs, and nothing else', async () => {
    expect(Object.keys(await import('../../lib/index.ts')).toSorted()).toEqual([
      'RemediatedCluster',
      'RemediationPlatform',
    ]);
  });

  it('imports nothing that is not installed with it', () => {
    const installed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const others = ['bench', 'dist', 'docs', 'examples', 'node_modules', 'test'].map((folder) => `${folder}/**`);
    const sources = globSync('*/**/*.ts', { cwd: ROOT, exclude: others });
    const missing = sources.flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8').replaceAll(/^import type .*$/gm, '');
      return [...text.matchAll(/(?:\bfrom |^import |\bimport\()'([\w@][\w@./-]*)'/gm)].flatMap(([, name = '']) => {
        const [scope = '', inner = ''] = name.split('/');
        const module = scope.startsWith('@') ? `${scope}/${inner}` : scope;
        const isThere = name.startsWith('node:') || builtinModules.includes(name) || installed.includes(module);
        return isThere ? [] : [`${file}: ${name}`];
      });
    });
    expect(sources.length).toBeGreaterThan(300);
    expect(missing).toEqual([]);
  });
});

describe('the command', () => {
  it.each(['20.20.2', '22.23.3'])('says what it needs where Node is too old: %s', (version) => {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, ENTRY, '--help'],
      { encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      `UnsupportedNode: this is Node ${version}, and etcd-remediation needs Node 24 or newer. Nothing was touched. Run it as ` +
        '"npx --no etcd-remediation", which takes the Node that was installed with it, or put a newer Node first in PATH.\n',
    );
  });
});
