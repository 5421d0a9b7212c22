/** A synthesized alarm of one metric, of which each minute is one point. */
export interface MetricAlarm {
  name: string;
  description: string;
  /** Topics that are told when it is raised. */
  actions: string[];
  /** Topics that are told when it is over. */
  okActions: string[];
  namespace: string;
  metricName: string;
  dimensions: Readonly<Record<string, string>>;
  statistic: 'Maximum' | 'Minimum';
  comparison: 'GreaterThanOrEqualToThreshold' | 'GreaterThanThreshold' | 'LessThanThreshold';
  threshold: number;
  evaluationPeriods: number;
  datapointsToAlarm: number;
  treatMissingData: 'missing' | 'ignore' | 'breaching' | 'notBreaching';
}

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

const WORDS: Readonly<Record<MetricAlarm['comparison'], string>> = {
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  GreaterThanThreshold: 'greater than',
  LessThanThreshold: 'less than',
};

/**
 * Which state an alarm is in after the last of these points. Points that are missing count only where fewer are there than have to be looked at.
 * @param points of the last minutes, oldest first, some more than the alarm has to look at; undefined where there is none
 * @param current in which it stays where too little is known
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function evaluate(
  alarm: MetricAlarm,
  points: readonly (number | undefined)[],
  current: AlarmState,
): { value: AlarmState; reason: string } {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData } = alarm;
  const present = points.filter((point) => point !== undefined).slice(-evaluationPeriods);
  const breaching = present.filter((point) => isBreaching(alarm, point)).length;
  const missing = evaluationPeriods - present.length;
  const counted = breaching + (treatMissingData === 'breaching' ? missing : 0);
  const evaluation = (value: AlarmState) => ({ value, reason: reasonOf(alarm, present, value) });
  if (counted >= datapointsToAlarm) return evaluation('ALARM');
  if (missing > 0 && treatMissingData === 'ignore') return evaluation(current);
  if (missing === 0 || treatMissingData !== 'missing') return evaluation('OK');
  if (present.length === 0) return evaluation('INSUFFICIENT_DATA');
  if (breaching < present.length) return evaluation('OK');
  // Nothing good was seen: it is raised once the oldest of what is bad is as old as the alarm wants bad points to be many.
  const age = points.length - points.findIndex((point) => point !== undefined);
  return evaluation(age >= datapointsToAlarm ? 'ALARM' : current);
}

function isBreaching({ comparison, threshold }: MetricAlarm, point: number): boolean {
  if (comparison === 'LessThanThreshold') return point < threshold;
  return comparison === 'GreaterThanThreshold' ? point > threshold : point >= threshold;
}

function reasonOf({ comparison, threshold }: MetricAlarm, present: readonly number[], value: AlarmState): string {
  if (present.length === 0) return 'Insufficient Data: no datapoints were received.';
  const not = value === 'OK' ? 'not ' : '';
  return `Threshold Crossed: of the last datapoints [${present.join(', ')}] enough were ${not}${WORDS[comparison]} the threshold (${threshold}).`;
}
