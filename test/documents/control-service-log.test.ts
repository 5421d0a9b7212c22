import { describe, expect, it } from 'vitest';
import { writeLog } from './held-data.ts';
import { PreparedHost } from './prepared-host.ts';
import { onPrepared } from './recovery-host.ts';
import { refuse } from './script.ts';

describe('control-service tells of a log', () => {
  async function logTold(log: string[]): Promise<string[]> {
    using prepared = new PreparedHost();
    writeLog(prepared.path('data/member/wal'));
    prepared.setLog(log.map((line) => `${line}\n`).join(''));
    prepared.program('journalctl', `[ "$4" = 40 ] && tail -n 40 '${prepared.path('log')}'`);
    prepared.program(
      'systemctl',
      `case $1 in show) printf '%s\\n' LoadState=loaded ActiveState=failed SubState=failed ExecMainStatus=2 ;; esac`,
    );
    const { message } = await refuse(prepared.access, 'control-service', onPrepared(prepared, 'start'));
    const [, told = ''] = message.split('The end of its log:\n');
    return told.split('\n');
  }

  const info = (count: number) => `{"level":"info","msg":"line ${count} (of many)"}`;
  const infos = (count: number) => Array.from({ length: count }, (_, index) => info(index + 1));
  const STACK = [
    '',
    'goroutine 1 [running]:',
    'go.uber.org/zap/zapcore.(*CheckedEntry).Write(0xc0000e8480, {0xc0002e2000, 0x2, 0x2})',
    '\t/go/pkg/mod/go.uber.org/zap@v1.17.0/zapcore/entry.go:234 +0x499',
    'panic({0xcb2d20, 0xc0003a4010})',
    '\t/usr/local/go/src/runtime/panic.go:1038 +0x215',
    'main.main()',
    '\tgo.etcd.io/etcd/server/v3/main.go:32 +0x18',
    'created by go.etcd.io/etcd/server/v3/embed.StartEtcd',
    '\tgo.etcd.io/etcd/server/v3/embed/etcd.go:245 +0x9b5',
  ];

  it('first why a program has panicked, and nothing of its stack', async () => {
    const panic = 'panic: failed to recover v3 backend from snapshot (of many)';
    expect(await logTold([...infos(12), '{"level":"panic","msg":"failed"}', panic, ...STACK])).toEqual([
      panic,
      ...infos(12).slice(4),
      '{"level":"panic","msg":"failed"}',
    ]);
  });

  it('first the last that was fatal, where more was written after it', async () => {
    const fatal = '{"level":"fatal","msg":"discovery failed"}';
    const told = await logTold(['{"level":"error","msg":"before"}', fatal, ...infos(20)]);
    expect(told).toEqual([fatal, ...infos(20).slice(11)]);
  });

  it('that the reason is further up, where all of its end is a stack', async () => {
    expect(await logTold(STACK)).toEqual([expect.stringContaining('further up in its journal')]);
  });

  it('only its end, where nothing in it stands out', async () => {
    expect(await logTold([...infos(20), 'x'.repeat(500)])).toEqual([...infos(20).slice(11), 'x'.repeat(400)]);
    expect(await logTold(['cannot open data'])).toEqual(['cannot open data']);
  });
});
