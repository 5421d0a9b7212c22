import type { TokenObservation } from '../../../core/auth-token-reset/contracts.ts';
import type { LoginAnswer, TokenUse } from '../../../core/cluster/evidence.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { observation } from '../observations.ts';

/** Readings of what members say to fresh tokens, for tables of cases. */

const ANSWERS: Readonly<Record<string, TokenUse['answer']>> = {
  t: 'Taken',
  r: 'Rejected',
  o: 'Outdated',
  x: 'Refused',
  u: 'Unanswered',
};

interface Reading {
  format?: 'simple' | 'jwt';
  /** By the member's place, for those that issue no token. */
  logins?: Readonly<Record<number, LoginAnswer['answer']>>;
  window?: TokenObservation['window'];
  alarms?: TokenObservation['alarms'];
}

/**
 * Members, and what each says to the tokens of all that issue one: a row for each member, a letter for each token, in order: (t)aken,
 * (r)ejected, (o)utdated, refused (x), (u)nanswered.
 */
export function tokensOf(members: MemberObservation[], rows: string[], reading: Reading = {}): TokenObservation {
  const { format = 'simple', logins = {}, window = null, alarms = [] } = reading;
  const answers = members.map(({ answering }, index) => logins[index] ?? (answering ? 'Issued' : 'Unanswered'));
  const issuers = members.filter((_, index) => answers[index] === 'Issued').map(({ name }) => name);
  return {
    ...observation(members, { alarms }),
    window,
    probes: rows.map((row, index) => {
      const answer = answers[index] ?? 'Issued';
      const issued = answer === 'Issued';
      return {
        member: members[index]?.name ?? '',
        login: { answer, format: issued ? format : '', problem: issued ? '' : `login: ${answer}` },
        uses: issuers.map((issuer, place) => {
          const use = ANSWERS[row[place] ?? ''];
          if (!use) throw new Error(`"${row}" has no answer to the token of ${issuer}`);
          return { issuer, answer: use, problem: use === 'Taken' ? '' : `${use} the token of ${issuer}.` };
        }),
      };
    }),
  };
}

/** The window of an execution, which is open: nobody has enabled authentication since. */
export function windowOf(execution: string) {
  return { execution, disabledAt: 1_000, enabledAt: null, overAt: 6_000, asked: ['node1'], ended: false };
}
