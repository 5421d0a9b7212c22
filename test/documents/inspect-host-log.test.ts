import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inspect, parametersFor } from './inspected-host.ts';
import { PreparedHost } from './prepared-host.ts';
import { runCommand } from './script.ts';

describe('inspect-host reads the log', () => {
  it('and keeps what was said of certificates a moment ago, however much was said since', async () => {
    using host = new PreparedHost();
    const line = (time: string, error: string, msg = 'rejected connection on peer endpoint') =>
      `{"level":"warn","ts":"2026-11-${time}.645276Z","msg":"${msg}","error":"${error}"}`;
    const expired = line('28T00:00:31', 'remote error: tls: expired certificate', 'prober detected unhealthy status');
    const flood = Array.from({ length: 300 }, () => line('28T00:01:10', 'remote error: tls: bad certificate'));
    const late = line('27T23:59:11', 'x509: certificate is valid for 10.9.9.9, not 10.0.0.3');
    const over = [
      line('27T23:59:09', 'x509: certificate signed by unknown authority'),
      line(
        '26T00:01:00',
        'x509: certificate has expired or is not yet valid: current time 2026-11-26T00:01:00Z is after 2026',
      ),
    ];
    const ofClient = line(
      '28T00:01:00',
      'remote error: tls: unknown certificate',
      'rejected connection on client endpoint',
    );
    host.setLog(`${[...over, late, expired, ...flood, expired, ofClient, ...flood].join('\n')}\n`);
    expect((await inspect(host)).log).toEqual([late, expired, ...flood.slice(-20)]);
  });

  it('whatever bytes are in it', async () => {
    using host = new PreparedHost();
    const lines = [
      '{"level":"warn","msg":"a \\"b\\""}',
      'tab\there',
      "it's $HOME `id`",
      'bell \u0007, escape \u001b[31m',
      'Grüße, 数据 🦀',
      '',
    ];
    host.setLog(
      Buffer.concat([
        Buffer.from(lines.join('\n')),
        Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x7a, 0x0a]),
      ]),
    );
    const { log } = await inspect(host);
    expect(log.slice(0, 5)).toEqual(lines.slice(0, 5));
    expect(log[5]).toMatch(/^a\ufffd+\(\ufffd+z$/);
    expect(log).toHaveLength(6);
  });

  it('to twenty lines of 400 characters', async () => {
    using host = new PreparedHost();
    host.setLog(Array.from({ length: 30 }, (_, index) => `${index} ${'x'.repeat(1000)}\n`).join(''));
    const { log } = await inspect(host);
    expect(log).toHaveLength(20);
    expect(log.at(-1)).toBe(`29 ${'x'.repeat(397)}`);
  });

  it('within what SSM returns, the newest lines first of all', async () => {
    using host = new PreparedHost();
    host.setLog(Array.from({ length: 20 }, (_, index) => `${index} ${'\u0001'.repeat(399)}\n`).join(''));
    for (let index = 0; index < 60; index++) mkdirSync(host.path(`data.${String(index).padStart(80, '0')}`));
    const names = Array.from({ length: 150 }, (_, index) => `m${index}=http://10.0.0.${index}:2380`).join(',');
    host.write('etcd.conf', `ETCD_INITIAL_CLUSTER=${names}\n`);
    host.setProperties({ EnvironmentFiles: `${host.path('etcd.conf')} (ignore_errors=no)` });
    const { line } = await runCommand(host.access, 'inspect-host', parametersFor(host));
    expect(line.length).toBeLessThan(20_000);
    const { log, configuration } = await inspect(host);
    expect(log.at(-1)).toMatch(/^19 /);
    expect(configuration.initialCluster).toBe(names);
  });
});
