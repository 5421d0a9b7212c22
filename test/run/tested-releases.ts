import { inject, it } from 'vitest';

/** `npm run test:full` goes through every release whose behaviour differs, `npm test` through an old and the newest one. */
const WANTED = process.env.TEST_WORLDS === 'all' ? ['3.4.23', '3.5.16', '3.5.30', '3.7.3'] : ['3.5.16', '3.7.3'];
const missing = inject('missingReleases');

/** What a test of something that touches etcd runs on. A file that asks for it has a skipped test for each release that cannot be had here. */
export const TESTED_RELEASES: readonly string[] = WANTED.filter((version) => missing[version] === undefined);

/** What a host script is tested with, to which a release of etcd is a program like another: `npm test` takes one of them. */
export const SCRIPTED_RELEASES = process.env.TEST_WORLDS === 'all' ? TESTED_RELEASES : TESTED_RELEASES.slice(0, 1);

for (const version of WANTED) {
  const why = missing[version];
  if (why !== undefined) it(`etcd ${version}`, ({ skip }) => skip(why));
}
