import { Command, Option } from 'commander';
import { INCIDENTS } from '../../core/runbooks.ts';
import { examples, parseParameters, WITH_AWS } from '../options.ts';
import type { AnswerFlags, DeployedFlags, StartFlags, StopFlags } from './flags.ts';

const CALLER =
  'Works on what is deployed to AWS, with the credentials and the region of the AWS SDK: AWS_PROFILE, AWS_REGION, ~/.aws/config.';
/** The same for all, so that a script need know one rule. */
const STATUS = '0 for Remediated, NothingToDo, Planned and while it runs; 1 for any other outcome; 2 for a wrong use.';

/** The commands for the deployed system. Nothing of AWS is loaded before one of them runs. */
export function createDeployedCommands(): Command[] {
  return [
    startCommand(),
    statusCommand(),
    watchCommand(),
    answerCommand('approve'),
    answerCommand('reject'),
    stopCommand(),
    clustersCommand(),
  ];
}

export function takeDeployment(command: Command): Command {
  return command
    .option('--region <region>', 'the region of the deployment (default: that of the AWS SDK)')
    .option('--profile <profile>', 'a profile of ~/.aws/config (default: that of the AWS SDK)')
    .option('--prefix <prefix>', 'the "prefix" of clusters.json, where it has one');
}

function deployedCommand(name: string, summary: string, description: string): Command {
  return new Command(name).helpGroup(WITH_AWS).summary(summary).description(`${description}\n\n${CALLER}`);
}

function takeOutput(command: Command): Command {
  return takeDeployment(command).option(
    '--json',
    'print one JSON object on the last line; everything else goes to standard error',
    false,
  );
}

function startCommand(): Command {
  const command = deployedCommand(
    'start',
    'start a remediation of a cluster',
    'Starts the workflow that finds out what is wrong with a cluster and lets the runbooks remediate it. Ends as soon as it is started; ' +
      '--watch follows it to its end. Only one remediation at a time works on a cluster. If one runs already, its ID is printed and nothing is started.',
  )
    .argument('<cluster>', 'the cluster, by its name in clusters.json')
    .addOption(
      new Option('--incident <incident>', 'what is wrong (default: what a diagnosis finds)').choices(INCIDENTS),
    )
    .option('--member <name>', 'of member-failed: which member has failed (default: all that have)')
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .option('--reason <text>', 'why, such as the ID of a ticket; it is recorded')
    .option(
      '--parameters <json>',
      'parameters of the runbook of --incident, such as {"retainRevisions":1000}',
      parseParameters,
    )
    .option(
      '--id <id>',
      'its ID. A start with the same ID happens once, however often it is repeated (default: a new one)',
    )
    .option('--watch', 'follow it to its end', false);
  return takeOutput(command)
    .addHelpText(
      'after',
      examples(
        [
          'start orders --dry-run --watch',
          'start orders --reason INC-1234',
          'start orders --incident member-failed --member node3 --watch',
          `start orders --incident space-exceeded --parameters '{"retainRevisions":1000}'`,
        ],
        '0 it was started, 1 it was not, 2 for a wrong use; with --watch as of "watch".',
      ),
    )
    .action(async (cluster: string, flags: StartFlags) => (await import('./start.ts')).start(cluster, flags));
}

function statusCommand(): Command {
  const command = deployedCommand(
    'status',
    'say where a remediation is, or what came of it',
    'Says what a remediation does now, the question that it waits with, or what it ended with. Step Functions forgets one 90 days after its end.',
  ).argument('<id>', 'the ID that "start" has printed: the name of the execution');
  return takeOutput(command)
    .addHelpText('after', examples(['status 1c2f0a7e-...', 'status INC-1234 --json'], STATUS))
    .action(async (id: string, flags: DeployedFlags) => (await import('./status.ts')).status(id, flags));
}

function watchCommand(): Command {
  const command = deployedCommand(
    'watch',
    'follow a remediation to its end',
    'Prints what a remediation has done so far, then each step as it ends, those of its runbooks too, and what came of it. Ctrl-C ends the ' +
      'watching; the remediation goes on.',
  ).argument('<id>', 'the ID that "start" has printed: the name of the execution');
  return takeOutput(command)
    .addHelpText('after', examples(['watch INC-1234'], STATUS))
    .action(async (id: string, flags: DeployedFlags) => (await import('./watch.ts')).watch(id, flags));
}

function answerCommand(decision: 'approve' | 'reject'): Command {
  const approves = decision === 'approve';
  const command = deployedCommand(
    decision,
    approves ? 'let a remediation do what it waits to do' : 'end a remediation that waits for an approval',
    `Shows what a remediation waits to do, and ${approves ? 'lets it' : 'ends it without having done it'}. Asks first. Without a ` +
      'terminal, give --yes. The answer is for the question that was shown: if the remediation asks another one by then, nothing is answered. ' +
      'While it re-checks its cluster or handles another incident, it takes no answer: the command tries again for up to five minutes.',
  ).argument('<id>', 'the remediation');
  const reason = '--reason <text>';
  if (approves) command.option(reason, 'why; it is recorded');
  else command.requiredOption(reason, 'why; it is recorded');
  command
    .option('--approval <id>', 'answer this question and no other: its ID, as "status" shows it')
    .option('--yes', 'do not ask', false);
  return takeOutput(command)
    .addHelpText(
      'after',
      examples(
        approves
          ? ['approve INC-1234', 'approve INC-1234 --approval 1 --reason "host is gone" --yes']
          : ['reject INC-1234 --reason "the host comes back in five minutes"'],
        '0 it was answered, 1 it was not, 2 for a wrong use.',
      ),
    )
    .action(async (id: string, flags: AnswerFlags) => (await import('./answer.ts')).answer(decision, id, flags));
}

function stopCommand(): Command {
  const command = deployedCommand(
    'stop',
    'stop a remediation where it is',
    'Stops a remediation where it is, and the runbook that it runs. What was done stays done: the next one goes on from there. Its cluster is ' +
      'free within seconds.',
  )
    .argument('<id>', 'the remediation')
    .requiredOption('--reason <text>', 'why; it is recorded');
  return takeOutput(command)
    .addHelpText(
      'after',
      examples(
        ['stop INC-1234 --reason "the host is being repaired"'],
        '0 it was stopped, 1 it was not, 2 for a wrong use.',
      ),
    )
    .action(async (id: string, flags: StopFlags) => (await import('./stop.ts')).stop(id, flags));
}

function clustersCommand(): Command {
  const command = deployedCommand(
    'clusters',
    'list the clusters, and the remediation of each',
    'Lists the deployed clusters. Each has the remediation that runs, and the last one that has ended.',
  );
  return takeOutput(command)
    .addHelpText(
      'after',
      examples(['clusters', 'clusters --json'], '0 they were listed, 1 they were not, 2 for a wrong use.'),
    )
    .action(async (flags: DeployedFlags) => (await import('./clusters.ts')).clusters(flags));
}
