import { HOST_COMMANDS, type HostCommandName } from '../hosts/host-commands.ts';

/** One run of a step, as an execution's history shows it. */
export interface StepRun {
  step: string;
  input: unknown;
  /** Undefined where it has none: the step is under way, or has failed. */
  output: unknown;
  /** The error's name; empty where it has not failed. */
  error: string;
}

/** What an execution has changed, in its order; and what it may have changed, whose end is unknown. */
export interface ChangesSoFar {
  done: string[];
  perhaps: string[];
}

/** An execution of a runbook that is stopped. */
export interface SoFar {
  runbook: string;
  runs: readonly StepRun[];
  /** The execution's variables, each as it was assigned last. */
  variables: Readonly<Record<string, unknown>>;
}

export type Fields = Readonly<Record<string, unknown>>;

/** What a step has changed; without an output, what it may have. */
export type DescribeChanges = (input: Fields, output: Fields | undefined) => string[];

/** The command that a step runs on hosts, if it runs one. */
export function commandOf({ input }: Pick<StepRun, 'input'>): HostCommandName | undefined {
  const { command, commands } = fieldsOf(input);
  return Array.isArray(commands) && Object.hasOwn(HOST_COMMANDS, String(command))
    ? (command as HostCommandName)
    : undefined;
}

export function fieldsOf(value: unknown): Fields {
  return Object(value) as Fields;
}

export function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value : [];
}
