import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BOOTSTRAP, entry, logFile, state } from './raft-log.ts';

/** The log of a member that someone has written to, and what a look at its host has seen of it. */

export const LOG_FILE = '0000000000000000-0000000000000000.wal';
export const WRITTEN = [...BOOTSTRAP, entry(4, 0), state(4)];
export const SEEN = { clusterId: 'c1', commitIndex: '4' };

/** @param logDir the folder of the log, which is made where it is not there */
export function writeLog(logDir: string, content = logFile(WRITTEN)): void {
  mkdirSync(logDir, { recursive: true });
  writeFileSync(join(logDir, LOG_FILE), content);
}
