import { deployedName } from '../client/names.ts';
import { METRIC_NAMESPACE, METRICS, type Measurement, type MetricName } from '../core/cluster/metrics.ts';

/**
 * Writes each measurement to the function's log in one line, of which CloudWatch makes metrics. What Lambda puts before it does no harm.
 * @returns the lines
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function logMetrics(measurements: readonly Measurement[]): string[] {
  const lines = metricLines(measurements);
  for (const line of lines) console.log(line);
  return lines;
}

/** What CloudWatch reads in a log. */
export function metricLines(measurements: readonly Measurement[]): string[] {
  const timestamp = Date.now();
  return measurements.map((measurement) => JSON.stringify(documentOf(measurement, timestamp)));
}

/** A document has one value of each name, so what is of a member is in one of its own. */
function documentOf({ dimensions, values }: Measurement, Timestamp: number): object {
  const names = Object.keys(values) as MetricName[];
  const Metrics = names.map((Name) => ({ Name, Unit: METRICS[Name] }));
  const directive = { Namespace: deployedName(METRIC_NAMESPACE), Dimensions: [Object.keys(dimensions)], Metrics };
  return { _aws: { Timestamp, CloudWatchMetrics: [directive] }, ...dimensions, ...values };
}
