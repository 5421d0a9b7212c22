import type { MemberObservation } from './observation.ts';

const ANY =
  'Correct what is in between: its clientUrl in clusters.json, the name server, a firewall, or the certificates.';

/** By the reason of a silence: what to do about a member that its own host shows at work. */
const BY_REASON: Readonly<Record<string, string>> = {
  Deadline:
    'Something takes the connection there, and does not answer in time. Where that is etcd, wait, and look on its host at a defragmentation that is under ' +
    'way, at the load and at the disk; where a proxy is in between, lead its clientUrl past it.',
  ConnectTimeout:
    'No connection comes about from here: look at the security group or the firewall in between, and at the host in its clientUrl. Where its host is ' +
    'overloaded, wait.',
  Refused:
    'Correct the port or the host in its clientUrl in clusters.json, the name server, or a firewall that rejects connections.',
  NoLeader: 'It may have had no leader at that moment only: start again.',
};

/** What keeps us from a member that is at work. */
export function whatToCorrect(seen: MemberObservation): string {
  if (seen.answering) return ANY;
  if (seen.silence === 'refused') return 'Correct the certificate or the login, as is said there.';
  return BY_REASON[seen.reason ?? ''] ?? ANY;
}

/** Whether it has been reached and only does not answer in time: it may be at work, and be back soon. */
export function isSlow(seen: MemberObservation): boolean {
  return !seen.answering && seen.reason === 'Deadline';
}
