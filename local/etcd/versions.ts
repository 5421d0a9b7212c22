/** Releases that are tested with, the preferred one of each minor first; `suite` is Debian's that offers it. */
const KNOWN_RELEASES: readonly { version: string; suite?: string }[] = [
  { version: '3.5.16', suite: 'trixie' },
  { version: '3.5.30', suite: 'sid' },
  { version: '3.5.35' },
  { version: '3.6.16' },
  { version: '3.7.3' },
  { version: '3.4.23', suite: 'bookworm' },
  { version: '3.3.25', suite: 'bullseye' },
];

/** Used when nobody asks for a version and the PATH has none. */
export const DEFAULT_VERSION = '3.5';

/** `3.5` and `3.5.16` both ask for 3.5.16; `3.5.1` does not. */
export function satisfies(version: string, request: string): boolean {
  return version === request || version.startsWith(`${request}.`);
}

/** Whether a text is a whole version. `3.6` stands for many, and `3.8.0-alpha.0` is not released. */
export function isRelease(text: string): boolean {
  return /^\d+\.\d+\.\d+$/.test(text);
}

/** The known version that best answers `request`. */
export function knownRelease(request: string): string | undefined {
  return KNOWN_RELEASES.find(({ version }) => satisfies(version, request))?.version;
}

/** The version that best answers `request`: a known one first, so that `3.5` means the same on every machine; then the newest. */
export function bestMatch(versions: readonly string[], request: string): string | undefined {
  const matching = versions.filter((version) => satisfies(version, request));
  const known = KNOWN_RELEASES.find(({ version }) => matching.includes(version));
  return known?.version ?? matching.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

/** Debian's suite that is known to offer `request`. */
export function knownSuite(request: string): string | undefined {
  const version = knownRelease(request);
  return KNOWN_RELEASES.find((release) => release.version === version)?.suite;
}

/** The suites in the order to ask them: those that are likely to offer `request` first, so that one index is usually enough. */
export function suitesInOrder(request: string): { likely: string; others: string[] } {
  const suites = KNOWN_RELEASES.flatMap(({ suite }) => suite ?? []);
  const likely = knownSuite(request) ?? 'sid';
  return { likely, others: suites.filter((suite) => suite !== likely) };
}
