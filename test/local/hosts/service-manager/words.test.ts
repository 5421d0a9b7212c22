import { describe, expect, it } from 'vitest';
import { parseEnvironmentFile } from '../../../../local/hosts/service-manager/environment-file.ts';
import { createStartLimit } from '../../../../local/hosts/service-manager/start-limit.ts';
import { parseTimeSpan } from '../../../../local/hosts/service-manager/time-span.ts';
import { parseUnitFile } from '../../../../local/hosts/service-manager/unit-file.ts';
import { expandVariables, splitWords } from '../../../../local/hosts/service-manager/words.ts';

describe('words of a unit file', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    [`"a b" 'c "d"' ""`, ['a b', 'c "d"', '']],
    ['NAME="a b"c', ['NAME=a bc']],
    [String.raw`a\x20b \101 "\t" \s \\ \u00e9`, ['a b', 'A', '\t', ' ', '\\', 'é']],
  ])('are split as systemd splits them: %s', (text, words) => {
    expect(splitWords(text, 'here')).toEqual(words);
  });

  it.each([
    ['"a', 'here: a quote (") is not closed'],
    [String.raw`\d`, String.raw`here: "\d" is not one of systemd's escapes`],
  ])('are refused where systemd would guess: %s', (text, message) => {
    expect(() => splitWords(text, 'here')).toThrow(message);
  });

  it('take variables in as systemd does', () => {
    const environment = new Map([
      ['A', 'one two'],
      ['EMPTY', ''],
    ]);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: systemd's variables
    const args = ['${A}', '$A', 'x${A}y', 'x$A', '$EMPTY', '${EMPTY}', '$$A', '$${A}'];
    expect(expandVariables(args, environment)).toEqual([
      'one two',
      ...['one', 'two'],
      'xone twoy',
      'x$A',
      '',
      '$A',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: systemd's variables
      '${A}',
    ]);
  });
});

it('joins continued lines of a unit file, also around comments, and tells where they begin', () => {
  const text = '# comment\n; another\n\n[Service]\nExecStart = /bin/a \\\n# between\n  b \\\n  c\nType=exec\n';
  expect(parseUnitFile(text, 'x.service')).toEqual([
    { section: 'Service', key: 'ExecStart', value: '/bin/a    b    c', place: 'x.service:5' },
    { section: 'Service', key: 'Type', value: 'exec', place: 'x.service:9' },
  ]);
  expect(() => parseUnitFile('[Service]\nA=b\\', 'x')).toThrow('x:2: ends with a backslash, but nothing follows');
});

describe('an environment file', () => {
  it.each([
    ['A=1\nB=2', { A: '1', B: '2' }],
    ['# comment\n  ; another\n\n A = b c  \n', { A: 'b c' }],
    [`A="b c" 'd'\n`, { A: 'b cd' }],
    [`A=b"c"\n`, { A: 'b"c"' }],
    ['A="b\nc"\n', { A: 'b\nc' }],
    ['A=b\\\nc\nB=\n', { A: 'bc', B: '' }],
    [String.raw`A="\$x \q \""` + String.raw`${'\n'}B=a\ b\\`, { A: '$x \\q "', B: 'a b\\' }],
    ["A='$x \\' \n", { A: '$x \\' }],
    ['A=1\nA=2\n', { A: '2' }],
    ['A=http://x:1,y=http://z:2#c\n', { A: 'http://x:1,y=http://z:2#c' }],
  ])('is read as systemd reads it: %j', (text, variables) => {
    expect(Object.fromEntries(parseEnvironmentFile(text, 'file'))).toEqual(variables);
  });

  it.each([
    ['A=1\nexport B=2\n', 'file:2: "export B=2" is not an assignment'],
    ['A=1\nhello\n', 'file:2: "hello" is not an assignment'],
    ['A="b\n', 'file:1: "A="b" is not an assignment'],
    ['1A=b\n', 'file:1: "1A=b" is not an assignment'],
  ])('is refused where systemd would leave out a line: %j', (text, message) => {
    expect(() => parseEnvironmentFile(text, 'file')).toThrow(message);
  });
});

it.each([
  ['90', 90_000],
  ['1min 30s', 90_000],
  ['1min30s', 90_000],
  ['100ms', 100],
  ['1.5 s', 1500],
  ['2h', 7_200_000],
  ['0', 0],
  ['infinity', Number.POSITIVE_INFINITY],
])('reads the time span %s', (text, timeMs) => {
  expect(parseTimeSpan(text, 'here')).toBe(timeMs);
});

it.each(['', '-1', '5 parsecs', '1s,', 'x'])('refuses the time span "%s"', (text) => {
  expect(() => parseTimeSpan(text, 'here')).toThrow(`here: "${text}" is not a time span`);
});

it('counts starts within an interval that begins with the first', () => {
  let nowMs = 0;
  const { allows, reset } = createStartLimit(() => nowMs);
  const limits = { startLimitIntervalMs: 1000, startLimitBurst: 2 };
  expect([allows(limits), allows(limits), allows(limits)]).toEqual([true, true, false]);
  nowMs = 1000;
  expect(allows(limits)).toBe(false);
  nowMs = 1001;
  expect([allows(limits), allows(limits), allows(limits)]).toEqual([true, true, false]);
  reset();
  expect(allows(limits)).toBe(true);
  expect(Array.from({ length: 9 }, () => allows({ ...limits, startLimitIntervalMs: 0 }))).not.toContain(false);
});
