import type { QuorumParameters } from './contracts.ts';

/** Whether a recovery may do without a member whose host or data cannot be reached. */
export function mayLeaveOut({ acceptFewerMembers, leaveOutOnly }: QuorumParameters, member: string): boolean {
  return acceptFewerMembers && (leaveOutOnly?.includes(member) ?? true);
}

/** What to do about members that may not be left out, in the place of `and start again with parameters.acceptFewerMembers`. */
export function describeLeave({ acceptFewerMembers, leaveOutOnly = [] }: QuorumParameters): string {
  if (!acceptFewerMembers) return 'start again with parameters.acceptFewerMembers';
  const approved =
    leaveOutOnly.length > 0 ? `only ${leaveOutOnly.join(', ')} may be left out` : 'no member may be left out';
  return `start again for a new plan and a new approval: ${approved} by the last one`;
}
