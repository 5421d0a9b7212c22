import { Command, CommanderError, Help, type Option } from 'commander';
import { PROBLEMS, Problem } from '../core/api/problems.ts';
import { ERROR_NAMES, InvalidInput } from '../core/errors.ts';
import { analyzeCommand } from './analyze.ts';
import { backupCommand } from './backup.ts';
import { backupsCommand } from './backups.ts';
import { checkCommand } from './check.ts';
import { createDeployedCommands } from './deployed/commands.ts';
import { diagnoseCommand } from './diagnose.ts';
import { drillCommand } from './drill.ts';
import { explainedAt, problemName } from './error-entry.ts';
import { rehearseCommand } from './rehearse.ts';
import { reportCommand } from './report-command.ts';
import { runCommand } from './run.ts';
import { clearLiveLine, openScreen } from './screen.ts';
import { serveCommand } from './serve.ts';
import { endOnSignals } from './signals.ts';
import { version } from './version.ts';

const SUCCESS = 0;
const FAILURE = 1;
const WRONG_USE = 2;

/** The command line. Exit status: 0 the outcome is a success, 1 it is not, 2 the command was used wrongly. */
export async function main(argv: readonly string[]): Promise<void> {
  endOnSignals();
  const program = createProgram();
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error, argv.includes('--json'));
  }
}

/** All commands, with their options and arguments. */
export function createProgram(): Command {
  const program = new Command('etcd-remediation')
    .description('Brings an etcd cluster back without a person at the keyboard.')
    .version(version(), '--version', 'print the version')
    .addCommand(checkCommand())
    .addCommand(diagnoseCommand())
    .addCommand(analyzeCommand())
    .addCommand(runCommand())
    .addCommand(serveCommand())
    .addCommand(backupCommand())
    .addCommand(backupsCommand())
    .addCommand(rehearseCommand())
    .addCommand(drillCommand())
    .addCommand(reportCommand());
  for (const command of createDeployedCommands()) program.addCommand(command);
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showHelpAfterError(`(${helpOf(command, program)} says more)`)
      .configureHelp({ optionDescription });
    const required = command.options.filter(({ mandatory }) => mandatory).map(({ flags }) => flags);
    if (required.length > 0) command.usage([...required, command.usage()].join(' '));
  }
  return program;
}

/** As it is typed without a command's name: npx takes an option that comes first for its own, and explains itself. */
function helpOf(command: Command, program: Command): string {
  return command === program ? '"npx --no -- etcd-remediation --help"' : '--help';
}

/** Without the default of a switch, which is always off. */
function optionDescription(this: Help, option: Option): string {
  return Help.prototype.optionDescription.call(this, option).replace(' (default: false)', '');
}

function report(error: unknown, json: boolean): number {
  const print = (name: string, message: string, more = {}) => {
    if (json) {
      process.stdout.write(`${JSON.stringify({ outcome: name, ...more, report: { error: name, cause: message } })}\n`);
    }
  };
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return SUCCESS;
    // Commander has written its own message to standard error already.
    print(ERROR_NAMES.InvalidInput, error.message.replace(/^error: /, ''));
    return WRONG_USE;
  }
  const { message } = error instanceof Error ? error : new Error(String(error));
  const name = error instanceof Problem ? problemName(error.name) : error instanceof Error ? error.name : 'Error';
  clearLiveLine();
  openScreen(process.stderr).print([`${name}: ${message}`, ...explainedAt([name])].join('\n'));
  print(name, message, error instanceof Problem && error.remediation ? { remediation: error.remediation } : {});
  return isWrongUse(error) ? WRONG_USE : FAILURE;
}

/** A name that there is not is a wrong use, a remediation that is in the way is not. */
function isWrongUse(error: unknown): boolean {
  return (
    error instanceof InvalidInput || (error instanceof Problem && [400, 404].includes(PROBLEMS[error.name].status))
  );
}
