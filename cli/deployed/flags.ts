import { typed } from '../format.ts';

/** What each command of the deployed system takes. */
export interface DeployedFlags {
  region?: string;
  profile?: string;
  prefix?: string;
  json: boolean;
}

export interface StartFlags extends DeployedFlags {
  incident?: string;
  member?: string;
  dryRun: boolean;
  reason?: string;
  parameters?: unknown;
  id?: string;
  watch: boolean;
}

export interface AnswerFlags extends DeployedFlags {
  reason?: string;
  approval?: string;
  yes: boolean;
}

export interface StopFlags extends DeployedFlags {
  reason: string;
}

/** What is typed next, of the same deployment. */
export function typedNext({ region, profile, prefix }: DeployedFlags, ...args: readonly string[]): string {
  return typed(
    ...args,
    ...(region ? ['--region', region] : []),
    ...(profile ? ['--profile', profile] : []),
    ...(prefix ? ['--prefix', prefix] : []),
  );
}
