import { describe, expect, it } from 'vitest';
import { KNOWN_DEFECTS, type KnownDefect } from '../../../core/cluster/known-defects.ts';
import { defectsOf, fixOf, isLearnerFirstRight } from '../../../core/cluster/releases.ts';
import { INCIDENTS } from '../../../core/runbooks.ts';

const defects: readonly KnownDefect[] = KNOWN_DEFECTS;
const idsOf = (release: string) => defectsOf(release).map(({ id }) => id);

describe('the known defects', () => {
  it('have names of their own, ranges that are not empty, and a page of etcd that says it', () => {
    expect(new Set(defects.map(({ id }) => id)).size).toBe(defects.length);
    for (const { id, affects, source, what, meanwhile, runbook } of defects) {
      expect(source, id).toMatch(
        /^https:\/\/github\.com\/etcd-io\/etcd\/(issues|pull)\/\d+$|\/security\/advisories\/GHSA-[\w-]+$/,
      );
      for (const [minor, [first, fixed]] of Object.entries(affects)) {
        expect(minor, id).toMatch(/^3\.[3-7]$/);
        if (fixed !== null) expect(fixed, id).toBeGreaterThan(first);
      }
      expect(what, id).toMatch(/^[^A-Z].*[^.]$/);
      for (const sentence of [meanwhile, runbook ?? '.']) expect(sentence, id).toMatch(/\.$/);
      for (const [word] of (runbook ?? '').matchAll(/\b(?:space|member|quorum|auth|data)-[a-z-]+/g)) {
        expect(INCIDENTS, id).toContain(word);
      }
    }
  });

  it.each([
    ['3.4.18', 'rejects-tokens-after-snapshot', true],
    ['3.4.19', 'rejects-tokens-after-snapshot', false],
    ['3.4.19', 'no-permissions-after-snapshot', false],
    ['3.4.20', 'no-permissions-after-snapshot', true],
    ['3.4.22', 'no-permissions-after-snapshot', false],
    ['3.5.0', 'promotion-not-kept', false],
    ['3.5.1', 'promotion-not-kept', true],
    ['3.5.19', 'promotion-not-kept', true],
    ['3.5.20', 'promotion-not-kept', false],
    ['3.5.2', 'data-differs-after-kill', true],
    ['3.5.3', 'data-differs-after-kill', false],
    ['3.5.2', 'panic-at-start-with-auth', false],
    ['3.5.3', 'panic-at-start-with-auth', true],
    ['3.5.4', 'panic-at-start-with-auth', false],
    ['3.6.4', 'defragmentation-meets-snapshot', true],
    ['3.6.5', 'defragmentation-meets-snapshot', false],
    ['3.5.35', 'transaction-reads-old-revision', true],
    ['3.6.16', 'transaction-reads-old-revision', true],
    ['3.7.0', 'transaction-reads-old-revision', false],
    ['3.7.3', 'experimental-settings-ignored', true],
    ['3.8.0', 'experimental-settings-ignored', false],
    ['3.4.43', 'read-by-nested-put', true],
    ['3.4.44', 'read-by-nested-put', false],
    ['3.5.29', 'read-by-nested-put', true],
    ['3.5.30', 'read-by-nested-put', false],
    ['3.6.10', 'read-by-nested-put', true],
    ['3.6.11', 'read-by-nested-put', false],
    ['3.7.0', 'read-by-nested-put', false],
    ['2.3.8', 'rejects-tokens-after-snapshot', false],
  ])('%s has %s: %s', (release, id, expected) => {
    expect(idsOf(release).includes(id)).toBe(expected);
  });

  it('are ended by a patch of the same minor release, or by none', () => {
    const fixes = (release: string) =>
      Object.fromEntries(defectsOf(release).map((defect) => [defect.id, fixOf(defect, release)]));
    expect(fixes('3.6.4')).toMatchObject({ 'defragmentation-meets-snapshot': '3.6.5', 'reads-are-stale': '3.6.9' });
    expect(fixes('3.6.16')).toEqual({ 'transaction-reads-old-revision': undefined });
    expect(fixes('3.7.3')).toEqual({ 'experimental-settings-ignored': undefined });
  });

  it('decide whether a learner is the way in', () => {
    expect(['3.5.0', '3.5.19', '3.5.20', '3.6.16'].map((release) => isLearnerFirstRight([release]))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});
