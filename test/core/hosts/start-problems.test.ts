import { describe, expect, it } from 'vitest';
import { withStartProblems } from '../../../core/hosts/start-problems.ts';
import { clusterOf, configured } from '../observations.ts';

const cluster = clusterOf(['node1', 'node2'].map((name) => configured(name)));
const FATAL =
  '{"level":"fatal","ts":"2026-11-28T11:27:44Z","msg":"discovery failed","error":"member has already been bootstrapped","stacktrace":"go.etcd.io"}';
const SAID = 'The unit etcd is failed (failed): it does not stay up. Result=exit-code, exit status 1, 5 restarts.';
const withLog = (member: string, ...lines: string[]) =>
  [`${member}: i-${member.at(-1)}, control-service: ${SAID} The end of its log:`, ...lines].join('\n');
const NOISE = Array.from({ length: 30 }, (_, line) => `{"level":"info","msg":"line ${line} of node2: nothing"}`);

describe('what has kept services from starting', () => {
  it('is a line for each host: what its log says, and where the whole is to be read', () => {
    const restartProblem = [withLog('node1', FATAL, ...NOISE), withLog('node2', 'panic: freepages', ...NOISE)].join(
      '\n',
    );
    expect(withStartProblems('One of 2 stays up.', { cluster, restartProblem }).split('\n')).toEqual([
      'One of 2 stays up.',
      `- node1: i-1, control-service: ${SAID} Its log says: member has already been bootstrapped. The whole log: "journalctl -u etcd" on i-1.`,
      `- node2: i-2, control-service: ${SAID} Its log says: panic: freepages. The whole log: "journalctl -u etcd" on i-2.`,
    ]);
  });

  it('is told as it is where there is no log', () => {
    const restartProblem = 'node1: i-1 is not reached.\nnode2: i-2, control-service: its log is empty.';
    expect(withStartProblems('None stays up.', { cluster, restartProblem })).toBe(
      'None stays up.\n- node1: i-1 is not reached.\n- node2: i-2, control-service: its log is empty.',
    );
  });

  it('is nothing where nothing has', () => {
    expect(withStartProblems('It leads.', { cluster, restartProblem: '' })).toBe('It leads.');
  });
});
