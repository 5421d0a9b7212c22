import { describeNewest } from '../core/backups/newest.ts';
import type { MemberFacts } from '../core/cluster/cluster-view.ts';
import { type Cluster, hostsOf } from '../core/cluster/clusters.ts';
import { type Condition, type Diagnosis, IDENTITY_WARNINGS } from '../core/diagnosis/diagnosis.ts';
import type { Incident } from '../core/runbooks.ts';
import { RUNBOOKS } from '../core/runbooks.ts';
import { FEW, summaryOf } from './each-cluster.ts';
import { type FileFlags, typedFiles } from './files.ts';
import { inColumns, typed } from './format.ts';

/** The result of each: a diagnosis, or why it failed. */
export type Diagnosed = { cluster: string } & (
  | { diagnosis: Diagnosis }
  | { diagnosis: null; error: string; cause: string }
);

/** Whether all is well, the configuration too: a remediation would be refused while that is wrong about who is who. */
function isHealthy({ diagnosis }: Diagnosed): boolean {
  return diagnosis?.incident === 'healthy' && !isMisconfigured(diagnosis);
}

function isMisconfigured({ warnings }: Pick<Diagnosis, 'warnings'>): boolean {
  return warnings.some(({ kind }) => IDENTITY_WARNINGS.some((identity) => identity === kind));
}

/** Of all that were asked for; an incident is worth more of a responder's time than what could not be looked at, and that more than a configuration. */
export function diagnosedAs(
  found: readonly Diagnosed[],
): 'Healthy' | 'IncidentFound' | 'NotDiagnosed' | 'ConfigurationDiffers' {
  if (found.every(isHealthy)) return 'Healthy';
  if (found.some(({ diagnosis }) => diagnosis && diagnosis.incident !== 'healthy')) return 'IncidentFound';
  return found.some(({ diagnosis }) => diagnosis === null) ? 'NotDiagnosed' : 'ConfigurationDiffers';
}

const KINDS = {
  healthy: 'healthy',
  mistaken: 'configured wrongly',
  undiagnosed: 'could not be diagnosed',
} as const;

/** What a summary counts it as. */
function kindOf(diagnosed: Diagnosed): string {
  if (diagnosed.diagnosis === null) return KINDS.undiagnosed;
  const { incident } = diagnosed.diagnosis;
  return incident !== 'healthy' ? incident : isHealthy(diagnosed) ? KINDS.healthy : KINDS.mistaken;
}

/**
 * Every cluster, those first that are healthy: what is wrong stands at the end, where a terminal shows it. Of many, those of which there is nothing to
 * say are counted alone.
 */
export function describeFleet(
  found: readonly Diagnosed[],
  describe: (diagnosed: Diagnosed, index: number) => string[],
): string[] {
  const entries = found.map((diagnosed, index) => ({ diagnosed, index }));
  const isQuiet = (diagnosed: Diagnosed) => isHealthy(diagnosed) && diagnosed.diagnosis?.warnings.length === 0;
  const shown = found.length > FEW ? entries.filter((each) => !isQuiet(each.diagnosed)) : entries;
  const sorted = shown.toSorted((one, other) => Number(isHealthy(other.diagnosed)) - Number(isHealthy(one.diagnosed)));
  return [
    ...sorted.flatMap(({ diagnosed: each, index }) => ['', ...describe(each, index)]),
    ...summaryOf('Diagnosed', found.map(kindOf), Object.values(KINDS)),
  ];
}

/** Undefined for what no runbook cures. */
export function curableIncident(incident: Condition | 'healthy'): Incident | undefined {
  return Object.hasOwn(RUNBOOKS, incident) ? (incident as Incident) : undefined;
}

/** What a responder reads first, then what it rests on, and last what to do. */
export function describeDiagnosis(cluster: Cluster, diagnosis: Diagnosis, files: FileFlags): string[] {
  const { incident, others } = diagnosis;
  const besides = others.length > 0 ? [`Besides: ${others.join(', ')}. Diagnose again once ${incident} is over.`] : [];
  const seen = files.hosts === undefined ? withoutHosts(diagnosis) : diagnosis;
  return describeFindings(cluster, seen, { besides, next: nextSteps(cluster, diagnosis, files) });
}

