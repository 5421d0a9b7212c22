import { describe, expect, it } from 'vitest';
import type { HostInspection } from '../../../core/hosts/host-command-results.ts';
import { memberParametersSchema } from '../../../core/member-replacement/contracts.ts';
import { planReplacement } from '../../../core/member-replacement/replacement-plan.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterOf, configured, failureOf, inspection, listed, observation, silent, voter } from '../observations.ts';

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const LIST = MEMBERS.map(({ name }) => listed(name));
const OWN = LIST[2]?.id ?? '';

const unit = (activeState: string, subState: string, mainPid: number) => ({
  unit: { ...inspection('node3').unit, activeState, subState, mainPid },
});
const RUNS = unit('active', 'running', 812);
const LISTENING = {
  clientPortListens: true,
  peerPortListens: true,
  processState: 'S',
  answer: 'unknown',
  memberId: '',
  problem: '',
} as const;

function plan(differences: Partial<HostInspection>, third = silent('node3')) {
  return planReplacement(observation([voter('node1'), voter('node2'), third], { memberList: LIST }), {
    cluster: clusterOf(MEMBERS),
    parameters: parse(memberParametersSchema, {}, 'parameters'),
    member: '',
    targets: [{ member: 'node3', kind: 'failed', problem: 'does not answer.' }],
    oldHost: [],
    inspections: [{ member: 'node3', inspection: inspection('node3', { log: [], errors: [], ...differences }) }],
  });
}

const atWork = (differences: Partial<HostInspection['atWork']>) => ({
  ...RUNS,
  atWork: { ...LISTENING, ...differences },
});

describe('a member that does not answer here', () => {
  it.each<[string, Partial<HostInspection>, string]>([
    [
      'it listens and has a leader',
      atWork({ answer: 'leader', memberId: OWN }),
      'says that its unit is active (running) with process 812, that it listens for clients and peers, and that it has a leader',
    ],
    ['it has a leader, and does not say its ID', atWork({ answer: 'leader' }), 'that it has a leader'],
    [
      'the kernel does not tell who listens',
      atWork({ clientPortListens: null, peerPortListens: null, answer: 'leader', memberId: OWN }),
      'that it has a leader',
    ],
    ['somebody speaks TLS there', atWork({ answer: 'speaks' }), 'but does not say whether it has a leader'],
    [
      'etcd cannot be asked there',
      atWork({ problem: 'there is no curl' }),
      'etcd itself could not be asked there (there is no curl)',
    ],
    [
      'it still starts, and speaks',
      { ...atWork({ answer: 'speaks' }), ...unit('activating', 'start', 812) },
      'activating (start)',
    ],
    [
      'a signal has stopped it',
      atWork({ answer: 'silent', processState: 'T' }),
      'active (running) with process 812, which is frozen: a signal has stopped it (T), and "kill -CONT 812" lets it go on with its data. Do that, or restart its service',
    ],
    ['a debugger has stopped it', atWork({ processState: 't' }), 'a debugger has stopped it (t)'],
    [
      'systemd has frozen it, before it listened',
      atWork({ clientPortListens: false, processState: 'frozen' }),
      '"systemctl thaw" lets it go on',
    ],
  ])('is not replaced where %s', (_what, differences, how) => {
    const { name, message } = failureOf(() => plan(differences));
    expect({ name, message }).toEqual({ name: 'PreconditionFailed', message: expect.stringContaining(how) });
    expect(message).toContain('node3 is not replaced, and nothing was changed: two views of it differ.');
    expect(message).toContain('From here it does not answer');
  });

  it.each<[string, string, HostInspection['atWork']['answer'], RegExp]>([
    [
      'it took the connection and was late',
      'Deadline',
      'leader',
      /Where that is etcd, wait, .*defragmentation that is under way/,
    ],
    [
      'it is late, and its host cannot tell',
      'Deadline',
      'speaks',
      /Where that is etcd, wait, .*defragmentation that is under way/,
    ],
    ['no connection came about', 'ConnectTimeout', 'leader', /look at the security group or the firewall in between/],
    ['nothing listens where we ask', 'Refused', 'leader', /Correct the port or the host in its clientUrl/],
    ['it had no leader', 'NoLeader', 'leader', /at that moment only: start again/],
    ['nobody knows more', '', 'leader', /Correct what is in between: its clientUrl/],
    [
      'nothing listens where we ask, and its host cannot tell',
      'Refused',
      'speaks',
      /If it is of no use, stop it there/,
    ],
  ])('is told with what fits the reason of its silence: %s', (_what, reason, answer, advice) => {
    const { message } = failureOf(() => plan(atWork({ answer }), { ...silent('node3'), reason }));
    expect(message).toMatch(advice);
    // Who is only late is not to be stopped.
    if (reason === 'Deadline') expect(message).not.toMatch(/Correct|certificate|systemctl stop/);
  });

  it.each<[string, Partial<HostInspection>, string]>([
    ['nothing listens for clients', atWork({ clientPortListens: false }), 'nothing listens for clients'],
    ['nothing listens for peers', atWork({ peerPortListens: false }), 'nothing listens for peers'],
    ['it is silent on its own host', atWork({ answer: 'silent' }), 'it does not answer on its own host either'],
    [
      'it waits for its disk',
      atWork({ answer: 'silent', processState: 'D' }),
      'and cannot be interrupted (D), and that it does not answer',
    ],
    ['it has no leader', atWork({ answer: 'no-leader', memberId: OWN }), 'it has no leader, while others have one'],
    [
      'it is a member of something else',
      atWork({ answer: 'leader', memberId: 'dead' }),
      'the member dead, which is not in the cluster',
    ],
  ])('is replaced where %s, and the plan says so', (_what, differences, how) => {
    expect(plan(differences).steps[0]).toContain(how);
  });

  it('is replaced where it has no process', () => {
    expect(plan({}).steps[0]).toBe('already done: etcd on i-3 is stopped (failed)');
  });
});
