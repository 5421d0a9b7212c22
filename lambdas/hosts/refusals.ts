import { requireRefusal } from '../../client/aws.ts';
import { HostCommandFailed, HostUnreachable, PreconditionFailed, type RemediationError } from '../../core/errors.ts';

/** What makes SSM know no managed node of an ID, or one that it has lost. */
export const MANAGED_NODE_ADVICE =
  'Look whether "host" in clusters.json is right, and whether the instance and its SSM Agent run ' +
  '(systemctl status amazon-ssm-agent). The agent has to reach the SSM endpoints, and its instance profile has to let it register ' +
  '(AmazonSSMManagedInstanceCore).';

/** Without AWS it is a command that leads to a host. */
export const HOSTS_FILE_ADVICE =
  'Bring the host back into reach, or correct its command in hosts.json. The command has to run what it reads on standard input, as root and in a ' +
  'shell. Try it by hand, as in: echo id | ssh -o BatchMode=yes ADDRESS sudo bash';

export const NOT_LISTED_ADVICE =
  'So it was not asked. Add {"HOST": {"exec": ["ssh", "-o", "BatchMode=yes", "ADDRESS", "sudo", "bash"]}} to hosts.json, also for a host that is ' +
  'gone: only a host that was asked is known to be away. Or correct its "host" in clusters.json. Then start again.';

const DEPLOY_AGAIN = 'The deployed documents are not those of this version: deploy again.';

const REFUSALS: Readonly<Record<string, { error: new (message: string) => RemediationError; meaning: string }>> = {
  InvalidInstanceId: { error: HostUnreachable, meaning: `SSM does not manage this host. ${MANAGED_NODE_ADVICE}` },
  InvalidDocument: { error: PreconditionFailed, meaning: DEPLOY_AGAIN },
  InvalidParameters: { error: PreconditionFailed, meaning: DEPLOY_AGAIN },
  UnsupportedPlatformType: {
    error: PreconditionFailed,
    meaning: 'The host does not run Linux. Correct its "host" in clusters.json.',
  },
  AccessDeniedException: {
    error: PreconditionFailed,
    meaning:
      'The role of the cluster may not do that to this host. It may to those that clusters.json had when the stack of the cluster was deployed: add the host, and deploy that stack again.',
  },
};

/**
 * The error of a call that SSM refused.
 * @param subject what was asked for: "i-0a1b2c3d, inspect-host"
 * @throws AwsUnavailable where SSM did not answer
 */
export function refusalOf(error: unknown, subject: string): RemediationError {
  const { name, message } = requireRefusal(error, `SSM, asked for ${subject},`);
  const refusal = Object.hasOwn(REFUSALS, name) ? REFUSALS[name] : undefined;
  const refused = `${subject}: SSM refused it: ${name}${message ? `: ${message}` : ''}`;
  return refusal ? new refusal.error(`${refused}\n${refusal.meaning}`) : new HostCommandFailed(refused);
}
