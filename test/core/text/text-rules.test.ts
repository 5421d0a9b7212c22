import { describe, expect, it } from 'vitest';
import { TEXT_RULES, textSchema } from '../../../core/text/text-rules.ts';
import { HOSTILE } from './hostile-texts.ts';

type Rule = keyof typeof TEXT_RULES;
const RULES = Object.keys(TEXT_RULES) as Rule[];

/** Values as real hosts have them; the last one is as long as may be. */
const REAL: Readonly<Record<Rule, string[]>> = {
  unit: ['etcd', 'etcd.service', 'etcd@orders.service', 'snap.etcd-3:main', 'e'.repeat(128)],
  path: ['/data', '/var/lib/etcd/default.etcd', '/mnt/.etcd/a=b', '/opt/etcd-v3.5.16_x64/bin', `/${'p'.repeat(511)}`],
  optionalPath: ['', '/mnt/wal', `/${'p'.repeat(511)}`],
  account: ['etcd', '_etcd', 'svc-etcd.prod', 'u'.repeat(32)],
  execution: ['7c2c1b0a-6e0e-4a3c-8f7b-2a1d3c4e5f60', 'drill_1', 'x'.repeat(80)],
  initialCluster: [
    'node1=http://127.0.0.1:2380',
    'node1=https://10.0.1.11:2380,ip-10-0-1-12.ec2.internal=https://[fd00::2]:2380',
    `n=http://${'h'.repeat(4096 - 9)}`,
  ],
  token: ['', 'etcd-cluster', 'orders_2.b', 't'.repeat(128)],
  memberName: ['node1', '1', 'ip-10-0-1-12.ec2.internal', 'etcd_a', 'n'.repeat(128)],
  peerUrls: [
    'http://127.0.0.1:2380',
    'https://10.0.1.11:2380,https://[fd00::2]:2380,http://ip-10-0-1-12.ec2.internal:2380',
    `http://${'h'.repeat(1024 - 7)}`,
  ],
  number: ['0', '5368709120', '18446744073709551615'],
  optionalNumber: ['', '7', '18446744073709551615'],
  optionalId: ['', 'c1', 'a7ef944b95711739'],
  sha256: ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  optionalSha256: ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  id: ['c1', '8e9e05c52164694d'],
  metas: ['', 'edda0ced'.repeat(32)],
  presignedUrl: [
    '',
    'https://staging.s3.eu-west-1.amazonaws.com/orders/run-1/snapshot.gz?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20261122&partNumber=1',
    'http://127.0.0.1:4566/backups/etcd~orders/2026-11-22%20a.db?X-Amz-Signature=0f',
    `https://h/${'k'.repeat(8192 - 12)}?s`,
  ],
};

/** The rules that take the empty text for "none". */
const OPTIONAL: readonly Rule[] = [
  'optionalPath',
  'token',
  'optionalNumber',
  'optionalId',
  'optionalSha256',
  'metas',
  'presignedUrl',
];

/** A URL has all of this in its path or query; a script has it in single quotes, and where it is a folder on a host it is refused. */
const PART_OF_A_URL: readonly string[] = ['&', '~/x', '//', '/..', '/../b'];

function accepts(rule: Rule, value: string): boolean {
  return textSchema(TEXT_RULES[rule]).safeParse(value).success;
}