/** A run asks for the hosts whether or not a file says how they are reached. Without one it is no finding that they are not. */
function withoutHosts(diagnosis: Diagnosis): Diagnosis {
  const warnings = diagnosis.warnings.filter(({ kind }) => kind !== 'host-unreachable');
  return { ...diagnosis, hosts: [], warnings };
}

/** The same of any diagnosis. @param besides what is said of the other incidents */
export function describeFindings(
  cluster: Cluster,
  diagnosis: Diagnosis,
  { besides, next }: { besides: string[]; next: string[] },
): string[] {
  const { incident, summary, members, warnings } = diagnosis;
  const isMistaken = incident === 'healthy' && isMisconfigured(diagnosis);
  return [
    `${cluster.name}: ${incident}${isMistaken ? ', but clusters.json is wrong about who is who' : ''}`,
    ...indent([
      summary,
      ...(isMistaken ? ['Correct what the warnings say: until then a remediation may be refused.'] : []),
      ...besides,
      'Members:',
      ...indent(inColumns(members.map((member) => [member.name, member.state, memberLine(member)]))),
      ...describeHosts(cluster, diagnosis),
      ...(diagnosis.backup ? [`Newest backup: ${describeNewest(diagnosis.backup)}`] : []),
      ...section(
        'Warnings:',
        warnings.map(({ kind, message }) => `${kind}: ${message}`),
      ),
      ...section('Next:', next),
    ]),
  ];
}

export function describeUndiagnosed({ cluster, error, cause }: { cluster: string; error: string; cause: string }) {
  return [`${cluster}: could not be diagnosed`, ...indent(`${error}: ${cause}`.split('\n'))];
}

/** What a person has to do where something keeps us from a member, which no runbook cures. */
export const ADVICE_WITHOUT_RUNBOOK =
  'No runbook cures this: no member is replaced that may still serve clients. Correct what is said of each member above, then diagnose again ' +
  '(docs/runbooks.md#alarm-member-inaccessible).';

function nextSteps(cluster: Cluster, diagnosis: Diagnosis, files: FileFlags): string[] {
  const { incident, others, members } = diagnosis;
  if (incident === 'healthy') {
    return isSpaceScarce(diagnosis) ? [dryRun(cluster, 'space-exceeded', files)] : [];
  }
  const curable = curableIncident(incident);
  if (!curable) return [ADVICE_WITHOUT_RUNBOOK];
  const advice = RUNBOOKS[curable].advice({ others, members });
  if (!RUNBOOKS[curable].needsHosts || files.hosts !== undefined) return [...advice, dryRun(cluster, curable, files)];
  const configured = hostsOf(cluster).length > 0;
  const preparation = configured ? '' : ` Add to ${files.config} the "host" of each member, and the "layout", first.`;
  return [
    ...advice,
    `This runbook works on hosts: hosts.json has to say how each is reached (see docs/operate.md).${preparation}`,
    dryRun(cluster, curable, { ...files, hosts: 'hosts.json' }),
  ];
}

/** Nothing is wrong yet, and a reclaim may keep it so. */
export function isSpaceScarce({ warnings }: Diagnosis): boolean {
  return warnings.some(({ kind }) => kind === 'nearly-full' || kind === 'fragmented');
}

/** As it is typed. */
function dryRun({ name }: Cluster, incident: Incident, files: FileFlags): string {
  return typed('run', name, ...typedFiles(files), '--incident', incident, '--dry-run');
}

/** All of a member in a line; that of one which does not answer has nothing but its problem. */
function memberLine({ problem, facts }: MemberFacts): string {
  return problem === '' || problem === facts ? facts : `${problem}; ${facts}`;
}

function describeHosts(cluster: Cluster, { hosts }: Diagnosis): string[] {
  if (hosts.length === 0) {
    return hostsOf(cluster).length === 0 ? [] : ['Hosts: not looked for; --hosts FILE says how each is reached.'];
  }
  const rows = hosts.map(({ host, member, reachable, problem }) => {
    const standing = { true: 'reached', false: `not reached: ${problem}`, unknown: `not known: ${problem}` };
    return [member || '(spare)', host, standing[`${reachable}`]];
  });
  return section('Hosts:', inColumns(rows));
}

/** Nothing where there are no lines. */
function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...indent(lines)];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
