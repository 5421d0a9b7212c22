import { InvalidInput } from '../errors.ts';
import type { Cluster } from './clusters.ts';

/** That the member which a start names, if it names any, is one of the cluster's. @throws InvalidInput naming those that there are */
export function requireNamedMember({ name, members }: Cluster, request: object): void {
  const { member } = request as { member?: string };
  if (!member || members.some((each) => each.name === member)) return;
  throw new InvalidInput(
    `The cluster ${name} has no member "${member}"; it has ${members.map((each) => each.name).join(', ')}. Nothing was touched.`,
  );
}
