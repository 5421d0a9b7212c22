import type { IConstruct } from 'constructs';
import { withPrefix } from '../core/text/names.ts';

/** The context that holds the configuration's prefix. */
export const PREFIX = 'prefix';

/** A name by which something is found, as it is in this construct's stack. */
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
