import { randomUUID } from 'node:crypto';
import { Jobs } from '../../client/jobs.ts';
import type { Job } from '../../core/api/jobs.ts';
import { remediationIdSchema } from '../../core/remediation/remediation.ts';
import { describeJobEnd, type JobWords } from '../job-words.ts';
import { requireOption } from '../options.ts';
import { openOutput } from '../output.ts';
import { printAtSignal } from '../signals.ts';
import { withDeployment } from './connection.ts';
import { type DeployedFlags, typedNext } from './flags.ts';
import { followExecution, patiently } from './watch.ts';

interface JobRequest {
  cluster: string;
  flags: DeployedFlags & { id?: string };
  /** What the job takes besides the cluster, by the names of the options as well. */
  request?: Readonly<Record<string, string>>;
}

/** `etcd-remediation backup --deployed` and the like: starts the deployed workflow, follows it, and ends as the same command does that works here. */
export async function runJob<Report extends object>(
  job: Job,
  words: JobWords<Report>,
  { cluster, flags, request = {} }: JobRequest,
): Promise<void> {
  const { id = randomUUID() } = flags;
  requireOption(remediationIdSchema, '--id', id);
  const output = openOutput(flags.json);
  const options = Object.entries(request).flatMap(([name, value]) => [`--${name}`, value]);
  const again = typedNext(flags, words.command, cluster, ...options, '--deployed', '--id', id);
  using _ = printAtSignal(() => `Stopped watching; what was started goes on. Watch it again: ${again}`);
  await withDeployment(flags, async (deployment) => {
    const jobs = new Jobs(deployment);
    const { executionArn } = await jobs.start(job, cluster, request, id);
    output.print(`${words.begins(cluster)}, as ${id}`);
    await followExecution(output, executionArn);
    const ended = await patiently(output, () => jobs.describe(job, cluster, id));
    const { status, report, error, cause, startedAt, endedAt } = ended;
    const tookMs = Date.parse(endedAt ?? startedAt) - Date.parse(startedAt);
    const { result, lines } = describeJobEnd({ status, output: report, error, cause }, { words, cluster, tookMs });
    output.finish(result, lines);
    if (!words.successes.includes(ended.outcome ?? '')) process.exitCode ??= 1;
  });
}
