import * as z from 'zod';

/**
 * A page as alarms' listeners and programs get it: an event of PagerDuty's Events API v2, but for the key that says whose it is. Whoever is on call gets
 * its text.
 * https://developer.pagerduty.com/docs/send-alert-event
 */

/** What fits on a phone at a glance. */
export const MAX_PAGE_CHARS = 1_499;

/** What has happened, for programs that tell pages apart. */
const PAGE_KINDS = [
  'approval-wanted',
  'authentication-disabled',
  'cut-off',
  'failed',
  'not-begun',
  'not-started',
  'resolved',
] as const;
export type PageKind = (typeof PAGE_KINDS)[number];

export const pageEventSchema = z.strictObject({
  event_action: z.enum(['trigger', 'resolve']),
  /** What it is about: `etcd-remediation/eu-central-1/123456789012/orders`. One that resolves has the key of those that it resolves. */
  dedup_key: z.string().min(1).max(255),
  payload: z.strictObject({
    summary: z.string().min(1).max(1024),
    /** The cluster; the platform where none is known. */
    source: z.string().min(1),
    severity: z.enum(['critical', 'warning', 'info']),
    timestamp: z.iso.datetime(),
    component: z.literal('etcd'),
    class: z.enum(PAGE_KINDS),
    custom_details: z.strictObject({ text: z.string().min(1).max(MAX_PAGE_CHARS) }),
  }),
  links: z.array(z.strictObject({ href: z.url({ protocol: /^https$/ }), text: z.string().min(1) })),
  client: z.literal('etcd-remediation'),
});
export type PageEvent = z.output<typeof pageEventSchema>;
