import { Command, CommanderError } from 'commander';
import { ERROR_NAMES, InvalidInput } from '../core/errors.ts';
import { diagnoseCommand } from './diagnose.ts';
import { drillCommand } from './drill.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';
import { endOnSignals } from './signals.ts';

const SUCCESS = 0;
const FAILURE = 1;
const WRONG_USE = 2;

/** The command line. Exit status: 0 the outcome is a success, 1 it is not, 2 the command was used wrongly. */
export async function main(argv: readonly string[]): Promise<void> {
  endOnSignals();
  const program = new Command('etcd-remediation')
    .description('Brings an etcd cluster back without a person at the keyboard.')
    .addCommand(diagnoseCommand())
    .addCommand(runCommand())
    .addCommand(serveCommand())
    .addCommand(drillCommand());
  for (const command of [program, ...program.commands]) command.exitOverride().showHelpAfterError('(--help says more)');
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error, argv.includes('--json'));
  }
}

function report(error: unknown, json: boolean): number {
  const print = (name: string, message: string) => {
    if (json) process.stdout.write(`${JSON.stringify({ outcome: name, report: { error: name, cause: message } })}\n`);
  };
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return SUCCESS;
    // Commander has written its own message to standard error already.
    print(ERROR_NAMES.InvalidInput, error.message.replace(/^error: /, ''));
    return WRONG_USE;
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`${name}: ${message}\n`);
  print(name, message);
  return error instanceof InvalidInput ? WRONG_USE : FAILURE;
}
