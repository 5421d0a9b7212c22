import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFiles } from '../../cli/files.ts';
import { requireNamedMember } from '../../core/cluster/named-member.ts';
import { failureOf } from '../core/observations.ts';
import { LAYOUT } from '../lib/stacks.ts';

const MEMBER = { name: 'm1', clientUrl: 'http://127.0.0.1:1', peerUrl: 'http://127.0.0.1:2', host: 'bank-1' };
const CLUSTERS = {
  clusters: [
    { name: 'bank', members: [MEMBER], quotaBackendBytes: 1, layout: LAYOUT, spareHosts: [] },
    { name: 'other', members: [{ ...MEMBER, host: 'other-1' }], quotaBackendBytes: 1, layout: LAYOUT },
  ],
};
const ACCESS = { exec: ['sh'] };

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'files-test-'));
  await writeFile(join(directory, 'clusters.json'), JSON.stringify(CLUSTERS));
});
afterAll(() => rm(directory, { recursive: true }));

async function read(hosts: object | string) {
  const path = join(directory, 'hosts.json');
  await writeFile(path, typeof hosts === 'string' ? hosts : JSON.stringify(hosts));
  return readFiles({ config: join(directory, 'clusters.json'), hosts: path });
}

describe('a host in hosts.json', () => {
  it('is taken where any cluster of the configuration names it', async () => {
    expect(Object.keys((await read({ 'bank-1': ACCESS, 'other-1': ACCESS })).hosts)).toEqual(['bank-1', 'other-1']);
  });

  it('is refused where it is there twice, however it is written: only one would count', async () => {
    const [access, escaped] = [JSON.stringify(ACCESS), '"bank\\u002d1"'];
    await expect(read(`{"bank-1": ${access}, "other-1": ${access}, ${escaped}: ${access}}`)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(
        /hosts\.json has 1 problem; nothing was touched\.\n- bank-1: is there more than once/,
      ),
    });
  });

  it('is refused at once where none does, with those that there are', async () => {
    await expect(read({ bank1: ACCESS, 'other-1': ACCESS })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(
        /hosts\.json says how "bank1" is reached, and .*clusters\.json names no such "host"; it names bank-1, other-1\./,
      ),
    });
  });
});

describe('a member that a start names', () => {
  const cluster = { name: 'bank', members: [MEMBER], quotaBackendBytes: 1 };

  it('is one of the cluster, or none', () => {
    for (const request of [{ member: 'm1' }, { member: '' }, {}]) {
      expect(() => requireNamedMember(cluster, request)).not.toThrow();
    }
  });

  it('is refused where nobody is called so', () => {
    expect(failureOf(() => requireNamedMember(cluster, { member: 'm9' }))).toMatchObject({
      name: 'InvalidInput',
      message: 'The cluster bank has no member "m9"; it has m1. Nothing was touched.',
    });
  });
});
