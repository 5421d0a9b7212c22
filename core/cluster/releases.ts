import { KNOWN_DEFECTS, type KnownDefect, type KnownDefectId } from './known-defects.ts';

/** What a release of etcd is known for. Releases are given as etcd reports them: `3.5.16`. */

function parse(release: string): [major: number, minor: number, patch: number] {
  const [major = 0, minor = 0, patch = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return [major, minor, patch];
}

/** By major and minor release, which is what a cluster's members have to have in common. */
export function isOlderRelease(release: string, than: string): boolean {
  const [[major, minor], [otherMajor, otherMinor]] = [parse(release), parse(than)];
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

export function isNewer(release: string, than: string): boolean {
  const [a, b] = [parse(release), parse(than)];
  const differing = a.findIndex((part, index) => part !== b[index]);
  return differing !== -1 && (a[differing] ?? 0) > (b[differing] ?? 0);
}

/** But for the patch: `3.5.16` and `3.5.30` are. */
export function isSameRelease(one: string, other: string): boolean {
  const [a, b] = [parse(one), parse(other)];
  return a[0] === b[0] && a[1] === b[1];
}

/**
 * A learner takes no part in votes until it is caught up, so it is the safe way in, where there are learners (since 3.4) and their
 * promotion is kept.
 */
export function isLearnerFirstRight(releases: readonly string[]): boolean {
  return releases
    .filter((release) => release !== '')
    .every((release) => {
      const [major, minor] = parse(release);
      return (major > 3 || (major === 3 && minor >= 4)) && !has('promotion-not-kept', release);
    });
}

/** The known defects that a release has. */
export function defectsOf(release: string): KnownDefect[] {
  return KNOWN_DEFECTS.filter((defect) => hasDefect(defect, release));
}

/** The patch of the same minor release that ends a defect; undefined where none does. */
export function fixOf({ affects }: KnownDefect, release: string): string | undefined {
  const [major, minor] = parse(release);
  const fixed = affects[`${major}.${minor}`]?.[1];
  return typeof fixed === 'number' ? `${major}.${minor}.${fixed}` : undefined;
}

function hasDefect({ affects }: KnownDefect, release: string): boolean {
  const [major, minor, patch] = parse(release);
  const range = affects[`${major}.${minor}`];
  if (!range) return false;
  const [first, fixed] = range;
  return patch >= first && (fixed === null || patch < fixed);
}

function has(id: KnownDefectId, release: string): boolean {
  return KNOWN_DEFECTS.some((defect) => defect.id === id && hasDefect(defect, release));
}

/** What to do about a learner whose promotion would be lost. */
export const WITHOUT_PROMOTION =
  'Upgrade etcd to 3.5.20 or later, and start again. Or stop its service, and start again: what is stopped is replaced, and is added as a voter.';

/**
 * 3.7 has none of the settings that are called experimental any more. In its configuration file it passes over them without a word, and as
 * variables it warns of them; as flags they end it (3.7.3; 3.6.16 still takes them).
 */
export function ignoresExperimental(release: string): boolean {
  return release !== '' && !isOlderRelease(release, '3.7');
}

/**
 * A member that joined through a snapshot of another one knows that authentication is enabled, and does not enable its tokens: it rejects
 * every one until it is restarted.
 */
export function forgetsToEnableTokens(release: string): boolean {
  return has('rejects-tokens-after-snapshot', release);
}
