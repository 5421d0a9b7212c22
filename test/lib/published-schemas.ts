import * as z from 'zod';

/** What chat and incident tools take, as they publish it, and no field besides: a misspelt one is passed over in silence there. */

/**
 * The event schema, with the limits of its parameters.
 * https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
 */
export const amazonQNotification = z.strictObject({
  version: z.literal('1.0'),
  source: z.literal('custom'),
  id: z.string().optional(),
  content: z.strictObject({
    textType: z.literal('client-markdown').optional(),
    title: z.string().max(250).optional(),
    description: z.string().min(1).max(8_000),
    nextSteps: z.array(z.string().max(350)).optional(),
    keywords: z.array(z.string().max(75)).optional(),
  }),
  metadata: z
    .strictObject({
      threadId: z.string().optional(),
      summary: z.string().optional(),
      eventType: z.string().optional(),
      relatedResources: z.array(z.string()).optional(),
      additionalContext: z.record(z.string(), z.string()).optional(),
      enableCustomActions: z.boolean().optional(),
    })
    .optional(),
});

/**
 * https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json, with the lengths of
 * https://developer.pagerduty.com/docs/send-alert-event. An API destination takes up to 64 KB.
 */
export const pagerDutyEvent = z
  .strictObject({
    routing_key: z.string().length(32),
    event_action: z.enum(['trigger', 'acknowledge', 'resolve']),
    dedup_key: z.string().max(255).optional(),
    payload: z
      .strictObject({
        summary: z.string().min(1).max(1024),
        timestamp: z.iso.datetime({ offset: true }).optional(),
        severity: z.enum(['critical', 'warning', 'error', 'info']),
        source: z.string().min(1),
        component: z.string().optional(),
        group: z.string().optional(),
        class: z.string().optional(),
        custom_details: z.record(z.string(), z.unknown()).optional(),
      })
      .optional(),
    client: z.string().optional(),
    client_url: z.url().optional(),
    links: z.array(z.strictObject({ href: z.url(), text: z.string().optional() })).optional(),
    images: z.array(z.strictObject({ src: z.url(), href: z.url().optional(), alt: z.string().optional() })).optional(),
  })
  .refine(({ event_action, dedup_key }) => event_action === 'trigger' || dedup_key !== undefined)
  .refine((event) => Buffer.byteLength(JSON.stringify(event)) < 64_000);
