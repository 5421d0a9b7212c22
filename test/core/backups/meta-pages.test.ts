import { describe, expect, it } from 'vitest';
import { metaPagesBytes, parseMetaPages } from '../../../core/backups/meta-pages.ts';
import { metaPage, metaPages, PAGE_BYTES } from './bolt-file.ts';

const OF = { pages: 7, txid: 300 };

/** The beginning of a snapshot with one byte that is another. */
function changed(at: number): Buffer {
  const pages = metaPages(OF);
  pages.writeUInt8(pages.readUInt8(at) ^ 1, at);
  return pages;
}

describe('the beginning of a snapshot', () => {
  it('says how large its pages and the database are, and all of it is in the two metas', () => {
    const pages = metaPages(OF);
    expect(metaPagesBytes(pages.subarray(0, 64))).toBe(pages.length);
    const parsed = parseMetaPages(Buffer.concat([pages, Buffer.from('what follows')]));
    expect(parsed).toMatchObject({ pageBytes: PAGE_BYTES, sizeBytes: 7 * PAGE_BYTES });
    expect(parsed?.hex).toBe([0, PAGE_BYTES].map((at) => pages.subarray(at + 16, at + 80).toString('hex')).join(''));
  });

  it.each([
    ['is cut off', metaPages(OF).subarray(0, 2 * PAGE_BYTES - 1)],
    ['is hardly there', Buffer.alloc(10)],
    ['is all zeros', Buffer.alloc(2 * PAGE_BYTES)],
    ['has another number in its header', changed(0)],
    ['has another page size', changed(16 + 9)],
    ['has a wrong checksum', changed(16 + 60)],
    ['has something where zeros are expected', changed(2 * PAGE_BYTES - 1)],
    ['has two metas of one write', Buffer.concat([metaPage(0, OF), metaPage(1, OF)])],
    ['has metas of two databases', Buffer.concat([metaPage(0, OF), metaPage(1, { pages: 8, txid: 299 })])],
  ])('that %s is nothing that a host could write again', (_, beginning) => {
    expect(parseMetaPages(beginning)).toBeUndefined();
  });
});
