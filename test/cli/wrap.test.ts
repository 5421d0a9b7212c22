import { expect, it } from 'vitest';
import { wrap } from '../../cli/wrap.ts';

it.each<[string, string, number, string[]]>([
  ['that fits stays', 'orders: healthy', 40, ['orders: healthy']],
  [
    'of prose goes on two columns further in',
    '  m1 does not answer, and nobody else reaches it either.',
    40,
    ['  m1 does not answer, and nobody else', '    reaches it either.'],
  ],
  [
    'with columns goes on below its last one',
    '  ✓   0.8 s  Stop service m1  inactive, and its log was written to the end of it',
    56,
    [
      '  ✓   0.8 s  Stop service m1  inactive, and its log was',
      '                              written to the end of it',
    ],
  ],
  [
    'with a command at its end keeps the command in one piece',
    'Follow it: npx --no etcd-remediation watch 1c2f0a7e-5f0c-4f86-9d0c-7f5b1c1d2e3f --region eu-central-1',
    60,
    ['Follow it:', '  npx --no etcd-remediation watch 1c2f0a7e-5f0c-4f86-9d0c-7f5b1c1d2e3f --region eu-central-1'],
  ],
  [
    'of one word stays, for there is nowhere to break it',
    `/var/lib/etcd-remediation/reports/${'0'.repeat(40)}.html`,
    50,
    [`/var/lib/etcd-remediation/reports/${'0'.repeat(40)}.html`],
  ],
  [
    'with a path that fits no line goes on behind it',
    `Report: /var/lib/etcd-remediation/reports/${'0'.repeat(40)}.html`,
    50,
    [`Report: /var/lib/etcd-remediation/reports/${'0'.repeat(40)}.html`],
  ],
  ['is left to a terminal that is too narrow for columns', 'a b c d e f g h i j k', 10, ['a b c d e f g h i j k']],
])('a line %s', (_, line, columns, rows) => {
  expect(wrap(line, columns)).toEqual(rows);
});
