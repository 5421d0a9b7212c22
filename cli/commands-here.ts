import type { Commands } from '../report/next-steps.ts';
import { type FileFlags, typedFiles } from './files.ts';
import { typed } from './format.ts';

/** How a person goes on where it runs on this machine. */
export function commandsHere(files: FileFlags): Commands {
  return {
    diagnose: (cluster) => typed('diagnose', ...typedFiles(files), '--cluster', cluster),
    remediate: (cluster, incident) =>
      typed('run', ...typedFiles(files), '--cluster', cluster, ...(incident === '' ? [] : ['--incident', incident])),
  };
}
