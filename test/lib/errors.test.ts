import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_NAMES } from '../../core/errors.ts';
import { ROOT } from './stacks.ts';

const sources = globSync(['core/**/*.ts', 'client/**/*.ts', 'report/**/*.ts', 'lambdas/**/*.ts'], { cwd: ROOT })
  .filter((file) => file !== join('core', 'errors.ts'))
  .map((file) => readFileSync(join(ROOT, file), 'utf8'));

describe('each error of the taxonomy', () => {
  it.each(Object.values(ERROR_NAMES))('%s is thrown somewhere', (name) => {
    const thrown = new RegExp(`throw [^;]*new ${name}\\(`);
    expect(sources.some((source) => thrown.test(source))).toBe(true);
  });
});
