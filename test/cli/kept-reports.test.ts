import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepReport, newestReports, readKept } from '../../cli/kept-reports.ts';
import { EXAMPLE } from '../report/example.ts';

it('are read newest first, without those that cannot be read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kept-reports-'));
  try {
    for (const [id, at] of [
      ['second', 2_000],
      ['third', 1_000],
      ['first', 3_000],
    ] as const) {
      await keepReport({ ...EXAMPLE, id }, folder);
      await utimes(join(folder, `${id}.json`), at, at);
    }
    await writeFile(join(folder, 'half.json'), '{"id":');
    await writeFile(join(folder, 'other.json'), '{"id":"of another program"}');
    expect((await newestReports(folder)).map(({ id }) => id)).toEqual(['first', 'second', 'third']);
    expect(await newestReports(join(folder, 'nowhere'))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it.each([
  ['half of one', '{"id":', /half\.json has 1 problem.*\n- \(the whole\): is not JSON/],
  ['of another program', '{"id":"of another program"}', /half\.json has \d+ problems.*\n- /],
])('is refused by its path where what was kept is %s', async (_, text, message) => {
  const folder = await mkdtemp(join(tmpdir(), 'kept-reports-'));
  try {
    await writeFile(join(folder, 'half.json'), text);
    const refused = readKept('half', folder);
    await expect(refused).rejects.toMatchObject({ name: 'InvalidInput', message: expect.stringMatching(message) });
  } finally {
    await rm(folder, { recursive: true });
  }
});
