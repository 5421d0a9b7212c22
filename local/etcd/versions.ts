/** What Debian's suites are known to offer, the preferred version first: it tells which package index to read first. */
const KNOWN_OFFERS = [
  { version: '3.5.16', suite: 'trixie' },
  { version: '3.5.30', suite: 'sid' },
  { version: '3.4.23', suite: 'bookworm' },
  { version: '3.3.25', suite: 'bullseye' },
] as const;

/** Used when nobody asks for a version and the PATH has none. */
export const DEFAULT_VERSION = '3.5';

/** `3.5` and `3.5.16` both ask for 3.5.16; `3.5.1` does not. */
export function satisfies(version: string, request: string): boolean {
  return version === request || version.startsWith(`${request}.`);
}

/** The version that best answers `request`: a known one first, so that `3.5` means the same on every machine; then the newest. */
export function bestMatch(versions: readonly string[], request: string): string | undefined {
  const matching = versions.filter((version) => satisfies(version, request));
  const known = KNOWN_OFFERS.find((offer) => matching.includes(offer.version));
  return known?.version ?? matching.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

/** The suites in the order to ask them: those that are likely to offer `request` first, so that one index is usually enough. */
export function suitesInOrder(request: string): { likely: string; others: string[] } {
  const suites = KNOWN_OFFERS.map((offer) => offer.suite);
  const likely = KNOWN_OFFERS.find((offer) => satisfies(offer.version, request))?.suite ?? 'sid';
  return { likely, others: suites.filter((suite) => suite !== likely) };
}
