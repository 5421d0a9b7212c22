import { sendBackupInput } from '../../core/backups/by-host.ts';
import { PreconditionFailed } from '../../core/errors.ts';
import type { HostReports } from '../../core/hosts/run-host-commands.ts';
import { parse } from '../../core/text/parse.ts';
import { partUrl } from '../backups/host-upload.ts';
import { runOnHosts } from '../hosts/run.ts';

/** The execution itself ends three hours later, and would leave the copy on the host. */
const LONGEST_HOURS = 5;

/**
 * Lets a host send its copy of a database into the bucket, part by part, until one has failed twice: see {@link runOnHosts}. The URL of a part is made when
 * its command is sent, and told to nobody else, so the second try has a new one.
 * @throws PreconditionFailed where it takes too long: the copy takes room that its member may need
 */
export async function handler(event: unknown): Promise<HostReports> {
  const { commands, ...phase } = parse(sendBackupInput, event, "The step's input");
  if (Date.now() - Date.parse(phase.visit) > LONGEST_HOURS * 3_600_000) {
    throw new PreconditionFailed(
      `The host of ${commands[0]?.member} has sent its copy of the database for ${LONGEST_HOURS} hours and is not done, so the backup was given up. Look at ` +
        'its line to S3. Or make a snapshot on it by hand (etcdctl snapshot save).',
    );
  }
  const withUrls = commands.map(({ object, parameters, ...place }) => ({
    ...place,
    parameters: { ...parameters, url: '' },
    lateParameters: async () => ({ url: await partUrl(phase.cluster, object) }),
  }));
  return runOnHosts({ ...phase, commands: withUrls, access: 'backing-up', untilOneFails: true, onceMore: true });
}
