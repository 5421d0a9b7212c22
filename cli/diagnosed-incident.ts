import type { Cluster } from '../core/contracts/clusters.ts';
import type { Incident } from '../core/contracts/execution-input.ts';
import { ERROR_NAMES } from '../core/errors.ts';
import type { HostsFile } from '../local/hosts/access.ts';
import type { Platform } from '../local/platform.ts';
import { diagnoseCluster } from './diagnose.ts';
import { curableIncident, describeDiagnosis, WITHOUT_RUNBOOK } from './diagnosis-report.ts';
import type { FileFlags } from './files.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';
import { whileNothingChanges } from './signals.ts';

interface Diagnosing {
  platform: Platform;
  cluster: Cluster;
  hosts: HostsFile;
  files: FileFlags;
  output: Output;
  progress: Progress;
}

/** @returns the incident whose runbook is next; undefined where there is none, which is then told as the result */
export async function diagnosedIncident({
  platform,
  cluster,
  hosts,
  files,
  output,
  progress,
}: Diagnosing): Promise<Incident | undefined> {
  using _ = whileNothingChanges();
  const { name } = cluster;
  const told = await diagnoseCluster(platform, { cluster, hosts, progress });
  if (!told.diagnosis) {
    const { error, cause } = told;
    output.finish({ outcome: error, cluster: name, report: { error, cause } }, [`${error}: ${cause}`]);
    process.exitCode ??= 1;
    return undefined;
  }
  const { diagnosis } = told;
  const { incident, summary, others } = diagnosis;
  const curable = curableIncident(incident);
  if (curable) {
    output.print(`Found ${incident}: ${summary}`);
    if (others.length > 0) output.print(`Besides: ${others.join(', ')}. Diagnose again once ${incident} is over.`);
    return curable;
  }
  const lines = describeDiagnosis(cluster, diagnosis, files);
  if (incident === 'healthy') {
    const outcome = 'NothingToDo';
    output.finish({ outcome, cluster: name, report: diagnosis }, [`${outcome}: no incident was found.`, ...lines]);
    return undefined;
  }
  const outcome = ERROR_NAMES.UnsafeToProceed;
  const report = { error: outcome, cause: `${summary} ${WITHOUT_RUNBOOK}`, diagnosis };
  output.finish({ outcome, cluster: name, incident, report }, [`${outcome}: no runbook may go on.`, ...lines]);
  process.exitCode ??= 1;
  return undefined;
}
