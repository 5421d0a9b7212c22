import { answeringIn, type ClusterView } from '../cluster/cluster-view.ts';
import type { Cluster } from '../cluster/clusters.ts';
import { votersOf } from '../cluster/configured-quorum.ts';
import type { KnownDefect } from '../cluster/known-defects.ts';
import { defectsOf, fixOf, isNewer, isOlderRelease, isSameRelease } from '../cluster/releases.ts';
import type { Warning } from './diagnosis.ts';

/** So many are said in words; the page has all of them. */
const TOLD = 3;
const PAGE = 'docs/known-defects.md has all of them.';
/** Older ones get no patches any more: https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3.4.md */
const OLDEST_WITH_PATCHES = '3.5';

/**
 * For each release that members run its known defects that an upgrade ends. What no patch of a minor release ends that is still cared for is left to
 * the page: such a warning would stay for ever.
 */
export function aboutDefects(cluster: Cluster, view: ClusterView): Warning[] {
  const byRelease = Map.groupBy(answeringIn(view), ({ version }) => version);
  const matters = mattersTo(cluster, view, [...byRelease.keys()]);
  return [...byRelease].flatMap(([release, members]): Warning[] => {
    const isOld = isOlderRelease(release, OLDEST_WITH_PATCHES);
    const found = defectsOf(release).filter(matters);
    const ended = found.filter((defect) => isOld || fixOf(defect, release) !== undefined);
    const names = members.map(({ name }) => name).join(', ');
    const warn = (what: string): Warning => {
      const message = `${names} ${members.length > 1 ? 'run' : 'runs'} etcd ${release}, in which ${what}`;
      return { kind: 'known-defect', message };
    };
    return [
      ...(ended.length === 0 ? [] : [warn(`${describe(ended)}. ${advice(ended, release)} ${PAGE}`)]),
      ...found
        .filter(({ onlyWith }) => onlyWith === 'upgrade')
        .map(({ what, source, meanwhile }) => warn(`${what} (${source}). ${meanwhile}`)),
    ];
  });
}

/** Whether a defect can matter to this cluster. */
function mattersTo(cluster: Cluster, view: ClusterView, releases: readonly string[]) {
  const answering = answeringIn(view);
  const has: Record<NonNullable<KnownDefect['onlyWith']>, boolean> = {
    auth: cluster.auth !== undefined,
    learner: cluster.members.some(({ learner }) => learner) || answering.some(({ isLearner }) => isLearner),
    'one voter': votersOf(cluster).length === 1,
    'untrusted clients': false,
    upgrade: releases.some((one) => releases.some((other) => !isSameRelease(one, other))),
  };
  return ({ onlyWith }: KnownDefect) => onlyWith === undefined || has[onlyWith];
}

function describe(defects: readonly KnownDefect[]): string {
  const told = defects.slice(0, TOLD).map(({ what, source }) => `${what} (${source})`);
  const more = defects.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** The patch that ends all of them, which is the last that ends one; or that it takes more than a patch. */
function advice(defects: readonly KnownDefect[], release: string): string {
  const fixes = defects.flatMap((defect) => fixOf(defect, release) ?? []);
  if (fixes.length < defects.length) return 'It gets no patches any more: upgrade to a newer minor release.';
  const last = fixes.reduce((newest, fix) => (isNewer(fix, newest) ? fix : newest));
  return `Upgrade: ${last} ends ${defects.length > 1 ? 'all of them' : 'it'}.`;
}
