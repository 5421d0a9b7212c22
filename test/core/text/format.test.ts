import { expect, it } from 'vitest';
import { formatBytes, formatShare, inOneLine } from '../../../core/text/format.ts';

it.each([
  [0, '0 B'],
  [1, '1 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [34_707_866, '33.1 MiB'],
  [2_147_483_648, '2.0 GiB'],
  [8 * 1024 ** 4, '8.0 TiB'],
  [2 * 1024 ** 5, '2048.0 TiB'],
])('shows %d bytes as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [0.9, '90 %'],
  [0.29, '29 %'],
  [1, '100 %'],
])('shows the ratio %d as %s', (ratio, text) => {
  expect(formatShare(ratio)).toBe(text);
});

it.each([
  ['one line', 'one line'],
  ['two  lines\n  of which none ends', 'two lines. of which none ends'],
  [
    'Not every host is reached:\n- i-1: away\n- i-2: away.\nBring them back.',
    'Not every host is reached: i-1: away; i-2: away. Bring them back.',
  ],
  [
    'Not every host is reached:\n- i-1: give it with --hosts FILE\nSo it was not asked.\n',
    'Not every host is reached: i-1: give it with --hosts FILE. So it was not asked.',
  ],
])('tells %j in one line, as sentences', (text, line) => {
  expect(inOneLine(text)).toBe(line);
});
