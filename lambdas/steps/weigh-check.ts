import { type CheckReport, weighCheckInput } from '../../core/diagnosis/check.ts';
import { weighCheck } from '../../core/diagnosis/weigh-check.ts';
import { parse } from '../../core/text/parse.ts';
import { withHosts } from '../etcd/certificates.ts';

/** From what a check has looked at: what would keep a remediation from its work. */
export async function handler(event: unknown): Promise<CheckReport> {
  const { survey, ...seen } = parse(weighCheckInput, event, "The step's input");
  const certificates = withHosts(survey.certificates, seen.inspected);
  return weighCheck({ ...seen, survey: { ...survey, certificates } }, Date.now());
}
