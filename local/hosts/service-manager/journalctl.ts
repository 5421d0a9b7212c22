import { parseArgs } from 'node:util';
import { type Answer, success } from './answer.ts';
import type { ServiceManager } from './manager.ts';
import { unitId } from './unit.ts';

const USAGE = 'journalctl is supported as: journalctl -u UNIT -n LINES --no-pager -q -o cat';

/**
 * Does what a command line of journalctl asks for.
 * @throws Error for anything but the one way of asking that {@link USAGE} shows
 */
export function journalctl({ journal }: ServiceManager, args: readonly string[]): Answer {
  const { values } = parseArgs({
    args: [...args],
    options: {
      unit: { type: 'string', short: 'u', multiple: true },
      lines: { type: 'string', short: 'n' },
      'no-pager': { type: 'boolean' },
      quiet: { type: 'boolean', short: 'q' },
      output: { type: 'string', short: 'o' },
    },
  });
  const { unit: [unit = '', ...others] = [], lines = '' } = values;
  const isAsSupported = values['no-pager'] === true && values.quiet === true && values.output === 'cat';
  if (!isAsSupported || others.length > 0 || !/^\d{1,9}$/.test(lines)) throw new Error(USAGE);
  const newest = journal.tail(unitId(unit), Number(lines));
  return success(newest.map((line) => `${line}\n`).join(''));
}
