import { describe, expect, it } from 'vitest';
import { comparableUrl, memberUrl } from '../../../core/cluster/member-url.ts';
import { TEXT_RULES } from '../../../core/text/text-rules.ts';
import { REFUSED, TAKEN } from './member-urls.ts';

describe("a member's URL", () => {
  it.each(TAKEN)('is taken: %s', (url) => {
    expect(memberUrl.parse(url)).toBe(url);
  });

  it.each(TAKEN)('that is taken is one host and one port to whoever connects, and fits into the scripts: %s', (url) => {
    const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(url);
    const isDefault = port === '';
    expect(`${protocol}//${hostname}:${isDefault ? (protocol === 'https:' ? 443 : 80) : port}`).toBe(
      url.includes('[') ? new URL(url).origin : url.toLowerCase(),
    );
    expect([pathname, search, hash, username, password]).toEqual(['/', '', '', '', '']);
    expect(url).toMatch(new RegExp(TEXT_RULES.peerUrls.pattern));
    expect(`node1=${url}`).toMatch(new RegExp(TEXT_RULES.initialCluster.pattern));
  });

  it.each(REFUSED)('is refused: %s', (url, problem) => {
    const { error } = memberUrl.safeParse(url);
    expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(problem)]);
    expect(comparableUrl(url)).toBeUndefined();
  });

  it.each([
    ['in capitals', 'https://NODE1:2379', 'https://node1:2379'],
    ['at the port of its scheme', 'https://node1:443', 'https://node1:443'],
    ['as an address that is shortened', 'https://[fd00:0:0::11]:2379', 'https://[fd00::11]:2379'],
  ])('is the same one %s', (_, url, same) => {
    expect(comparableUrl(url)).toBe(comparableUrl(same));
  });
});
