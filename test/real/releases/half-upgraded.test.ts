import { describe, it } from 'vitest';
import { hostedStage } from '../../scenes/hosted-scene.ts';
import {
  reclaimsSpace,
  refusesToRestore,
  replacesMember,
  resetsTokens,
  startsAllAgain,
} from '../../scenes/remediations.ts';
import { sameStage } from '../../scenes/same-stage.ts';

/** One member of three is upgraded, and two of three. */
describe.each([
  { etcd: '3.5.35', upgraded: { members: ['m1'], etcd: '3.6.16' } },
  { etcd: '3.6.16', upgraded: { members: ['m1', 'm3'], etcd: '3.7.3' } },
])('etcd $etcd, of which $upgraded.members run $upgraded.etcd,', (releases) => {
  const take = sameStage(hostedStage);
  it('has a failed member replaced by one of its own release', ({ skip }) => replacesMember(releases, { skip, take }));
  it('takes writes again where its store was full', ({ skip }) => reclaimsSpace(releases, { skip, take }));
  it('is started again where all of it was killed', ({ skip }) => startsAllAgain(releases, { skip, take }));
  it('is restored by neither release where data is lost: nothing is changed', ({ skip }) =>
    refusesToRestore(releases, { skip, take }));
  it('takes tokens again', ({ skip }) => resetsTokens(releases, { skip, take }));
});
