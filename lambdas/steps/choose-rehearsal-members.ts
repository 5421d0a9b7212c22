import { orderSources } from '../../core/backups/choose-source.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import { inspectionsWhereKnown } from '../../core/hosts/host-place.ts';
import { chooseRehearsalMembersInput, type RehearsalMembers } from '../../core/rehearsal/contracts.ts';
import { etcdStep } from '../step.ts';

/**
 * On whose hosts a backup may be rehearsed: those of members that are well, for one that is not has enough to do.
 * @throws PreconditionFailed where the one that was asked for is not; and as a backup of the cluster would be refused
 */
export const handler = etcdStep(
  chooseRehearsalMembersInput,
  async (etcd, { cluster, request }): Promise<RehearsalMembers> => {
    const well = orderSources(cluster, await etcd.observe(), 'Nothing is rehearsed');
    const members = well
      .filter(({ member }) => request.member === undefined || member === request.member)
      .map(({ member: name, leads }) => ({ name, leads }));
    const names = members.map(({ name }) => name);
    const inspections = inspectionsWhereKnown(cluster, names);
    if (inspections.length === 0) {
      throw new PreconditionFailed(
        `${request.member ?? 'No member with a host'} is well: it has to answer, to follow a leader and to be caught up. Then start again.`,
      );
    }
    return { members, inspections, summary: `Well: ${inspections.map(({ member }) => member).join(', ')}.` };
  },
);
