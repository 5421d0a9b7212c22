import { ClusterRegistry, type Registered } from '../../client/registry.ts';
import { Problem } from '../../core/api/problems.ts';
import { ERROR_NAMES, PreconditionFailed } from '../../core/errors.ts';
import { reportingProgress } from '../each-cluster.ts';
import type { Screen } from '../screen.ts';
import { explained } from './connection.ts';

/** Why nothing is told of a cluster. */
interface LookFailure {
  error: string;
  cause: string;
}

/** One cluster by its name, which has to be there, or every one of them. @throws Problem `unknown-cluster`, `unavailable` */
export async function registeredClusters(name: string | undefined, screen: Screen): Promise<Registered[]> {
  using _ = reportingProgress(screen, () => 'reading which clusters there are');
  const registry = new ClusterRegistry();
  return name === undefined ? await registry.all() : [{ name, cluster: await registry.configurationOf(name) }];
}

/**
 * Looks at one of many clusters: what goes wrong with it is told of it, and hides none of the others.
 * @throws PreconditionFailed where no other cluster could be looked at either: what is deployed is of another version, or the caller may not
 */
export async function lookAt<Finding>(
  look: () => Promise<Finding>,
  onFailure: (why: LookFailure) => Finding,
): Promise<Finding> {
  try {
    return await look();
  } catch (thrown) {
    if (thrown instanceof Problem) return onFailure(ofProblem(thrown));
    const error = explained(thrown);
    if (error instanceof PreconditionFailed || !(error instanceof Error)) throw error;
    return onFailure({ error: error.name, cause: error.message });
  }
}

/** What is deployed reads the same configuration. @throws Problem `diagnosis-failed` where it cannot be read */
export function requireReadable(registered: Registered): void {
  if ('problem' in registered) {
    throw new Problem('diagnosis-failed', `${ERROR_NAMES.PreconditionFailed}: ${registered.problem}`);
  }
}

/** A step fails with an error that has a name. */
function ofProblem({ name, message }: Problem): LookFailure {
  if (name !== 'diagnosis-failed') return { error: ERROR_NAMES.AwsUnavailable, cause: message };
  const [, error = 'Error', cause = message] = /^(\w+): (.*)$/s.exec(message) ?? [];
  return { error, cause };
}
