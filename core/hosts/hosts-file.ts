/**
 * What is wrong with hosts.json itself: the embedded Run Command answers so, and the step that asks knows it, for it does not pass with time. What the way
 * to a host says begins in another way: with its exit status.
 */
export const WRONG_IN_HOSTS_FILE = /^(it is not|its "exec") in hosts\.json\b/;

export const NOT_LISTED = 'it is not in hosts.json';
/** What it leads to is no shell: before what it does instead. */
export const ITS_EXEC = 'its "exec" in hosts.json';

const MAX_NAMED = 20;

/** @param listed the hosts that are in the file */
export function describeNotListed(listed: readonly string[]): string {
  if (listed.length === 0) return `${NOT_LISTED}, which has no host: add it there, and give the file with --hosts FILE`;
  const more = listed.length > MAX_NAMED ? ` and ${listed.length - MAX_NAMED} more` : '';
  return `${NOT_LISTED}, which has ${listed.slice(0, MAX_NAMED).join(', ')}${more}: add it there`;
}
