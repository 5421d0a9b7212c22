import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const AT_EXIT = join(import.meta.dirname, '../../local/at-exit.ts');

it('does what it was told, but for what was taken back, and Node takes many of them for no leak', async () => {
  const script = `
    import { atExit } from ${JSON.stringify(AT_EXIT)};
    const takeBack = Array.from({ length: 20 }, (_, index) => atExit(() => console.log(index)));
    for (const [index, one] of takeBack.entries()) if (index % 5 !== 0) one();
    process.exit(3);
  `;
  const ended = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  await expect(ended).rejects.toMatchObject({ code: 3, stdout: '0\n5\n10\n15\n', stderr: '' });
});

it('does the rest if one of them throws, and says what was thrown', async () => {
  const script = `
    import { atExit } from ${JSON.stringify(AT_EXIT)};
    atExit(() => { throw new Error('the folder is busy'); });
    atExit(() => console.log('removed'));
    process.exit(3);
  `;
  const ended = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  const stderr = 'At the end of this process: the folder is busy\n';
  await expect(ended).rejects.toMatchObject({ code: 3, stdout: 'removed\n', stderr });
});
