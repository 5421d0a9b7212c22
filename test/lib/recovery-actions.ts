import { failure } from './execute.ts';
import { actionOf, LED, memberOn, SERVICES } from './recovery-scene.ts';
import { inspectionOf } from './replacement-scene.ts';

/** What a recovery is told to do where members have their data. */

export const RESTART = actionOf('Restart', {
  summary: 'Two of three have their data.',
  commands: SERVICES('start-without-waiting', ['node1', 'node2']),
  mustStart: 2,
});
export const WAIT = actionOf('WaitForQuorum', { summary: 'They run.' });
/** An inspection that shows some members running. */
export const running =
  (...members: string[]) =>
  ({ host }: { host: string }) =>
    inspectionOf(memberOn(host), { mainPid: members.includes(memberOn(host)) ? 7 : 0 });
export const RESTARTED = { 'Choose recovery': RESTART, 'Wait for quorum': LED, 'Inspect hosts': running() };
export const LATE = failure('EtcdUnavailable', 'node2 does not answer.');
