import type { IConstruct } from 'constructs';
import { withPrefix } from '../core/text/names.ts';

/** The context that holds the configuration's prefix: of what is below a construct, whatever the app around it has. */
const PREFIX = 'etcd-remediation:prefix';

/** For a construct that has no children yet. */
export function setPrefix(scope: IConstruct, prefix = ''): void {
  scope.node.setContext(PREFIX, prefix);
}

/** A name by which something is found, as it is below this construct. */
export function named(scope: IConstruct, name: string): string {
  return withPrefix(name, prefixOf(scope));
}

/** Empty where the configuration has none. */
export function prefixOf(scope: IConstruct): string {
  return scope.node.tryGetContext(PREFIX) ?? '';
}

/** What has to be typed after a command that finds the deployment: ` --prefix blue`. */
export function prefixOption(scope: IConstruct): string {
  const prefix = prefixOf(scope);
  return prefix === '' ? '' : ` --prefix ${prefix}`;
}
