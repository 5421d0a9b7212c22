import { describeReading, nameOfGroup } from '../../core/space-reclaim/describe-store.ts';
import { formatBytes, sentence } from '../../core/text/format.ts';
import type { IncidentReport } from '../incident-report.ts';
import { type Html, html, NOTHING } from './html.ts';
import { table } from './values.ts';

/** What a space reclaim has found at its end; nothing of any other remediation. */
export function storeOf({ store }: IncidentReport): Html {
  if (store === null) return NOTHING;
  return html`<p class="words">${sentence(describeReading(store))}</p>${table(
    'By the prefix of its keys. Revisions are an estimate, from what each key says of itself.',
    ['Prefix', 'Keys', 'Size', 'Revisions', 'Size of these', 'Leases'],
    store.groups.map((group) => [
      html`<code>${nameOfGroup(group)}</code>`,
      html`${group.keys}`,
      html`${formatBytes(group.bytes)}`,
      html`${group.revisions}`,
      html`${formatBytes(group.revisionBytes)}`,
      html`${group.leases}`,
    ]),
  )}`;
}
