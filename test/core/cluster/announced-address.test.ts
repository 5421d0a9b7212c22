import { expect, it } from 'vitest';
import { announcedElsewhere } from '../../../core/cluster/announced-address.ts';
import type { MemberObservation, SilentMember } from '../../../core/cluster/observation.ts';
import { refuseUnseenLeader } from '../../../core/cluster/unseen-leader.ts';
import { diagnosed, proof } from '../diagnosis/diagnoses.ts';
import { configured, failureOf, listed, observation, refusing, silent, unreached, voter } from '../observations.ts';

const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
const announced = (...clientUrls: string[]) => listed('node3', { clientUrls });
const HINT =
  ' etcd lists http://10.0.0.3:2379 for node3, and clusters.json says https://node3:2379: if that does not lead there, correct its clientUrl.';
const at = (endpoint: string): SilentMember => ({ ...silent('node3'), endpoint });

it.each<[string, SilentMember, string[], string]>([
  ['another address', silent('node3'), ['http://10.0.0.3:2379'], HINT],
  ['another address, and its own host', silent('node3'), ['http://localhost:2379', 'http://10.0.0.3:2379'], HINT],
  ['another address, and we do not get there', unreached('node3'), ['http://10.0.0.3:2379'], HINT],
  ['another address, and we are refused', refusing('node3'), ['http://10.0.0.3:2379'], HINT],
  ['another scheme', silent('node3'), ['http://node3:2379'], 'http://node3:2379 for node3'],
  ['another port', silent('node3'), ['https://node3:2479'], 'https://node3:2479 for node3'],
  ['another port of this host', at('http://127.0.0.1:1'), ['http://127.0.0.1:2'], 'http://127.0.0.1:2 for node3'],
  ['the same', silent('node3'), ['https://node3:2379'], ''],
  ['the same, spelled another way', silent('node3'), ['https://NODE3:2379/'], ''],
  ['the same and another one', silent('node3'), ['https://10.0.0.3:2379', 'https://node3:2379'], ''],
  ['only its own host', silent('node3'), ['http://localhost:2379', 'http://[::1]:2379', 'http://0.0.0.0:2379'], ''],
  ['nothing, for it has never started', silent('node3'), [], ''],
  ['what is no URL', silent('node3'), ['unix'], ''],
  ['another address, and it has answered here', { ...silent('node3'), silence: 'busy' }, ['http://10.0.0.3:2379'], ''],
])('a member that is not reached is told with what etcd lists for it: %s', (_, seen, clientUrls, hint) => {
  const told = announcedElsewhere(seen, announced(...clientUrls));
  if (hint === '') expect(told).toBe('');
  else expect(told).toContain(hint);
});

it('a member of which etcd tells no client URL is told without one', () => {
  expect([
    announcedElsewhere(silent('node3'), listed('node3')),
    announcedElsewhere(silent('node3'), undefined),
  ]).toEqual(['', '']);
});

const LIST = [listed('node1'), listed('node2'), announced('http://10.0.0.3:2379')];

it.each<[string, MemberObservation, string]>([
  ['member-failed', silent('node3'), 'node3 does not answer: '],
  ['member-inaccessible', unreached('node3'), 'node3 cannot be judged from here: '],
  ['member-inaccessible', refusing('node3'), 'node3 runs and refuses us: '],
])('the diagnosis says it with %s', (incident, third, words) => {
  const { summary, ...found } = diagnosed(proof([voter('node1'), voter('node2'), third], { memberList: LIST }));
  expect(found.incident).toBe(incident);
  expect(summary).toContain(words);
  expect(summary).toContain(HINT);
});

it('a leader that only answers late is waited for: no address is to be corrected', () => {
  const followers = ['node1', 'node2'].map((name) => voter(name, { leaderId: 'a3' }));
  const late = { ...silent('node3', 'The member did not answer in time.'), reason: 'Deadline' };
  const seen = observation([...followers, late]);
  for (const told of [
    failureOf(() => refuseUnseenLeader(MEMBERS, seen)).message,
    diagnosed(proof(seen.members)).summary,
  ]) {
    expect(told).toMatch(/defragmentation/);
    expect(told).not.toMatch(/[Cc]orrect (in clusters|the clientUrl|its clientUrl)/);
  }
});

it('a leader that is not reached is told with it, by a diagnosis and by the runbooks', () => {
  const followers = ['node1', 'node2'].map((name) => voter(name, { leaderId: 'a3' }));
  const seen = observation([...followers, silent('node3')], { memberList: LIST });
  expect(failureOf(() => refuseUnseenLeader(MEMBERS, seen)).message).toContain(HINT);
  expect(diagnosed(proof(seen.members, { memberList: LIST })).summary).toContain(HINT);
});
