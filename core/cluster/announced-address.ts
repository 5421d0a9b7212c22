import type { ListedMember, SilentMember } from './observation.ts';

/** Silences at which the address may be wrong. One that is busy, or has no leader, has answered there. */
const MAY_BE_ELSEWHERE: readonly SilentMember['silence'][] = ['away', 'unreached', 'refused'];
const ONLY_FOR_ITSELF = /^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/;

/**
 * What etcd's list says of where clients reach a member that is not reached where clusters.json says, as a sentence behind another one. Empty
 * where it says the same, or nothing that would be of use here: a member may announce an address that only its own host has.
 */
export function announcedElsewhere({ endpoint, silence }: SilentMember, listed: ListedMember | undefined): string {
  if (!listed || !MAY_BE_ELSEWHERE.includes(silence)) return '';
  const own = new URL(endpoint);
  const urls = (listed.clientUrls ?? []).filter((url) => URL.canParse(url) && isForOthers(new URL(url), own));
  if (urls.length === 0 || urls.some((url) => new URL(url).origin === own.origin)) return '';
  return ` etcd lists ${urls.join(', ')} for ${listed.name}, and clusters.json says ${endpoint}: if that does not lead there, correct its clientUrl.`;
}

function isForOthers(announced: URL, own: URL): boolean {
  return !ONLY_FOR_ITSELF.test(announced.hostname) || announced.hostname === own.hostname;
}
