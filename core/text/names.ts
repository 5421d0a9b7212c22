/** Of what is found by its name: every such name has this in it once. */
const PLATFORM = /etcd-?remediation/i;

/** A name as it is where the configuration has a prefix, so that a second platform fits beside the first: `blue-etcd-remediation-pages`. */
export function withPrefix(name: string, prefix = ''): string {
  return prefix === '' ? name : name.replace(PLATFORM, (platform) => `${prefix}-${platform}`);
}
