import * as z from 'zod';
import { withParts } from '../../lib/command-documents.ts';
import type { HostAccess } from '../../local/hosts/access.ts';
import { failureOf, onlyLine, runText } from './script.ts';

/** The writing alone: of the commands that do it, one starts a service after it, and the other moves data before. */
const WHAT = 'the writing of the membership';
const SCRIPT = withParts(
  `# parts: common settings membership write-membership
unit='{{ unit }}'
config_file='{{ configFile }}'
initial_cluster='{{ initialCluster }}'
initial_cluster_state='{{ initialClusterState }}'
initial_cluster_token='{{ initialClusterToken }}'
execution='{{ execution }}'
prepare_membership "$config_file"
put_membership
succeed "{$reply}"
`,
  WHAT,
);
const writtenSchema = z.strictObject({
  ...{ file: z.string(), copy: z.string(), changed: z.boolean() },
  removed: z.array(z.string()).optional(),
});

type Parameters = Readonly<Record<string, string>>;

/** @throws Error where it fails */
export async function writeMembership(access: HostAccess, parameters: Parameters) {
  const { exitCode, line, stderr } = await runText(access, SCRIPT, parameters);
  if (exitCode !== 0) throw new Error(`${WHAT} ended with ${exitCode}: ${line}\n${stderr}`);
  return writtenSchema.parse(onlyLine(line));
}

/** @throws Error where it succeeds */
export async function refuseMembership(access: HostAccess, parameters: Parameters) {
  return failureOf(WHAT, await runText(access, SCRIPT, parameters));
}
