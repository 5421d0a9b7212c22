import { describe, it } from 'vitest';
import {
  reclaimsSpace,
  refusesToRestore,
  replacesMember,
  resetsTokens,
  startsAllAgain,
} from '../../scenes/remediations.ts';

/** One member of three is upgraded, and two of three. */
describe.each([
  { etcd: '3.5.35', upgraded: { members: ['m1'], etcd: '3.6.16' } },
  { etcd: '3.6.16', upgraded: { members: ['m1', 'm3'], etcd: '3.7.3' } },
])('etcd $etcd, of which $upgraded.members run $upgraded.etcd,', (releases) => {
  it('takes writes again where its store was full', (test) => reclaimsSpace(releases, test));
  it('has a failed member replaced by one of its own release', (test) => replacesMember(releases, test));
  it('is started again where all of it was killed', (test) => startsAllAgain(releases, test));
  it('is restored by neither release where data is lost: nothing is changed', (test) =>
    refusesToRestore(releases, test));
  it('takes tokens again', (test) => resetsTokens(releases, test));
});
