import { PreconditionFailed } from '../errors.ts';
import type { Observation } from './observation.ts';

/**
 * What an enabled downgrade means; undefined without one. No new member can join meanwhile, of the old release or of the new
 * one: it is added, and ends at its start (measured on 3.7.3). Members report a downgrade since 3.6.
 */
export function describeDowngrade({ members }: Pick<Observation, 'members'>): string | undefined {
  const telling = members.filter((member) => member.answering && member.downgradeTo !== '');
  const [first] = telling;
  if (!first?.answering) return undefined;
  return (
    `A downgrade to etcd ${first.downgradeTo} is enabled (${telling.map(({ name }) => name).join(', ')}), and meanwhile etcd lets no new member in: one ` +
    'that fails cannot be replaced. Finish the downgrade, or end it: "etcdctl downgrade cancel".'
  );
}

/**
 * Before a member leaves the list, for no other could take its place; and before one is added that would end at its start.
 * @param removed the member that has left the list already, if one has
 * @throws PreconditionFailed
 */
export function refuseDowngrade(observation: Pick<Observation, 'members'>, removed?: string): void {
  const problem = describeDowngrade(observation);
  if (problem === undefined) return;
  const state = removed
    ? `Then start again: ${removed} was removed from etcd and is not back.`
    : 'Then start again; or bring the old member back. No member was removed.';
  throw new PreconditionFailed(`${problem} ${state}`);
}
