const MAX_NAMED = 20;

/** How an answer begins about a host to which nobody has said the way: the embedded Run Command gives it, and the step that asks knows it. */
export const NOT_LISTED = 'is not in hosts.json';

/** @param listed the hosts that are in the file */
export function describeNotListed(listed: readonly string[]): string {
  if (listed.length === 0) return `${NOT_LISTED}, which has no host: give it with --hosts FILE`;
  const more = listed.length > MAX_NAMED ? ` and ${listed.length - MAX_NAMED} more` : '';
  return `${NOT_LISTED}, which has ${listed.slice(0, MAX_NAMED).join(', ')}${more}`;
}
