import { describe, expect, it } from 'vitest';
import { describeReport, type RunReport, shortSummary } from '../../cli/report.ts';

const LOSS = { keptRevision: '42', atMostWrites: 7, explanation: 'At most 7 writes are lost.' };
const WINNER = {
  member: 'm1',
  source: 'replay',
  revision: '42',
  totalKeys: 12,
  sizeBytes: 2048,
  note: '',
} as const;

describe('the plan of a dry run', () => {
  it('of quorum-lost names the candidates, the loss, who is left out, and each step', () => {
    const report: RunReport = {
      outcome: 'Planned',
      summary: 'No leader.',
      candidates: [WINNER, { ...WINNER, member: 'm2', source: 'raw', revision: '40', note: 'its log is damaged' }],
      backups: [
        {
          ...{ name: 'orders-1', takenAt: '', revision: '30', etcdVersion: '3.5.30', givenUp: '12' },
          obstacle: 'm1 holds revision 42',
        },
      ],
      ladder: [
        { rung: 'restart', serves: false, why: 'Only 1 of 3 voters has data.' },
        { rung: 'replay', serves: true, why: 'the newest' },
      ],
      winner: WINNER,
      loss: LOSS,
      leftOut: [{ member: 'm3', problem: 'not reached:\n- no answer' }],
      plan: ['restore it', 'start all'],
    };
    expect(describeReport(report)).toEqual([
      '  Restart: Only 1 of 3 voters has data.',
      '  What could be restored, best first:',
      '    m1: replay, revision 42, 12 keys, 2.0 KiB',
      '    m2: raw, revision 40, 12 keys, 2.0 KiB (its log is damaged)',
      '  Backups, the newest first:',
      '    orders-1 at revision 30: 12 writes would be given up with it: m1 holds revision 42',
      '  Loss: At most 7 writes are lost.',
      '  Left out:',
      '    m3: not reached: no answer',
      '  Plan:',
      '    restore it',
      '    start all',
    ]);
  });

  it('of auth-token-invalid names each step, and how it does not happen again', () => {
    const report: RunReport = {
      outcome: 'Planned',
      summary: 'm3 rejects every token.',
      ladder: [
        { rung: 'restart', serves: true, why: 'm3 can be restarted.' },
        { rung: 'toggle', serves: true, why: 'It enables the tokens of every member.' },
      ],
      plan: ['restart the service of m3', 'prove it'],
      advice: 'upgrade to 3.5.6.',
    };
    expect(describeReport(report)).toEqual([
      '  Restart: m3 can be restarted.',
      '  Plan:',
      '    restart the service of m3',
      '    prove it',
      '  So that it does not happen again: upgrade to 3.5.6.',
    ]);
  });

  it('of the other incidents names each step', () => {
    expect(describeReport({ outcome: 'Planned', summary: 'm3 is gone', plan: ['stop m3', 'remove m3'] })).toEqual([
      '  Plan:',
      '    stop m3',
      '    remove m3',
    ]);
    expect(describeReport({ outcome: 'Planned', summary: 'nothing to do', plan: [] })).toEqual([]);
  });
});

describe('what a run has done', () => {
  it('is told with what lies aside, and what is left to do', () => {
    const report: RunReport = {
      outcome: 'Remediated',
      summary: 'It was restored.',
      candidates: [WINNER],
      winner: WINNER,
      loss: LOSS,
      leftOut: [],
      plan: ['restore it'],
      archived: [
        { member: 'm1', dataDir: '/data.run-1', walDir: '' },
        { member: 'm2', dataDir: '', walDir: '' },
        { member: 'm3', dataDir: '/data.run-1', walDir: '/wal.run-1' },
      ],
      configured: ['i-1: /etc/etcd.yaml (as it was before: /etc/etcd.yaml.run-1)'],
      remaining: ['space-exceeded'],
      scratchLeft: 'm2: HostUnreachable\nno answer',
    };
    expect(describeReport(report)).toEqual([
      '  Restored: m1: replay, revision 42, 12 keys, 2.0 KiB',
      '  Loss: At most 7 writes are lost.',
      '  Moved aside, and kept:',
      '    m1: /data.run-1',
      '    m3: /data.run-1 and /wal.run-1',
      '  Rewritten configuration of etcd:',
      '    i-1: /etc/etcd.yaml (as it was before: /etc/etcd.yaml.run-1)',
      '  Still wrong:',
      '    space-exceeded: run this command with --incident space-exceeded next',
      '  Scratch folders are left, which hold copies of the data: m2: HostUnreachable. no answer',
    ]);
  });

  it('is told with how long authentication was disabled, and what became of the tokens', () => {
    const tokens = 'Every token issued before noon is invalid.';
    const report = { outcome: 'Remediated', summary: 'm3 takes tokens.', tokens, advice: 'upgrade.', remaining: [] };
    expect(describeReport({ ...report, window: { ms: 12 } })).toEqual([
      '  Authentication was disabled for 12 ms.',
      `  Tokens: ${tokens}`,
      '  So that it does not happen again: upgrade.',
    ]);
    expect(describeReport({ ...report, window: { ms: 0 } })).toHaveLength(3);
    expect(describeReport({ ...report, window: null, remaining: ['member-failed'] })).toEqual([
      `  Tokens: ${tokens}`,
      '  So that it does not happen again: upgrade.',
      '  Still wrong:',
      '    member-failed: run this command with --incident member-failed next',
    ]);
  });

  it('is told by its summary alone where nothing is left', () => {
    const nothing = { archived: [], remaining: [], scratchLeft: '' };
    expect(describeReport({ outcome: 'Remediated', summary: 'All is well.', ...nothing })).toEqual([]);
    expect(describeReport({ outcome: 'NothingToDo', summary: 'All is well.' })).toEqual([]);
  });
});

describe('the summary', () => {
  const summarize = (summary: string) => shortSummary({ outcome: 'Planned', summary, loss: LOSS });

  it('is one line, without the loss, which has its own', () => {
    expect(summarize(`No leader:\n- m1 is away. ${LOSS.explanation} m2 leads.`)).toBe(
      'No leader: m1 is away. m2 leads.',
    );
  });

  it('ends with a whole sentence where it is long', () => {
    const sentence = `No leader: ${'connection refused, '.repeat(9)}etc.`;
    expect(summarize(`${sentence} ${sentence} ${sentence}`)).toBe(`${sentence} ${sentence} …`);
    expect(summarize(`${sentence} ${'x'.repeat(600)}`)).toBe(`${sentence} …`);
  });

  it('is cut where its first sentence is too long', () => {
    expect(summarize('x'.repeat(401))).toBe(`${'x'.repeat(400)} …`);
    expect(summarize('x'.repeat(400))).toBe('x'.repeat(400));
  });
});
