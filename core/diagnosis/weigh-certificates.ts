import {
  type Certificate,
  daysUntil,
  describeEnd,
  endsWithin,
  inDays,
  outOfTime,
  WARN_DAYS,
} from '../cluster/certificates.ts';
import type { CertificateLine, WeighCheck } from './check.ts';
import { line, namesOf, type Weighed } from './check-lines.ts';

export function weighCertificates({ cluster, survey, inspected }: WeighCheck, now: number): Weighed {
  const { certificates, secretsProblem } = survey;
  const unseen = cluster.members.filter(
    ({ name, peerUrl }) =>
      new URL(peerUrl).protocol === 'https:' &&
      !inspected.some(
        ({ member, result }) => member === name && result?.certificates.some(({ use }) => use === 'peer'),
      ),
  );
  const noPeers =
    unseen.length === 0
      ? []
      : [
          line(
            'certificates',
            `the peer certificate of ${namesOf(unseen)} was not looked at: it is read on a host that is reached, where etcd's configuration names the file`,
          ),
        ];
  if (certificates.length === 0) {
    const noClients =
      secretsProblem !== '' || cluster.tls ? [] : [line('certificates', 'clients speak to this cluster without TLS')];
    return { unchecked: [...noClients, ...noPeers] };
  }
  const findings = certificates.flatMap((each) => {
    const problem = certificateProblem(each, now);
    return problem === '' ? [] : [line('certificates', `${each.owner}${problem}`)];
  });
  const [first] = certificateTable(certificates, now);
  const next = first ? `; the first is ${first.owner}, ${inDays(first.daysLeft)}` : '';
  return {
    ...(findings.length > 0
      ? { findings }
      : { well: [line('certificates', `none of ${certificates.length} ends soon${next}`)] }),
    unchecked: noPeers,
  };
}

/** By their end. */
export function certificateTable(certificates: readonly Certificate[], now: number): CertificateLine[] {
  return certificates
    .filter(({ endsAt }) => endsAt !== '')
    .map(({ owner, endsAt }) => ({ owner, endsAt, daysLeft: daysUntil(endsAt, now) }))
    .toSorted((a, b) => Date.parse(a.endsAt) - Date.parse(b.endsAt));
}

/** Empty where it is well. */
function certificateProblem(certificate: Certificate, now: number): string {
  if (certificate.problem !== '') return `: ${certificate.problem}`;
  const late = outOfTime(certificate, now);
  if (late !== '') return late;
  return endsWithin(certificate, WARN_DAYS, now) ? describeEnd(certificate, now) : '';
}

/** What is wrong may come of it: members do not hear one whose certificate is out of time, and clients do not take it. */
export function describeLate(certificates: readonly Certificate[], now: number): string {
  const late = certificates.flatMap((each) => {
    const problem = each.endsAt === '' ? '' : outOfTime(each, now);
    return problem === '' ? [] : [`${each.owner}${problem}`];
  });
  if (late.length === 0) return '';
  return ` Look at the certificates first, and replace and restore nothing before they hold: ${late.join('; ')}.`;
}
