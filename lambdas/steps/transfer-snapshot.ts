import type { RunningHostCommand } from '../../core/contracts/membership.ts';
import { parse } from '../../core/contracts/parse.ts';
import { transferSnapshotInput } from '../../core/contracts/recovery.ts';
import { runOnHost } from '../hosts/run.ts';
import { presignedUrl } from '../staging/presigned-url.ts';

/**
 * Runs a command on a host that reads or writes an object of S3: see {@link runOnHost}. Its URL is made when the command is sent, and
 * nobody else is told.
 * @throws PreconditionFailed with nothing sent, where a backup cannot be read
 */
export async function handler(event: unknown): Promise<RunningHostCommand> {
  const { object, parameters, ...input } = parse(transferSnapshotInput, event, "The step's input");
  return runOnHost(
    { ...input, parameters: { ...parameters, url: '' } },
    object ? async () => ({ url: await presignedUrl(object) }) : undefined,
  );
}
