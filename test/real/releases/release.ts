import { describe, it } from 'vitest';
import {
  reclaimsSpace,
  recoversQuorum,
  replacesMember,
  resetsTokens,
  startsAllAgain,
} from '../../scenes/remediations.ts';

/** Each runbook, on one release of etcd. On 3.5.16, and two of them on 3.7.3, the fast tests let them run. */
export function remediatesOn(etcd: string): void {
  describe(`etcd ${etcd}`, () => {
    it('takes writes again where its store was full', (test) => reclaimsSpace({ etcd }, test));
    it('has a failed member replaced', (test) => replacesMember({ etcd }, test));
    it('is started again where all of it was killed', (test) => startsAllAgain({ etcd }, test));
    it('is restored from one member where the others have lost their data', (test) => recoversQuorum({ etcd }, test));
    it('takes tokens again', (test) => resetsTokens({ etcd }, test));
  });
}
