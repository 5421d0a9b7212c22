import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3Error } from './s3-error.ts';
import {
  bytesOf,
  type ListedObject,
  noSuchKey,
  type ObjectStore,
  STAGING,
  StagedObjects,
  type StoredContent,
} from './s3-store.ts';

/** A backup holds all that the cluster does: it is for nobody else's eyes. */
const OWN_FOLDER = 0o700;
const OWN_FILE = 0o600;
const DAY_MS = 24 * 60 * 60 * 1000;
/** At the end of what is still being written: no key ends so. */
const HALF = /\.[0-9a-f-]{36}\.half$/;

/**
 * A folder that stands for a bucket, and outlives this process: a key is the path of a file in it. What is uploaded lies beside until it is whole, and
 * then gets its name at once. So a backup needs room on the disk of that folder alone, and S3 shows no uploads either.
 */
export class FolderObjects implements ObjectStore {
  readonly #folder: string;
  readonly #staged: StagedObjects;

  private constructor(folder: string, staged: StagedObjects) {
    this.#folder = folder;
    this.#staged = staged;
  }

  static async open(folder: string): Promise<FolderObjects> {
    await forgetOldUploads(folder);
    return new FolderObjects(folder, await StagedObjects.open(folder));
  }

  begin(key: string): string {
    this.#fileOf(key);
    return this.#staged.begin(key);
  }

  addPart(key: string, uploadId: string, partNumber: number, body: Readable, sha256?: string): Promise<string> {
    return this.#staged.addPart(key, uploadId, partNumber, body, sha256);
  }

  async complete(
    key: string,
    uploadId: string,
    listed: readonly { partNumber: number; etag: string }[],
  ): Promise<string> {
    const etag = await this.#staged.complete(key, uploadId, listed);
    await this.#move(key);
    return etag;
  }

  abort(key: string, uploadId: string): void {
    this.#staged.abort(key, uploadId);
  }

  async put(key: string, body: Readable, sha256?: string): Promise<string> {
    this.#fileOf(key);
    const etag = await this.#staged.put(key, body, sha256);
    await this.#move(key);
    return etag;
  }

  /** @throws S3Error `NoSuchKey` */
  async get(key: string): Promise<StoredContent> {
    if (!isPath(key)) throw noSuchKey();
    const file = join(this.#folder, key);
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) throw noSuchKey();
    return { ...describe(found), parts: [{ file, sizeBytes: found.size }] };
  }

  async delete(key: string): Promise<void> {
    if (isPath(key)) await rm(join(this.#folder, key), { force: true });
  }

  async list(): Promise<ListedObject[]> {
    const entries = await readdir(this.#folder, { recursive: true, withFileTypes: true });
    const files = entries.filter(
      (entry) => entry.isFile() && !HALF.test(entry.name) && !isStaging(relative(this.#folder, entry.parentPath)),
    );
    const listed = await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const file = join(parentPath, name);
        const found = await stat(file).catch(ignoreMissing);
        return found && { key: relative(this.#folder, file).split(sep).join('/'), ...describe(found) };
      }),
    );
    // Another process may have deleted one meanwhile.
    return listed.filter((each) => each !== undefined);
  }

  close(): void {
    this.#staged.close();
  }

  /** From where it was staged to its own place. */
  async #move(key: string): Promise<void> {
    const content = await this.#staged.get(key);
    const file = this.#fileOf(key);
    const half = `${file}.${randomUUID()}.half`;
    await mkdir(dirname(file), { recursive: true, mode: OWN_FOLDER });
    try {
      // On disk before it has its name: a power cut leaves a whole backup or none.
      const target = createWriteStream(half, { mode: OWN_FILE, flush: true });
      await pipeline(Readable.from(bytesOf(content, 0, content.sizeBytes - 1)), target);
      await rename(half, file);
    } finally {
      await rm(half, { force: true });
      await this.#staged.delete(key);
    }
  }

  /** @throws S3Error for a key that is no path of a file */
  #fileOf(key: string): string {
    if (isPath(key)) return join(this.#folder, key);
    throw new S3Error(501, 'NotImplemented', `This endpoint does not know an object "${key}" in a folder.`);
  }
}

function isStaging(path: string): boolean {
  return path.split(sep)[0]?.startsWith(STAGING) === true;
}

/** What a process has left that was killed. One that still works has changed its own within a day. */
async function forgetOldUploads(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const changed = isStaging(name) ? (await stat(path).catch(ignoreMissing))?.mtimeMs : undefined;
    if (changed !== undefined && Date.now() - changed > DAY_MS) await rm(path, { recursive: true, force: true });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function isPath(key: string): boolean {
  return key.split('/').every((name) => !['', '.', '..'].includes(name));
}

function describe({ ino, size, mtimeMs, mtime }: { ino: number; size: number; mtimeMs: number; mtime: Date }) {
  const etag = createHash('md5').update(`${ino} ${size} ${mtimeMs}`).digest('hex');
  return { sizeBytes: size, etag, modified: mtime };
}
