import { Command } from 'commander';
import { remediationIdSchema } from '../core/remediation/remediation.ts';
import { takeDeployment } from './deployed/commands.ts';
import type { DeployedFlags } from './deployed/flags.ts';
import { keepReport, readKept, reportsFolder } from './kept-reports.ts';
import { examples, requireOption, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';

interface Flags extends DeployedFlags {
  deployed: boolean;
}

/** `etcd-remediation report`: makes the report of a remediation again. */
export function reportCommand(): Command {
  const command = new Command('report')
    .helpGroup(WITHOUT_AWS)
    .summary('make the report of a remediation again')
    .description(
      'Makes the report of a remediation again, as JSON and as one page that needs nothing else. It says what was wrong, what was done, what it cost, ' +
        'what is lost and what is left. For a remediation of this machine it reads what is kept here. With --deployed it reads the ' +
        `history of the execution, which Step Functions keeps for 90 days after its end. Both are written into ${reportsFolder()}.`,
    )
    .argument('<id>', 'the ID of the remediation')
    .option('--deployed', 'of a remediation that ran in AWS', false);
  return takeDeployment(command)
    .option(
      '--json',
      'print the report as one JSON object on the last line; everything else goes to standard error',
      false,
    )
    .addHelpText(
      'after',
      examples(
        ['report 1c2f0a7e-5f0c-4f86-9d0c-7f5b1c1d2e3f', 'report INC-1234 --deployed'],
        '0 it was made, 1 it was not, 2 for a wrong use.',
      ),
    )
    .action(report);
}

async function report(id: string, flags: Flags): Promise<void> {
  requireOption(remediationIdSchema, '<id>', id);
  const output = openOutput(flags.json);
  const made = flags.deployed
    ? await (await import('./deployed/report.ts')).deployedReport(id, flags)
    : await readKept(id);
  const path = await keepReport(made);
  output.finish(made, [`${made.outcome}: ${made.summary}`, `Report: ${path}`]);
}
