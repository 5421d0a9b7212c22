import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';

/**
 * The folders in which Node looks for what this project imports, the nearest first: its own in a clone, and those that it is in itself where it was
 * installed.
 */
export const MODULE_FOLDERS: readonly string[] = (createRequire(import.meta.url).resolve.paths('zod') ?? []).filter(
  (folder) => basename(folder) === 'node_modules' && existsSync(folder),
);
