import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { atExit } from '../at-exit.ts';
import { S3Error } from './s3-error.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MIN_PART_BYTES = 5 * 1024 * 1024;

/** How the names of the temporary folders begin. */
export const STAGING = '.etcd-remediation-staging-';

interface Part {
  file: string;
  sizeBytes: number;
  /** MD5 in hex. */
  etag: string;
}

/** What GetObject reads: files, one after the other. */
export interface StoredContent {
  sizeBytes: number;
  etag: string;
  modified: Date;
  parts: readonly Pick<Part, 'file' | 'sizeBytes'>[];
}

interface Upload {
  key: string;
  parts: Map<number, Part>;
}

/** What a list tells of an object. */
export interface ListedObject extends Pick<StoredContent, 'sizeBytes' | 'etag' | 'modified'> {
  key: string;
}

/** The objects of one bucket. */
export interface ObjectStore {
  begin(key: string): string;
  addPart(key: string, uploadId: string, partNumber: number, body: Readable, sha256?: string): Promise<string>;
  complete(key: string, uploadId: string, listed: readonly { partNumber: number; etag: string }[]): Promise<string>;
  abort(key: string, uploadId: string): void;
  put(key: string, body: Readable, sha256?: string): Promise<string>;
  get(key: string): Promise<StoredContent>;
  delete(key: string): Promise<void>;
  list(): Promise<ListedObject[]>;
  close(): void;
}

/** The objects of one bucket, and the uploads that are under way, in a temporary folder which goes with this process. */
export class StagedObjects implements ObjectStore {
  readonly #folder: string;
  readonly #objects = new Map<string, StoredContent>();
  readonly #uploads = new Map<string, Upload>();
  readonly #forget: () => void;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#forget = atExit(() => this.#remove());
  }

  /** @param folder below which the temporary one is made */
  static async open(folder = tmpdir()): Promise<StagedObjects> {
    return new StagedObjects(await mkdtemp(join(folder, STAGING)));
  }

  begin(key: string): string {
    const uploadId = randomUUID();
    this.#uploads.set(uploadId, { key, parts: new Map() });
    return uploadId;
  }

  /**
   * @param sha256 what the body must have, if known
   * @returns the part's ETag, without quotes
   * @throws S3Error
   */
  async addPart(key: string, uploadId: string, partNumber: number, body: Readable, sha256?: string): Promise<string> {
    this.#upload(key, uploadId);
    const part = await this.#write(body, sha256);
    try {
      // It may have been aborted in the meantime.
      const { parts } = this.#upload(key, uploadId);
      const replaced = parts.get(partNumber);
      parts.set(partNumber, part);
      if (replaced) await rm(replaced.file);
      return part.etag;
    } catch (error) {
      await rm(part.file, { force: true });
      throw error;
    }
  }

  /** An object that comes in one piece. @returns its ETag, without quotes @throws S3Error */
  async put(key: string, body: Readable, sha256?: string): Promise<string> {
    const part = await this.#write(body, sha256);
    await this.delete(key);
    this.#objects.set(key, { ...part, modified: new Date(), parts: [part] });
    return part.etag;
  }

  async #write(body: Readable, sha256: string | undefined): Promise<Part> {
    const file = join(this.#folder, randomUUID());
    const hashes = { md5: createHash('md5'), sha256: createHash('sha256') };
    let sizeBytes = 0;
    try {
      await pipeline(
        body,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hashes.md5.update(chunk);
            if (sha256 !== undefined) hashes.sha256.update(chunk);
            sizeBytes += chunk.length;
            yield chunk;
          }
        },
        createWriteStream(file),
      );
      requireSha256(hashes.sha256.digest('hex'), sha256);
      return { file, sizeBytes, etag: hashes.md5.digest('hex') };
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  /**
   * Once: S3 completes an upload again for a while, with the same answer (https://github.com/adobe/S3Mock/issues/2586). Its documentation promises no more
   * than what is answered here.
   * @returns the object's ETag, without quotes.
   * @throws S3Error
   */
  async complete(
    key: string,
    uploadId: string,
    listed: readonly { partNumber: number; etag: string }[],
  ): Promise<string> {
    const { parts } = this.#upload(key, uploadId);
    if (listed.some(({ partNumber }, at) => at > 0 && partNumber <= (listed[at - 1]?.partNumber ?? 0))) {
      throw new S3Error(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    const chosen = listed.map(({ partNumber, etag }) => {
      const part = parts.get(partNumber);
      if (part?.etag === etag) return part;
      throw new S3Error(
        400,
        'InvalidPart',
        'One or more of the specified parts could not be found, or have another entity tag.',
      );
    });
    if (chosen.slice(0, -1).some(({ sizeBytes }) => sizeBytes < MIN_PART_BYTES)) {
      throw new S3Error(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    }
    const digests = Buffer.concat(chosen.map(({ etag }) => Buffer.from(etag, 'hex')));
    const etag = `${createHash('md5').update(digests).digest('hex')}-${chosen.length}`;
    const sizeBytes = chosen.reduce((sum, part) => sum + part.sizeBytes, 0);
    this.#uploads.delete(uploadId);
    removeFiles([...parts.values()].filter((part) => !chosen.includes(part)));
    await this.delete(key);
    this.#objects.set(key, { sizeBytes, etag, modified: new Date(), parts: chosen });
    return etag;
  }

  /** @throws S3Error */
  abort(key: string, uploadId: string): void {
    const { parts } = this.#upload(key, uploadId);
    this.#uploads.delete(uploadId);
    removeFiles([...parts.values()]);
  }

  /** @throws S3Error `NoSuchKey` */
  async get(key: string): Promise<StoredContent> {
    const found = this.#objects.get(key);
    if (found) return found;
    throw noSuchKey();
  }

  async delete(key: string): Promise<void> {
    removeFiles(this.#objects.get(key)?.parts ?? []);
    this.#objects.delete(key);
  }

  async list(): Promise<ListedObject[]> {
    return [...this.#objects].map(([key, { sizeBytes, etag, modified }]) => ({ key, sizeBytes, etag, modified }));
  }

  close(): void {
    this.#forget();
    this.#remove();
  }

  #remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #upload(key: string, uploadId: string): Upload {
    const upload = this.#uploads.get(uploadId);
    if (upload?.key === key) return upload;
    throw new S3Error(
      404,
      'NoSuchUpload',
      'The specified upload does not exist. It may have been aborted or completed.',
    );
  }
}

/** A file is read in such pieces: with the usual 64 KiB two hosts at once got 400 MB/s, and so they get 560. */
const READ_BYTES = 2 ** 20;

/** The bytes from `first` to `last`, both included. */
export async function* bytesOf({ parts }: StoredContent, first: number, last: number): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const { file, sizeBytes } of parts) {
    const [start, end] = [Math.max(0, first - offset), Math.min(sizeBytes - 1, last - offset)];
    if (start <= end) yield* createReadStream(file, { start, end, highWaterMark: READ_BYTES });
    offset += sizeBytes;
  }
}

/** @throws S3Error where the body is not the one that was signed */
export function requireSha256(actual: string, signed: string | undefined): void {
  if (signed === undefined || actual === signed) return;
  throw new S3Error(
    400,
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  );
}

export function noSuchKey(): S3Error {
  return new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
}

function removeFiles(parts: readonly Pick<Part, 'file'>[]): void {
  for (const { file } of parts) rmSync(file, { force: true });
}
