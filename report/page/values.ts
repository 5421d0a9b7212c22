import { formatBytes } from '../../core/text/format.ts';
import { type Html, html } from './html.ts';

/**
 * A figure as a person reads it, with the figure itself beside it for a program.
 * @param name by which the figure is found in the page
 */
export function measure(name: string, value: number, unit: 'ms' | 'bytes' | 'count'): Html {
  const shown = unit === 'ms' ? span(value) : unit === 'bytes' ? formatBytes(value) : value.toLocaleString('en');
  return html`<data value="${value}" data-figure="${name}">${shown}</data>`;
}

/** `2026-11-29 03:40:02` */
export function moment(at: string): Html {
  return html`<time datetime="${at}">${at.slice(0, 19).replace('T', ' ')}</time>`;
}

/** `412 ms`, `3.2 s`, `4 min 12 s`, `3 h 5 min` */
function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What does not fit a phone can be moved sideways, also with the keyboard. */
export function table(caption: string, titles: readonly string[], rows: readonly (readonly Html[])[]): Html {
  return html`<div class="wide" tabindex="0" role="group" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${titles.map(
    (title) => html`<th scope="col">${title}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
