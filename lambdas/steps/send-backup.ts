import { sendBackupInput } from '../../core/backups/by-host.ts';
import type { HostReports } from '../../core/hosts/run-host-commands.ts';
import { parse } from '../../core/text/parse.ts';
import { partUrl } from '../backups/host-upload.ts';
import { runOnHosts } from '../hosts/run.ts';

/**
 * Lets a host send its copy of a database into the bucket, part by part: see {@link runOnHosts}. The URL of a part is made when its command is sent, and told
 * to nobody else.
 */
export async function handler(event: unknown): Promise<HostReports> {
  const { commands, ...phase } = parse(sendBackupInput, event, "The step's input");
  const withUrls = commands.map(({ object, parameters, ...place }) => ({
    ...place,
    parameters: { ...parameters, url: '' },
    lateParameters: async () => ({ url: await partUrl(phase.cluster, object) }),
  }));
  return runOnHosts({ ...phase, commands: withUrls, access: 'backing-up' });
}
