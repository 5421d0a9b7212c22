import { describe, it } from 'vitest';
import { hostedStage } from '../../scenes/hosted-scene.ts';
import {
  reclaimsSpace,
  recoversQuorum,
  replacesMember,
  resetsTokens,
  startsAllAgain,
} from '../../scenes/remediations.ts';
import { sameStage } from '../../scenes/same-stage.ts';

/** Each runbook, on one release of etcd. On 3.5.16, and two of them on 3.7.3, the fast tests let them run. */
export function remediatesOn(etcd: string): void {
  describe(`etcd ${etcd}`, () => {
    // One cluster goes through all that happens without authentication. A member that joined after its store was full would replay what filled it.
    const take = sameStage(hostedStage);
    it('has a failed member replaced', ({ skip }) => replacesMember({ etcd }, { skip, take }));
    it('takes writes again where its store was full', ({ skip }) => reclaimsSpace({ etcd }, { skip, take }));
    it('is started again where all of it was killed', ({ skip }) => startsAllAgain({ etcd }, { skip, take }));
    it('is restored from one member where the others have lost their data', ({ skip }) =>
      recoversQuorum({ etcd }, { skip, take }));
    it('takes tokens again', ({ skip }) => resetsTokens({ etcd }, { skip, take }));
  });
}
