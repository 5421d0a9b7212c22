import { describe, expect, it } from 'vitest';
import { parseEnvironmentFile } from '../../../../local/hosts/service-manager/unit.ts';

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
