import { assessMembersInput } from '../../core/contracts/membership.ts';
import { assessMembers } from '../../core/decisions/member-assessment.ts';
import { scopeOf } from '../../core/decisions/replacement-scope.ts';
import { etcdStep } from '../step.ts';

/** One reading of every member: who has failed, and is the cluster well without them? */
export const handler = etcdStep(
  assessMembersInput,
  async (etcd, input) => assessMembers(await etcd.observe(), input),
  (input) => ({ ...input.cluster, members: scopeOf(input).observed }),
);
