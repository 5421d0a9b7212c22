import { parseHTML } from 'linkedom/worker';
import { describe, expect, it } from 'vitest';
import { renderPage } from '../../report/page/page.ts';
import { EXAMPLE, SLICES } from './example.ts';

const PAGE = renderPage(EXAMPLE);
const { document } = parseHTML(PAGE);

function figures(name: string): string[] {
  return [...document.querySelectorAll(`[data-figure="${name}"]`)].map((each) => each.getAttribute('value') ?? '');
}

describe('the page of a report', () => {
  it('asks for nothing, runs nothing, and lets nothing that it shows do so', () => {
    expect([...document.querySelectorAll('script, link, img, iframe, object, form, base')]).toEqual([]);
    expect([...document.querySelectorAll('[src], [href], [onerror], [onload]')]).toEqual([]);
    expect(PAGE).not.toMatch(/url\(|@import/);
    const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content');
    expect(policy).toContain("default-src 'none'");
  });

  it('shows what a cluster or an error is called as text, and nothing that turns it round', () => {
    expect(document.querySelector('h1')?.textContent).toContain('<script>alert(1)</script>');
    expect(PAGE).not.toContain('\u202e');
  });

  it('begins with how it is now, and tells what was wrong in a place of its own, without the words of errors', () => {
    const summary =
      'm1 leads. Before: m2 does not answer: nothing listens. Seen: "connect ECONNREFUSED" (KV/range, gRPC code 14). m3 is away.';
    const [first] = EXAMPLE.runbooks;
    if (!first) throw new Error('The example has no runbook.');
    const page = parseHTML(renderPage({ ...EXAMPLE, summary, runbooks: [{ ...first, summary }] })).document;
    expect(page.querySelector('header p')?.textContent).toBe('m1 leads.');
    const sections = [...page.querySelectorAll('section')].map((each) => [
      each.querySelector('h2')?.textContent,
      each.querySelector('p')?.textContent,
    ]);
    expect(Object.fromEntries(sections)).toMatchObject({
      'What was wrong': 'm2 does not answer: nothing listens. m3 is away.',
      'What was done': expect.stringMatching(/ m1 leads\.$/),
    });
  });

  it('has the figures of the report beside what a person reads', () => {
    const { cost, sizes, raft, drill } = EXAMPLE;
    expect(figures('durationMs')).toEqual([String(cost.durationMs)]);
    expect(figures('stateTransitions')).toEqual([String(cost.stateTransitions)]);
    expect(figures('dbSizeBytes')).toEqual(sizes.map(({ dbSizeBytes }) => String(dbSizeBytes)));
    expect(figures('dbSizeInUseBytes')).toEqual(['1048576']);
    expect(figures('quotaBytes')).toEqual(['8388608']);
    expect(figures('appliedIndex')).toEqual(raft.map(({ appliedIndex }) => appliedIndex));
    expect(figures('maxWriteStallMs')).toEqual([String(drill?.maxWriteStallMs)]);
    for (const [kind, counts] of Object.entries(SLICES)) expect(figures(kind)).toEqual(counts.map(String));
  });

  it('can be read without seeing it: titles in order, tables with headings, and each picture with words and a table', () => {
    const levels = [...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => Number(tagName.slice(1)));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    for (const table of document.querySelectorAll('table')) {
      expect(table.querySelector('caption')?.textContent).not.toBe('');
      expect(table.querySelectorAll('thead th[scope=col]').length).toBeGreaterThan(1);
    }
    const pictures = [...document.querySelectorAll('svg')];
    expect(pictures).toHaveLength(4);
    for (const picture of pictures) {
      expect(picture.getAttribute('role')).toBe('img');
      expect(picture.getAttribute('aria-label')).toMatch(/\w/);
    }
    expect(document.querySelector('html')?.getAttribute('lang')).toBe('en');
  });

  it('draws only in colors of the page, which are others in the dark', () => {
    const painted = [...document.querySelectorAll('svg [fill], svg [stroke]')].flatMap((each) =>
      ['fill', 'stroke'].map((name) => each.getAttribute(name)).filter((color) => color !== null),
    );
    expect(painted.filter((color) => !/^(var\(--[\w-]+\)|currentColor|none)$/.test(color))).toEqual([]);
  });
});
