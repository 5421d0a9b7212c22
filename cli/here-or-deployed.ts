import { type Command, Option } from 'commander';
import { InvalidInput } from '../core/errors.ts';
import { takeDeployment } from './deployed/commands.ts';
import type { DeployedFlags } from './deployed/flags.ts';

/** What the commands have in common that work here, on files and folders of this machine, or with --deployed on what is deployed. */

export interface HereOrDeployed extends DeployedFlags {
  deployed?: true;
}

/** @param what deployed does: `let what is deployed to AWS back it up` @param here the options that only count here */
export function takeDeployed(command: Command, what: string, here: readonly string[]): Command {
  return takeDeployment(command.addOption(new Option('--deployed', `${what}; no file is needed`).conflicts([...here])));
}

/** @param option `--backups <folder>`, which there is no work without @throws InvalidInput */
export function requireHere<Value>(value: Value | undefined, option: string): Value {
  if (value !== undefined) return value;
  throw new InvalidInput(`Give ${option}, or --deployed for what is deployed to AWS.`);
}
