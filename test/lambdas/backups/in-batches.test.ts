import { describe, expect, it } from 'vitest';
import { inBatches } from '../../../lambdas/backups/in-batches.ts';

describe('pieces in batches', () => {
  let isEnded = false;
  async function* pieces(...lengths: number[]): AsyncGenerator<Buffer, string, undefined> {
    isEnded = false;
    try {
      let byte = 0;
      for (const length of lengths) yield Buffer.from(Array.from({ length }, () => byte++));
      return 'the end';
    } finally {
      isEnded = true;
    }
  }

  it.each<[string, number[], number[]]>([
    ['as large as is asked for, but the last', [3, 3, 3, 3, 1], [6, 6, 1]],
    ['of one piece, where that is large', [9, 1], [9, 1]],
    ['that are none, where there is nothing', [], []],
  ])('are %s, and hold every byte in its order', async (_, lengths, sizes) => {
    const batches = inBatches(pieces(...lengths), 5);
    const taken: Buffer[] = [];
    let next = await batches.next();
    for (; !next.done; next = await batches.next()) taken.push(next.value);
    expect(next.value).toBe('the end');
    expect(taken.map(({ length }) => length)).toEqual(sizes);
    const bytes = Buffer.concat(taken);
    expect([...bytes]).toEqual([...bytes.keys()]);
  });

  it('end the pieces where nobody takes more of them', async () => {
    for await (const _ of inBatches(pieces(5, 5, 5), 5)) break;
    expect(isEnded).toBe(true);
  });
});
