import { describeEnd, endsWithin, outOfTime, WARN_DAYS } from '../cluster/certificates.ts';
import type { Evidence } from '../cluster/evidence.ts';
import { sentence } from '../text/format.ts';
import type { Warning } from './diagnosis.ts';

type Seen = Pick<Evidence, 'certificates' | 'readAt'>;

/** What a look at the secret and at the members has shown; what is on hosts only a check and a plan see. */
export function aboutCertificates({ certificates, readAt }: Seen): Warning[] {
  return certificates.flatMap((certificate): Warning[] => {
    const { owner, endsAt, problem } = certificate;
    const warn = (kind: Warning['kind'], what: string): Warning[] => [{ kind, message: begun(`${owner}${what}`) }];
    const late = endsAt === '' ? '' : outOfTime(certificate, readAt);
    if (late !== '') return warn('certificate-expired', late);
    if (problem !== '') return warn('certificate-unfit', `: ${problem}`);
    return endsWithin(certificate, WARN_DAYS, readAt)
      ? warn('certificate-expiring', describeEnd(certificate, readAt))
      : [];
  });
}

/** Of a member that TLS keeps us from this is the cause: a sentence for each certificate that does not hold now. */
export function describeLateCertificates(seen: Seen): string[] {
  return aboutCertificates(seen).flatMap(({ kind, message }) => (kind === 'certificate-expired' ? [message] : []));
}

function begun(text: string): string {
  return sentence(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);
}
