/**
 * Writes one line of JSON to the function's log, whose fields CloudWatch Logs Insights knows by their names. Node's console would put a time and a request
 * before it there.
 */
export function log(level: 'INFO' | 'WARN', message: string, fields: object): void {
  const line = { level, message, timestamp: new Date().toISOString(), service: 'etcd-remediation', ...fields };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
