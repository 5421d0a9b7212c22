import { expect, it } from 'vitest';
import type { HostCommandName } from '../../../core/hosts/host-commands.ts';
import { summaryOnHost } from '../../../core/hosts/host-summaries.ts';

it.each<[HostCommandName, object, string]>([
  ['control-service', { activeState: 'inactive', subState: 'dead' }, 'inactive (dead)'],
  ['archive-data-dir', { dataDir: '', walDir: '' }, 'there was no data'],
  ['archive-data-dir', { dataDir: '/data.run', walDir: '' }, 'data moved aside to /data.run'],
  [
    'join-cluster',
    { file: '/etc/etcd.yaml', copy: '/etc/etcd.yaml.run', activeState: 'active', subState: 'running' },
    '/etc/etcd.yaml (as it was: /etc/etcd.yaml.run); active (running)',
  ],
  ['snapshot-data-dir', { method: 'replayed', revision: '42' }, 'replay, revision 42'],
  ['snapshot-data-dir', { method: 'none', problem: 'there is no data' }, 'there is no data'],
  [
    'rehearse-restore',
    { revision: '42', tookMs: { fetch: 300, restore: 900, start: 4000 } },
    'revision 42 served after 6 s',
  ],
  ['send-snapshot', { sizeBytes: 2048, etag: '"1"' }, '2.0 KiB sent'],
  ['restore-snapshot', { revision: '42', sizeBytes: 2048 }, '2.0 KiB, revision 42'],
  ['swap-data-dir', { dataDir: '', file: '/etc/etcd.yaml' }, 'stopped; there was nothing before'],
  ['swap-data-dir', { dataDir: '', file: '' }, 'stopped'],
  ['revert-data-dir', { reverted: true, setAside: '' }, 'data is in its place again'],
  ['mark-recovery', { discarded: true }, ''],
  [
    'control-service',
    { activeState: 'active', subState: 'running', removed: ['/tmp/x'] },
    'active (running); removed, left by a run that was killed: /tmp/x',
  ],
])('%s with %j on a host is "%s"', (command, result, summary) => {
  expect(summaryOnHost(command, result)).toBe(summary);
});
