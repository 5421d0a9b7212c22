import { withPrefix } from '../core/text/names.ts';

/** A name by which something is found that is deployed: with the prefix of the deployment, where that has one. */
export function deployedName(name: string): string {
  return withPrefix(name, process.env.ETCD_REMEDIATION_PREFIX);
}
