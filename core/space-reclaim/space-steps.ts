import type { SpaceParameters } from './contracts.ts';

const defragmentationOf = (member: string) => `defragment ${member}, if it gains by it`;
const transferFrom = (member: string) =>
  `move leadership from ${member} to a voter that is done: requests that are under way may time out, after up to 7 s`;

/** The steps without the defragmentation of some members, and why. @param reasons by the member's name */
export function leaveAsTheyAre(steps: readonly string[], reasons: ReadonlyMap<string, string>): string[] {
  const names = [...reasons.keys()];
  return steps
    .filter((step) => !names.some((name) => step === transferFrom(name)))
    .map((step) => {
      const name = names.find((each) => step.startsWith(defragmentationOf(each)));
      return name === undefined ? step : `leave ${name} as it is: ${reasons.get(name)}`;
    });
}

/** What a space reclaim does, a line each, as things stand. */
export function describeSpaceSteps({
  compactRevision,
  order,
  leader,
  raisedBy,
  leadership,
}: {
  /** "0" where nothing is compacted. */
  compactRevision: string;
  /** Members in the order in which they are defragmented, the leader last. */
  order: readonly string[];
  leader: string;
  /** Whose NOSPACE is disarmed. */
  raisedBy: readonly string[];
  leadership: SpaceParameters['leadership'];
}): string[] {
  const isKept = (member: string) => member === leader && order.length > 1 && leadership === 'keep';
  return [
    ...(compactRevision === '0' ? [] : [`compact history to revision ${compactRevision}`]),
    ...order.flatMap((member) => [
      ...(member === leader && order.length > 1 && leadership === 'move' ? [transferFrom(member)] : []),
      `${defragmentationOf(member)}${isKept(member) ? '; it goes on leading, and its own clients wait meanwhile' : ''}`,
    ]),
    ...(raisedBy.length === 0 ? [] : [`disarm NOSPACE of ${raisedBy.join(', ')}, once every member is small enough`]),
    'write a key through each member, and delete it',
  ];
}
