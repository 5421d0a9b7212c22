import { type CheckReport, type WeighCheck, weighCheckInput } from '../../../core/diagnosis/check.ts';
import { weighCheck } from '../../../core/diagnosis/weigh-check.ts';
import type { InspectionReport } from '../../../core/hosts/host-command-results.ts';
import { parse } from '../../../core/text/parse.ts';
import { clusterOf, configured, inspection, MIB } from '../observations.ts';

/** Checks of a cluster of three, at a time of their own: of all that was seen each test says what is different. */

/** What the host's own checks say, which a later command would stop with. */
export const NO_UNIT = { refusal: 'no-unit', incident: 'any', message: 'systemd has no unit etcd.' } as const;
export const NOW = Date.parse('2026-11-28T00:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
export const MEMBERS = ['node1', 'node2', 'node3'].map((name) => configured(name));
export const SECRETS = { auth: { secret: 'etcd/root' }, tls: { secret: 'etcd/tls' } };
export const HEALTHY = {
  ...{ incident: 'healthy', summary: 'node1 leads, and all is well.', others: [], warnings: [] },
  members: MEMBERS.map(({ name }) => ({ name, state: 'healthy' as const })),
};

export function inDays(days: number): string {
  return new Date(NOW + days * DAY_MS).toISOString();
}

/** Of a year, unless said. */
export function certificate(owner: string, endsInDays: number, lifetimeDays = 365, problem = '') {
  return {
    use: 'server' as const,
    owner,
    beginsAt: inDays(endsInDays - lifetimeDays),
    endsAt: inDays(endsInDays),
    problem,
  };
}

export function inspected(name: string, differences: Parameters<typeof inspection>[1] = {}): InspectionReport {
  const at = { member: name, host: name.replace('node', 'i-') };
  const certificates = [{ use: 'peer' as const, file: '/pki/peer.crt', der: '' }];
  return { ...at, result: inspection(name, { ...running(), certificates, ...differences }), error: '', problem: '' };
}

export function running() {
  return {
    unit: { ...inspection('node1').unit, loadState: 'loaded', activeState: 'active', subState: 'running', mainPid: 7 },
  };
}

export const ANSWERING = MEMBERS.map(({ name }) => ({
  ...{ name, clusterId: 'c1', leaderId: 'a1', raftTerm: '3', raftCommittedIndex: '7000' },
  version: '3.5.30',
  storageVersion: '',
  dbSizeBytes: 20 * MIB,
  quotaBytes: 100 * MIB,
}));

export function seen(differences: Partial<WeighCheck> = {}, survey: Partial<WeighCheck['survey']> = {}): CheckReport {
  const input = {
    cluster: clusterOf(MEMBERS, SECRETS),
    diagnosis: HEALTHY,
    undiagnosed: '',
    survey: {
      secretsProblem: '',
      serves: 'unknown',
      certificates: [certificate('the certificate of node1', 90)],
      isLed: true,
      members: ANSWERING,
      ...survey,
    },
    backups: null,
    unwritable: '',
    inspected: MEMBERS.map(({ name }) => inspected(name)),
    ...differences,
  };
  return weighCheck(parse(weighCheckInput, input, 'A check'), NOW);
}

export const linesOf = (lines: CheckReport['findings']) => lines.map(({ area, message }) => `${area}: ${message}`);
export const withHost = (
  name: string,
  differences: Parameters<typeof inspection>[1],
  survey: Partial<WeighCheck['survey']> = {},
) =>
  seen({ inspected: MEMBERS.map((member) => inspected(member.name, member.name === name ? differences : {})) }, survey);
