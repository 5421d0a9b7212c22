import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { memberUrl } from '../../../core/cluster/member-url.ts';
import { findEtcd } from '../../../local/etcd/binaries.ts';
import { REFUSED, TAKEN } from '../../core/cluster/member-urls.ts';

/** Reads its flags, and ends before it starts anything. */
function takes(etcd: string, url: string): boolean {
  const flags = ['initial-advertise-peer-urls', 'advertise-client-urls'].map((flag) => `--${flag}=${url}`);
  return spawnSync(etcd, [...flags, '--version'], { timeout: 10_000 }).status === 0;
}

describe.each(['3.4.23', '3.5.30'])('etcd %s', (version) => {
  it('takes what the configuration takes as the URL of a member', async () => {
    const { etcd } = await findEtcd(version);
    expect(TAKEN.filter((url) => !takes(etcd, url))).toEqual([]);
  });

  it('refuses much that a browser takes, and the configuration does not either', async () => {
    const { etcd } = await findEtcd(version);
    // No argument can hold that character.
    const urls = REFUSED.map(([url]) => url).filter((url) => !url.includes('\0'));
    const refused = urls.filter((url) => URL.canParse(url) && !takes(etcd, url));
    expect(refused).toEqual(
      expect.arrayContaining(['https://node1:2379/', 'http:node1:2379', 'http://node%31:2379', 'https://node1']),
    );
    expect(refused.filter((url) => memberUrl.safeParse(url).success)).toEqual([]);
  });
});
