import type { Commands } from '../report/next-steps.ts';

/** How a person goes on with what is deployed. @param typed a command line of these arguments */
export function deployedCommands(typed: (...args: string[]) => string = typedWithPrefix): Commands {
  return {
    diagnose: (cluster) => typed('diagnose', cluster, '--deployed'),
    remediate: (cluster, incident) => typed('start', cluster, ...(incident === '' ? [] : ['--incident', incident])),
  };
}

/** By what is deployed itself: it knows of which prefix it is. */
function typedWithPrefix(...args: string[]): string {
  const { ETCD_REMEDIATION_PREFIX: prefix } = process.env;
  return ['npx', 'etcd-remediation', ...args, ...(prefix ? ['--prefix', prefix] : [])].join(' ');
}
