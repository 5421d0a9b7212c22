import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../../core/cluster/certificates.ts';
import type { Evidence } from '../../../core/cluster/evidence.ts';
import { measure } from '../../../core/diagnosis/metrics.ts';
import { apart, clusterFor, diagnosed, members, proof } from './diagnoses.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;

/** Of a year, unless said. */
function certificate(owner: string, endsInDays: number, lifetimeDays = 365, problem = ''): Certificate {
  const inDays = (days: number) => new Date(NOW + days * DAY_MS).toISOString();
  const beginsAt = inDays(endsInDays - lifetimeDays);
  return { use: 'server', owner, beginsAt, endsAt: inDays(endsInDays), problem };
}

const shown = (...certificates: Certificate[]): Partial<Evidence> => ({ certificates, readAt: NOW });
const told = (...certificates: Certificate[]) =>
  diagnosed(proof(members('www'), shown(...certificates))).warnings.map(({ kind, message }) => `${kind}: ${message}`);

describe('a certificate', () => {
  it.each<[string, Certificate, string[]]>([
    ['that holds for a month', certificate('the certificate of m1', 30), []],
    [
      'that does not',
      certificate('the certificate of m1', 29.9),
      ['certificate-expiring: The certificate of m1 ends in 29 days, on 2026-12-28: renew it.'],
    ],
    ['of a week in its fourth day, which a program renews', certificate('the certificate of m1', 3, 7), []],
    [
      'of a week in its fifth',
      certificate('the certificate of m1', 2, 7),
      ['certificate-expiring: The certificate of m1 ends in 2 days, on 2026-11-30: renew it.'],
    ],
    [
      'that has ended',
      certificate('the CA of the tls secret', -2.5),
      ['certificate-expired: The CA of the tls secret has ended 2 days ago, on 2026-11-26: renew it.'],
    ],
    [
      'of tomorrow',
      certificate('the certificate of m1', 366, 365),
      [
        'certificate-expired: The certificate of m1 holds from 2026-11-29T12:00:00.000Z on, and not yet: look at the clocks, and at what has issued it.',
      ],
    ],
    [
      'for another name',
      certificate('the certificate of m1', 90, 365, 'clients do not take it'),
      ['certificate-unfit: The certificate of m1: clients do not take it.'],
    ],
    [
      'that is none',
      { use: 'ca', owner: 'the CA of the tls secret', beginsAt: '', endsAt: '', problem: 'it cannot be read' },
      ['certificate-unfit: The CA of the tls secret: it cannot be read.'],
    ],
  ])('%s is warned of by its day, or not at all', (_, each, expected) => {
    expect(told(each)).toEqual(expected);
  });

  const late = certificate('the client certificate of the tls secret', -2);

  it('that has ended is the cause where members refuse us: they have neither failed, nor are they healthy', () => {
    const all = diagnosed(apart(members('rrr'), shown(late)));
    expect(all.incident).toBe('quorum-inaccessible');
    expect(all.summary).toMatch(
      /everyone else\. The client certificate of the tls secret has ended 2 days ago, on 2026-11-26: renew it\. node1 runs and refuses us/,
    );
    expect(new Set(all.members.map(({ state }) => state))).toEqual(new Set(['refusing']));
    const one = diagnosed(proof(members('wwr'), shown({ ...late, owner: 'the certificate of node3' })));
    expect(one.incident).toBe('member-inaccessible');
    expect(one.summary).toMatch(/^The certificate of node3 has ended 2 days ago, on 2026-11-26: renew it\. node3 runs/);
    expect(one.members.map(({ state }) => state)).toEqual(['healthy', 'healthy', 'refusing']);
  });

  it('that has ended is no cause of a member that is down', () => {
    const { incident, summary } = diagnosed(proof(members('wws'), shown(late)));
    expect(incident).toBe('member-failed');
    expect(summary).not.toContain('certificate');
  });
});

describe('what is measured of certificates', () => {
  const measured = (...certificates: Certificate[]) => {
    const evidence = proof(members('www'), shown(...certificates));
    const { CertificateDaysLeft, CertificatesEnding } =
      measure(clusterFor(evidence), evidence).measurements[0]?.values ?? {};
    return { CertificateDaysLeft, CertificatesEnding };
  };

  it.each<[string, Certificate[], ReturnType<typeof measured>]>([
    ['nothing without any', [], { CertificateDaysLeft: undefined, CertificatesEnding: undefined }],
    [
      'the least of them, and how many a person has to renew',
      [certificate('a', 90), certificate('b', 13.9), certificate('c', -1.5)],
      { CertificateDaysLeft: -2, CertificatesEnding: 2 },
    ],
    ['none to renew at 14 days', [certificate('a', 14)], { CertificateDaysLeft: 14, CertificatesEnding: 0 }],
    [
      'none of those that a program renews',
      [certificate('a', 3, 7)],
      { CertificateDaysLeft: 3, CertificatesEnding: 0 },
    ],
    ['one that it has not renewed', [certificate('a', 2, 7)], { CertificateDaysLeft: 2, CertificatesEnding: 1 }],
    [
      'none that is not valid yet as many days',
      [certificate('a', 366)],
      { CertificateDaysLeft: 366, CertificatesEnding: 1 },
    ],
    [
      'nothing of one that cannot be read',
      [{ ...certificate('a', 9), endsAt: '', beginsAt: '', problem: 'it cannot be read' }],
      { CertificateDaysLeft: undefined, CertificatesEnding: undefined },
    ],
  ])('%s', (_, certificates, expected) => {
    expect(measured(...certificates)).toEqual(expected);
  });
});
