import type { HostReports } from '../../core/hosts/run-host-commands.ts';
import { transferSnapshotsInput } from '../../core/quorum-recovery/staging-contracts.ts';
import { parse } from '../../core/text/parse.ts';
import { runOnHosts } from '../hosts/run.ts';
import { presignedUrl } from '../staging/presigned-url.ts';

/**
 * Runs a command that reads or writes an object of S3 on every host of a phase: see {@link runOnHosts}. Each host's URL is made when its command
 * is sent, and given to no other. Where a backup cannot be read, the report is a PreconditionFailed, and nothing was sent.
 */
export async function handler(event: unknown): Promise<HostReports> {
  const { commands, ...phase } = parse(transferSnapshotsInput, event, "The step's input");
  const withUrls = commands.map(({ object, parameters, ...place }) => ({
    ...place,
    parameters: { ...parameters, url: '' },
    ...(object && { lateParameters: async () => ({ url: await presignedUrl(object, phase.cluster) }) }),
  }));
  return runOnHosts({ ...phase, commands: withUrls, access: 'transfers' });
}
