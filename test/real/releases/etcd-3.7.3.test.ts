import { describe, it } from 'vitest';
import { recoversQuorum, resetsTokens, startsAllAgain } from '../../scenes/remediations.ts';

/** What test/runbooks/ does not do on this release for every change. */
describe('etcd 3.7.3', () => {
  const etcd = '3.7.3';
  it('is started again where all of it was killed', (test) => startsAllAgain({ etcd }, test));
  it('is restored from one member where the others have lost their data', (test) => recoversQuorum({ etcd }, test));
  it('takes tokens again', (test) => resetsTokens({ etcd }, test));
});
