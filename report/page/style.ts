/** Of the page: light and dark as the reader's machine is, and on paper. Without it, as some mail clients show it, the page is headings and tables. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #ffffff; --raised: #f5f6f8; --ink: #1b1f24; --faint: #57606a; --line: #d0d7de;
  --good: #1a7f37; --bad: #b3261e; --open: #9a6700; --link: #0b57d0;
  --one: #2f6fb3; --two: #b5651d; --three: #2b7a4b; --four: #8250a0; --five: #a33b62; --six: #5c6670; --seven: #8a6d00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14171a; --raised: #1e2328; --ink: #e4e8ec; --faint: #a2abb5; --line: #3a424b;
    --good: #56d27a; --bad: #ff8a80; --open: #e3b341; --link: #8ab4f8;
    --one: #6cb0f5; --two: #f0a35e; --three: #67c98d; --four: #c79bea; --five: #f08fb5; --six: #a9b4be; --seven: #e0c24a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p, li, td, dd { overflow-wrap: anywhere; }
a { color: var(--link); }
.outcome { display: inline-block; padding: .05rem .6rem; border: 2px solid currentColor; border-radius: 1rem; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.words { white-space: pre-wrap; }
.faint { color: var(--faint); }
.box { background: var(--raised); border-left: 4px solid var(--line); padding: .6rem .9rem; margin: .8rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .6rem 1rem; margin: 1rem 0; }
.facts div { background: var(--raised); padding: .5rem .7rem; border-radius: .3rem; }
.facts dt { color: var(--faint); font-size: .85rem; } .facts dd { margin: 0; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--faint); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
td > data, td > time { white-space: nowrap; font-variant-numeric: tabular-nums; }
code { font: .88em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--raised); padding: .1rem .3rem; border-radius: .2rem; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
.plot { --plot-background: var(--back); max-width: 100%; height: auto; font-family: inherit; }
.plot text { white-space: pre; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; margin: 0 0 .3rem; padding: 0; list-style: none; }
.key span { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; vertical-align: -.1rem; }
summary { cursor: pointer; color: var(--faint); font-size: .9rem; }
@media print {
  :root { --back: #fff; --raised: #f5f6f8; --ink: #000; --faint: #444; --line: #bbb; --good: #1a7f37; --bad: #b3261e; --open: #9a6700; --link: #000;
    --one: #2f6fb3; --two: #b5651d; --three: #2b7a4b; --four: #8250a0; --five: #a33b62; --six: #5c6670; --seven: #8a6d00; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  tr, figure, .box, .facts div { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .wide { overflow: visible; } details::details-content { content-visibility: visible; block-size: auto; } summary { display: none; }
}
`.trim();

/** What a plot paints with, by its place: each differs from the page it is on, light or dark. */
export const COLORS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'].map((name) => `var(--${name})`);
