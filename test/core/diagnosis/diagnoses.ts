import type { Cluster } from '../../../core/cluster/clusters.ts';
import type { Evidence, TokenProbe } from '../../../core/cluster/evidence.ts';
import type { MemberObservation } from '../../../core/cluster/observation.ts';
import { diagnose } from '../../../core/diagnosis/diagnose.ts';
import type { Diagnosis } from '../../../core/diagnosis/diagnosis.ts';
import { clusterOf, configured, learner, observation, refusing, silent, voter } from '../observations.ts';

/** What a cluster was seen as, for the tests of diagnoses. */
export * from '../observations.ts';

export function leaderless(name: string) {
  return voter(name, { leaderId: '0' });
}

/** Members from node1 on, by a letter each: (w)ell, (s)ilent, (r)efusing, (b)ehind, (l)earner, or following (n)obody. */
export function members(letters: string): MemberObservation[] {
  return [...letters].map((letter, index) => {
    const name = `node${index + 1}`;
    if (letter === 's') return silent(name);
    if (letter === 'r') return refusing(name);
    if (letter === 'b') return voter(name, { raftAppliedIndex: '12' });
    if (letter === 'l') return learner(name);
    return letter === 'n' ? leaderless(name) : voter(name);
  });
}

/** Evidence of a cluster with a quorum that has told its list and its alarms. */
export function proof(members: MemberObservation[], differences: Partial<Evidence> = {}): Evidence {
  const nothing = { agreementProblem: '', committing: [], loginProblem: '', probes: [], probesProblem: '', hosts: [] };
  return { ...observation(members), ...nothing, certificates: [], readAt: 0, ...differences };
}

/** Evidence of one that agrees on nothing, or not in time. */
export function apart(members: MemberObservation[], differences: Partial<Evidence> = {}): Evidence {
  return proof(members, { memberList: [], agreementProblem: 'etcd could not agree in time.', ...differences });
}

/** The same with fresh tokens, which these reject and the others take. A member that does not answer issues none. */
export function rejecting(names: readonly string[], evidence: Evidence): Evidence {
  const issuers = evidence.members.filter(({ answering }) => answering).map(({ name }) => name);
  const probes = evidence.members.map(({ name, answering }): TokenProbe => {
    if (!answering) {
      const unanswered = { answer: 'Unanswered', problem: 'Refused.' } as const;
      return {
        member: name,
        login: { ...unanswered, format: '' },
        uses: issuers.map((issuer) => ({ issuer, ...unanswered })),
      };
    }
    const use = names.includes(name)
      ? ({ answer: 'Rejected', problem: 'invalid auth token' } as const)
      : ({ answer: 'Taken', problem: '' } as const);
    return {
      member: name,
      login: { answer: 'Issued', format: 'simple', problem: '' },
      uses: issuers.map((issuer) => ({ issuer, ...use })),
    };
  });
  return { ...evidence, probes };
}

export function diagnosed(evidence: Evidence, cluster: Cluster = clusterFor(evidence)): Diagnosis {
  return diagnose(cluster, evidence);
}

/** `space-exceeded, member-failed`: the incident and what is present besides. */
export function conditionsOf({ incident, others }: Diagnosis): string {
  return [incident, ...others].join(', ');
}

/** The cluster that such evidence is of; it has a login where there are tokens. */
export function clusterFor({ members, probes }: Evidence, differences: Partial<Cluster> = {}): Cluster {
  return clusterOf(
    members.map(({ name }) => configured(name)),
    { ...(probes.length > 0 && { auth: { secret: 'etcd/orders/root' } }), ...differences },
  );
}
