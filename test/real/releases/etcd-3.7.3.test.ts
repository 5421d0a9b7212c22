import { describe, it } from 'vitest';
import { hostedStage } from '../../scenes/hosted-scene.ts';
import { recoversQuorum, resetsTokens, startsAllAgain } from '../../scenes/remediations.ts';
import { sameStage } from '../../scenes/same-stage.ts';

/** What test/runbooks/ does not do on this release for every change. */
describe('etcd 3.7.3', () => {
  const etcd = '3.7.3';
  const take = sameStage(hostedStage);
  it('is started again where all of it was killed', ({ skip }) => startsAllAgain({ etcd }, { skip, take }));
  it('is restored from one member where the others have lost their data', ({ skip }) =>
    recoversQuorum({ etcd }, { skip, take }));
  it('takes tokens again', ({ skip }) => resetsTokens({ etcd }, { skip, take }));
});
