import { describe, expect, it } from 'vitest';
import { ExecutionError } from '../../local/asl/errors.ts';
import { amazonQNotification } from './published-schemas.ts';
import { handedOn, handedOnWith, PREFIX } from './sent-pages.ts';

describe('an alarm', () => {
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html */
  const alarm = (NewStateValue: string, OldStateValue: string) => ({
    Subject: `${NewStateValue}: "etcd-remediation/orders/quorum-lost" in EU (Ireland)`,
    Message: JSON.stringify({
      AlarmName: 'etcd-remediation/orders/quorum-lost',
      AlarmDescription: 'The etcd cluster orders has no quorum. What to do: docs/runbooks.md#alarm-quorum-lost',
      AWSAccountId: '123456789012',
      ...{ NewStateValue, OldStateValue },
      NewStateReason: 'Threshold Crossed: 3 datapoints [0.0, 0.0, 0.0] were less than the threshold (1.0).',
      StateChangeTime: '2026-11-29T07:53:08.000+0000',
      Region: 'EU (Ireland)',
      AlarmArn: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:etcd-remediation/orders/quorum-lost',
      Trigger: { MetricName: 'HasLeader', Dimensions: [{ name: 'cluster', value: 'orders' }] },
    }),
  });
  /** https://docs.aws.amazon.com/cli/latest/reference/cloudwatch/describe-alarm-history.html */
  const historyOf = (before: string) => {
    const change = (from: string, to: string) => ({
      AlarmName: 'etcd-remediation/orders/quorum-lost',
      HistoryItemType: 'StateUpdate',
      HistorySummary: `Alarm updated from ${from} to ${to}`,
      HistoryData: JSON.stringify({ version: '1.0', oldState: { stateValue: from }, newState: { stateValue: to } }),
    });
    return { AlarmHistoryItems: [change('INSUFFICIENT_DATA', 'OK'), change(before, 'INSUFFICIENT_DATA')] };
  };
  const ADDRESS =
    'Alarm: https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/etcd-remediation%2Forders%2Fquorum-lost';

  it('that is raised is told in words, in its thread, and where to look', async () => {
    const page = await handedOn(alarm('ALARM', 'OK'));
    expect(page?.message).toBe(
      [
        'The etcd cluster orders has no quorum. What to do: docs/runbooks.md#alarm-quorum-lost',
        'Seen: Threshold Crossed: 3 datapoints [0.0, 0.0, 0.0] were less than the threshold (1.0).',
        `Look: npx --no etcd-remediation clusters --prefix ${PREFIX}`,
        ADDRESS,
      ].join('\n\n'),
    );
    expect(amazonQNotification.parse(JSON.parse(page?.chat ?? ''))).toMatchObject({
      content: { title: 'ALARM: "etcd-remediation/orders/quorum-lost" in EU (Ireland)', keywords: ['orders'] },
      metadata: { threadId: 'etcd-remediation/orders/quorum-lost' },
    });
  });

  it('that is over is told where it was raised before, and else not', async () => {
    const page = await handedOn(alarm('OK', 'ALARM'));
    expect(page?.subject).toBe('RESOLVED: "etcd-remediation/orders/quorum-lost" in EU (Ireland)');
    expect(page?.message).toMatch(/^The alarm is over: Threshold Crossed: .*\n\nAlarm: https:/);
    expect(await handedOnWith([historyOf('OK')], alarm('OK', 'INSUFFICIENT_DATA'))).toBeUndefined();
  });

  it('that is over is told where it was raised before it was out of sight', async () => {
    const away = alarm('OK', 'INSUFFICIENT_DATA');
    const page = await handedOnWith([historyOf('ALARM')], away);
    expect(page?.subject).toBe('RESOLVED: "etcd-remediation/orders/quorum-lost" in EU (Ireland)');
    expect(page?.message).toMatch(/^The alarm is over: Threshold Crossed: /);
    // The newest time counts.
    const twice = {
      AlarmHistoryItems: [...historyOf('OK').AlarmHistoryItems, ...historyOf('ALARM').AlarmHistoryItems],
    };
    expect(await handedOnWith([twice], away)).toBeUndefined();
    expect(await handedOnWith([{ AlarmHistoryItems: [] }], away)).toBeUndefined();
    // That it was never raised is not known.
    expect((await handedOnWith([new ExecutionError('CloudWatch.CloudWatchException', 'no')], away))?.subject).toMatch(
      /^RESOLVED: /,
    );
  });

  it('that is over is asked for each by itself', async () => {
    const [orders, billing] = ['orders', 'billing'].map((cluster) => {
      const { Subject, Message } = alarm('OK', 'INSUFFICIENT_DATA');
      return { Subject: Subject.replace('orders', cluster), Message: Message.replaceAll('orders', cluster) };
    }) as [Record<'Subject' | 'Message', string>, Record<'Subject' | 'Message', string>];
    const page = await handedOnWith([historyOf('OK'), historyOf('ALARM')], orders, billing);
    expect(page?.subject).toBe('RESOLVED: "etcd-remediation/billing/quorum-lost" in EU (Ireland)');
    const both = await handedOnWith([historyOf('ALARM'), historyOf('ALARM')], orders, billing);
    expect(both?.subject).toMatch(/^2 pages: RESOLVED: .*orders.*; RESOLVED: /);
  });

  it('whose news is none takes no place beside others', async () => {
    const page = await handedOnWith([historyOf('OK')], alarm('OK', 'INSUFFICIENT_DATA'), {
      Subject: 'By hand',
      Message: '{"event_action" is no JSON}',
    });
    expect(page).toMatchObject({ subject: 'By hand', message: '{"event_action" is no JSON}' });
  });
});
