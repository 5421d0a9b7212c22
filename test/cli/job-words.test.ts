import { expect, it } from 'vitest';
import { BACKUP_WORDS, describeJobEnd } from '../../cli/job-words.ts';

it('a backup that gave way is told as put off, and is no success', () => {
  const output = { outcome: 'Postponed', cluster: 'orders', summary: 'Another backup works there.' };
  const { result, lines } = describeJobEnd(
    { status: 'SUCCEEDED', output },
    { words: BACKUP_WORDS, cluster: 'orders', tookMs: 1 },
  );
  expect([result, lines]).toEqual([output, ['Postponed: Another backup works there.']]);
  expect(BACKUP_WORDS.successes).not.toContain(output.outcome);
});
