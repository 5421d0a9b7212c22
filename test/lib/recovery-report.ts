import { assessmentOf, MEMBERS, PLAN } from './recovery-scene.ts';
import { hostOf, inspectionOf } from './replacement-scene.ts';

/** What the report of a recovery in `recovery-scene.ts` tells, and what its steps are told of the hosts. */

/** What every report tells of its execution. */
export const REPORTED = {
  incident: 'quorum-lost',
  runbook: 'quorum-recovery',
  cluster: 'orders',
  reason: 'Two hosts are gone.',
  requestedBy: 'on-call',
  membersBefore: assessmentOf().members,
};
export const PLANNED = {
  ladder: PLAN.ladder,
  candidates: PLAN.candidates,
  backups: [],
  winner: PLAN.winner,
  loss: PLAN.loss,
  leftOut: [],
  plan: ['restore node1'],
  archives: { node3: ['/var/lib/etcd.old'] },
};
export const all = (result: unknown) =>
  MEMBERS.map((member) => ({ member, host: hostOf(member), result, error: '', problem: '' }));
export const INSPECTED = MEMBERS.map((member) => ({
  ...{ member, host: hostOf(member), error: '', problem: '' },
  result: inspectionOf(member, { mainPid: 0 }),
}));
