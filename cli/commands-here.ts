import type { Commands } from '../report/next-steps.ts';
import { type FileFlags, typedFiles } from './files.ts';
import { typed } from './format.ts';

/** How a person goes on where it runs on this machine. */
export function commandsHere(files: FileFlags): Commands {
  return {
    diagnose: (cluster) => typed('diagnose', cluster, ...typedFiles(files)),
    remediate: (cluster, incident) =>
      typed('run', cluster, ...typedFiles(files), ...(incident === '' ? [] : ['--incident', incident])),
  };
}
