import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { metaPage, metaPages, PAGE_BYTES } from '../core/backups/bolt-file.ts';
import type { PreparedHost } from './prepared-host.ts';
import { BOOTSTRAP, logFile } from './raft-log.ts';

/** A member's database, and its log, which says whose it is. */

const IDS = { memberId: '8e9e05c52164694d', clusterId: 'c1' };
/** Of the write that the snapshot is of; the file has come further. */
export const TXID = 300;
const PAGES = 40;
const CONTENT = randomBytes((PAGES - 2) * PAGE_BYTES);

/** As etcd restores it: what the snapshot holds, and its SHA-256. */
export function expectedCopy(): { bytes: Buffer; databaseSha256: string } {
  const database = Buffer.concat([metaPages({ pages: PAGES, txid: TXID }), CONTENT]);
  const digest = createHash('sha256').update(database).digest();
  return { bytes: Buffer.concat([database, digest]), databaseSha256: digest.toString('hex') };
}

/** @param txid of its last write; @param morePages which the file has grown by since */
export function keepDatabase(host: PreparedHost, { txid = TXID + 5, morePages = 3 } = {}): void {
  const folder = host.path('data/member');
  const of = { pages: PAGES + morePages, txid };
  const metas = [0, 1].map((number) =>
    metaPage(number as 0 | 1, { ...of, txid: txid % 2 === number ? txid : txid - 1 }),
  );
  mkdirSync(`${folder}/snap`, { recursive: true });
  mkdirSync(`${folder}/wal`, { recursive: true });
  const file = Buffer.concat([...metas, CONTENT, Buffer.alloc(Math.max(0, morePages) * PAGE_BYTES, 'x')]);
  writeFileSync(`${folder}/snap/db`, file.subarray(0, of.pages * PAGE_BYTES));
  writeFileSync(`${folder}/wal/0000000000000000-0000000000000000.wal`, logFile(BOOTSTRAP));
}

export function inodeOf(host: PreparedHost): string {
  return String(statSync(host.path('data/member/snap/db')).ino);
}

const METAS = [0, PAGE_BYTES]
  .map((at) =>
    metaPages({ pages: PAGES, txid: TXID })
      .subarray(at + 16, at + 80)
      .toString('hex'),
  )
  .join('');

export function copyParameters(host: PreparedHost, overrides: Record<string, string> = {}): Record<string, string> {
  return {
    ...{
      dataDir: host.path('data'),
      walDir: '',
      execution: 'run-1',
      ...IDS,
      metas: METAS,
      inode: inodeOf(host),
      url: '',
    },
    ...overrides,
  };
}

/** What asks for what would be refused, and copies nothing. */
export const ONLY_ASKED = { metas: '', inode: '0' };