describe.each(RULES)('the rule for %s', (rule) => {
  it('accepts what real hosts have, up to its longest', () => {
    expect(REAL[rule].filter((value) => !accepts(rule, value))).toEqual([]);
    expect(REAL[rule].at(-1)).toHaveLength(TEXT_RULES[rule].maxChars);
  });

  it('accepts none of it with something behind, in front or in the middle that a shell could take for its own', () => {
    const hostile = HOSTILE.filter((part) => rule !== 'presignedUrl' || !PART_OF_A_URL.includes(part));
    const accepted = REAL[rule].flatMap((value) =>
      hostile.flatMap((part) => [
        value + part,
        part + value,
        `${value.slice(0, 3)}${part}${value.slice(3)}`,
        ...(value === '' ? [] : [part]),
      ]),
    );
    expect(accepted.filter((value) => new RegExp(TEXT_RULES[rule].pattern).test(value))).toEqual([]);
  });

  it.each([
    ['an injection', 'x; touch /tmp/owned'],
    ['a substitution', '$(id)'],
    ['backticks', '`id`'],
    ['a folder above', '../../etc'],
    ['a way back up', '/a/../b'],
    ['a second line', 'a\nb'],
    ['a line end', 'etcd\n'],
    ['100 kB of letters', 'a'.repeat(100_000)],
    ['100 kB of a path', '/a'.repeat(50_000)],
    ['quotes', '"etcd"'],
    ['single quotes', "'etcd'"],
    ['a space', 'a b'],
    ['an option with its value', '--force=/'],
  ])('refuses %s', (_, value) => {
    expect(accepts(rule, value)).toBe(false);
  });

  it('refuses the empty text exactly where a value is needed', () => {
    expect(accepts(rule, '')).toBe(OPTIONAL.includes(rule));
  });

  it('refuses one character more than its longest, and says so', () => {
    const value = REAL[rule].at(-1) as string;
    const result = textSchema(TEXT_RULES[rule]).safeParse(value + value.at(-1));
    expect(result.error?.issues.map(({ message }) => message)).toEqual([
      `must be at most ${TEXT_RULES[rule].maxChars} characters`,
    ]);
  });

  it('says what a value has to look like', () => {
    const result = textSchema(TEXT_RULES[rule]).safeParse('"');
    expect(result.error?.issues.map(({ message }) => message)).toEqual([`must be ${TEXT_RULES[rule].shape}`]);
  });

  it('is anchored at both ends, its alternatives included', () => {
    const { pattern } = TEXT_RULES[rule];
    expect(pattern).toMatch(/^\^.*\$$/);
    expect(pattern).not.toContain('|');
  });

  it('holds nothing that the Go and Java readers of a document read otherwise', () => {
    const { pattern } = TEXT_RULES[rule];
    expect(pattern).not.toMatch(/\(\?|\\[0-9A-Za-z]|\{/);
  });

  it.each([
    ['a', '!'],
    ['/a', '!'],
    ['/.a', '/..'],
    ['/', '!'],
    ['.', '!'],
    ['a=http://a,', '!'],
    ['a=http://a', ','],
    ['a=http://-]', '='],
    ['a=', '!'],
    ['-_', '!'],
    ['http://a,', '!'],
    ['1', '!'],
    ['f', '!'],
    ['https://a/', '!'],
    ['https://a/k?s&', '!'],
  ])('ends on 100 kB of %j before a %j', (part, end) => {
    const value = part.repeat(Math.ceil(100_000 / part.length)) + end;
    expect(new RegExp(TEXT_RULES[rule].pattern).test(value)).toBe(false);
  });
});

describe('a path', () => {
  it.each(['/', '//', '/a/', '/a//b', '/.', '/./a', '/..', '/a/..', '/a/.', '/...', 'a', './a', '~/a', '-a', ' /a'])(
    'is refused: %j',
    (path) => {
      expect([accepts('path', path), accepts('optionalPath', path)]).toEqual([false, false]);
    },
  );
});

describe('the list of initial members', () => {
  it.each([
    'node1',
    'node1=',
    '=http://a:2380',
    'node1=ftp://a:2380',
    'node1=a:2380',
    'node1=http://a:2380/path',
    'node1=http://user:password@a:2380',
    'node1=http://a:2380,',
    ',node1=http://a:2380',
    'node1=http://a:2380,,node2=http://b:2380',
    'node1=http://a:2380;node2=http://b:2380',
    '-n=http://a:2380',
    '.n=http://a:2380',
  ])('is refused: %j', (value) => {
    expect(accepts('initialCluster', value)).toBe(false);
  });
});

describe('a presigned URL', () => {
  it.each([
    'staging/orders/snapshot.gz?s=1',
    'ftp://a/k?s=1',
    'file:///etc/shadow?s=1',
    'https://a?s=1',
    'https://a/k',
    'https://a/k?',
    'https://user:password@a/k?s=1',
    'https://a/k?s=1#part',
    'https://a/k?s=1?t=2',
    'https://a/k?s="1"',
    ' https://a/k?s=1',
  ])('is refused: %j', (value) => {
    expect(accepts('presignedUrl', value)).toBe(false);
  });
});

describe('numbers, digests and peer URLs', () => {
  it.each<[Rule, string[]]>([
    ['number', ['-1', '+1', '1.5', '1e9', '0x10', '1 2', '1,2']],
    ['sha256', ['E3B0', 'g0', '0x0f']],
    ['optionalSha256', ['E3B0', 'g0', '0x0f']],
    ['peerUrls', ['10.0.1.11:2380', 'https://a:2380,', ',https://a:2380', 'https://a:2380/path', 'https://u:p@a:2380']],
    ['memberName', ['-n', '.n', 'a=b', 'a,b']],
  ])('do not look like this: %s', (rule, values) => {
    expect(values.filter((value) => accepts(rule, value))).toEqual([]);
  });
});

describe('a unit, an account and an execution', () => {
  it.each(['-etcd', '.etcd', '@etcd', 'etcd/x', ''])('do not look like %j', (value) => {
    expect((['unit', 'account', 'execution'] as const).map((rule) => accepts(rule, value))).toEqual([
      false,
      false,
      false,
    ]);
  });
});
