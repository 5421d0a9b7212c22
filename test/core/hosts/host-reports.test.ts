import { describe, expect, it } from 'vitest';
import { HostUnreachable, UnsafeToProceed } from '../../../core/errors.ts';
import { reportsOf } from '../../../core/hosts/host-reports.ts';

const SAID = () => 'done';
const at = (member: string) => ({ member, host: `i-${member}` });
/** What a host prints at most. */
const LARGEST = { log: ['x'.repeat(24_000)] };

describe('the reports of a phase', () => {
  it('are one for each host in the order of the commands; the first failure gives the name, and all are told', () => {
    const ends = [
      { ...at('m1'), end: { result: { moved: true } } },
      { ...at('m2'), end: { error: new UnsafeToProceed('Its data is newer.') } },
      { ...at('m3'), end: { error: new HostUnreachable('It is away.') } },
    ];
    expect(reportsOf(ends, () => 'moved')).toEqual({
      reports: [
        { ...at('m1'), result: { moved: true }, error: '', problem: '' },
        { ...at('m2'), result: null, error: 'UnsafeToProceed', problem: 'Its data is newer.' },
        { ...at('m3'), result: null, error: 'HostUnreachable', problem: 'It is away.' },
      ],
      failed: 'UnsafeToProceed',
      problems: 'm2: Its data is newer.\nm3: It is away.',
      lines: [
        { members: 'm1', summary: 'moved', failed: false },
        { members: 'm2', summary: 'UnsafeToProceed: Its data is newer.', failed: true },
        { members: 'm3', summary: 'HostUnreachable: It is away.', failed: true },
      ],
      summary: 'm1: moved\nm2: UnsafeToProceed: Its data is newer.\nm3: HostUnreachable: It is away.',
    });
  });

  it('are said once where they are alike, a problem by its first line', () => {
    const error = new UnsafeToProceed('It does not start:\npanic');
    const ends = [
      { ...at('m1'), end: { result: {} } },
      { ...at('m2'), end: { error } },
      { ...at('m3'), end: { result: {} } },
    ];
    expect(reportsOf(ends, SAID).summary).toBe('m1, m3: done\nm2: UnsafeToProceed: It does not start');
  });

  it('say of one that failed what it had changed before, as far as its script does', () => {
    const error = new UnsafeToProceed('It does not start.');
    expect(reportsOf([{ ...at('m1'), end: { error, done: { file: '/etc/etcd.yaml' } } }], SAID).reports).toEqual([
      { ...at('m1'), result: { file: '/etc/etcd.yaml' }, error: 'UnsafeToProceed', problem: 'It does not start.' },
    ]);
  });

  it('have problems short enough for all of them to fit into the cause of an execution', () => {
    const members = Array.from({ length: 7 }, (_, index) => `m${index}`);
    const { problems } = reportsOf(
      members.map((member) => ({ ...at(member), end: { error: new UnsafeToProceed('x'.repeat(30_000)) } })),
      SAID,
    );
    expect(problems.length).toBeGreaterThan(7 * 2_000);
    expect(problems.length).toBeLessThan(32_768 / 2);
  });

  it('of seven hosts that say all that a host can say are whole', () => {
    const members = Array.from({ length: 7 }, (_, index) => ({ ...at(`m${index}`), end: { result: LARGEST } }));
    expect(reportsOf(members, SAID).failed).toBe('');
  });

  it('of more than a state can hold are failures where the results are largest, so that the rest fits', () => {
    const small = { ...at('small'), end: { result: { log: [] } } };
    const many = Array.from({ length: 11 }, (_, index) => ({ ...at(`m${index}`), end: { result: LARGEST } }));
    const larger = { ...at('larger'), end: { result: { log: ['é'.repeat(24_000)] } } };
    const told = reportsOf([small, ...many, larger], SAID);
    expect(Buffer.byteLength(JSON.stringify(told))).toBeLessThan(262_144);
    const failed = told.reports.filter(({ error }) => error === 'HostCommandFailed').map(({ member }) => member);
    expect(failed).toEqual(['m0', 'm1', 'm10', 'larger']);
    expect(told.problems).toMatch(/^m0: i-m0: the command's result has 24\d\d\d bytes\./);
  });
});
