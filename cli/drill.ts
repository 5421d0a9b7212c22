import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { RESET_STRATEGIES } from '../core/auth-token-reset/contracts.ts';
import { HOST_COMMANDS } from '../core/hosts/host-commands.ts';
import { SCENARIOS } from '../drills/registry.ts';
import {
  DAMAGES,
  type Damage,
  type DrillOptions,
  type DrillProgress,
  type DrillResult,
  HOST_KINDS,
  type HostKind,
  type RecordedDrill,
  type ResetStrategy,
  type Scenario,
} from '../drills/scenario.ts';
import { HOST_FAULTS, type HostFault } from '../local/aws/host-faults.ts';
import { findEtcd } from '../local/etcd/binaries.ts';
import { DEFAULT_VERSION } from '../local/etcd/versions.ts';
import { isInside, reexecInside } from '../local/hosts/systemd/enter.ts';
import { makeReport } from '../report/make-report.ts';
import { Course, earlierDrills } from './course.ts';
import { explainedAt, isErrorName } from './error-entry.ts';
import { formatMs } from './format.ts';
import { newestReports, saveReport } from './kept-reports.ts';
import { examples, parseDelivery, WITHOUT_AWS } from './options.ts';
import { openOutput } from './output.ts';
import { Progress } from './progress.ts';
import { printAtSignal } from './signals.ts';
import { wrap } from './wrap.ts';

const [DEFAULT_SCENARIO] = SCENARIOS;
/** etcd's own bookkeeping needs a few MiB: below this the quota is full before anything is written. */
const MIN_SIZE_MIB = 16;
const MAX_SIZE_MIB = 8192;
const FAULT_LIST = Object.entries(HOST_FAULTS)
  .map(([name, meaning]) => `"${name}": ${meaning}`)
  .join('; ');
/** Scenarios that are about a defect of one release. */
const OWN_VERSIONS = SCENARIOS.flatMap(({ name, etcd }) =>
  etcd === undefined ? [] : `; ${name}: ${etcd}, which has its defect`,
).join('');
/** Where there is nothing to do, a scenario's own checks say whether that is right. */
const SUCCESSES: readonly string[] = ['Remediated', 'NothingToDo'];

/** Of a terminal that does not say. */
const HELP_COLUMNS = process.stdout.columns || 80;

const OWN_CLUSTER_ENDS = "Stopped. The drill's own cluster and its hosts end with it, and nothing else was touched.";

interface Flags {
  etcd?: string;
  members: string;
  tls: boolean;
  auth: boolean;
  size: number;
  hosts?: HostKind;
  damage?: Damage;
  strategy?: ResetStrategy;
  fault?: HostFault[];
  delivery: number;
  json: boolean;
}

/** `etcd-remediation drill`: breaks a real cluster on this machine, lets it be remediated, and proves it. */
export function drillCommand(): Command {
  const names = SCENARIOS.map((scenario) => scenario.name);
  const command = new Command('drill')
    .helpGroup(WITHOUT_AWS)
    .summary('break a real etcd cluster on this machine, remediate it, prove it')
    .description(
      'Starts a real etcd cluster on loopback, breaks it, lets the same workflow remediate it that is deployed to AWS, and proves the ' +
        `result. Touches nothing but this cluster.\n\nScenarios:\n${SCENARIOS.flatMap((each) => wrap(`  ${each.name}  ${each.summary}`, HELP_COLUMNS)).join('\n')}`,
    )
    .argument(
      '[scenarios...]',
      `what to break (default: ${DEFAULT_SCENARIO.name})`,
      (value: string, chosen: string[] | undefined) => {
        if (!names.includes(value)) throw new InvalidArgumentError(`There is: ${names.join(', ')}.`);
        return [...(chosen ?? []), value];
      },
    )
    .option(
      '--etcd <version|dir>',
      `a version such as 3.7 or 3.4.23, or a folder with the binaries (default: the PATH, then ${DEFAULT_VERSION}${OWN_VERSIONS})`,
      parseEtcd,
    )
    .addOption(new Option('--members <count>', 'members of the cluster').choices(['1', '3', '5']).default('3'))
    .addOption(
      new Option(
        '--hosts <kind>',
        'where a scenario needs hosts: "process" needs no root (default), "systemd" is real systemd, for root on Linux',
      ).choices(HOST_KINDS),
    )
    .addOption(
      new Option(
        '--damage <kind>',
        'of quorum-lost: "intact" kills all members and leaves their data; "survivor" leaves one running, the others without data; ' +
          '"killed" (default) kills all and leaves the data of one; "wal" kills all and makes every log unreadable',
      ).choices(DAMAGES),
    )
    .addOption(
      new Option(
        '--strategy <kind>',
        'of auth-token-invalid: "restart" the member, "toggle" authentication, or "restart-then-toggle" (default)',
      ).choices(RESET_STRATEGIES),
    )
    .option(
      '--fault <name@command>',
      `of member-failed, data-corrupt, quorum-lost and backup: what goes wrong with a command on hosts, such as host-rebooted@swap-data-dir; may be repeated: ${FAULT_LIST}`,
      parseFault,
    )
    .option('--delivery <seconds>', 'how long a command takes to its host; about 2 with SSM', parseDelivery, 0)
    .option('--tls', 'with TLS, and client certificates', false)
    .option('--auth', 'with authentication', false)
    .option('--size <MiB>', "quota of each member's database", parseSize, 32)
    .option('--json', 'print one JSON object on the last line; everything else goes to standard error', false)
    .addHelpText(
      'after',
      examples(
        [
          'drill',
          'drill space-exceeded --tls --auth --etcd 3.4 --members 5',
          'drill quorum-lost --damage wal',
          'drill member-failed --fault script-killed@join-cluster',
          'drill full --json',
        ],
        '0 every scenario was remediated and all of its checks hold; 1 one was not, or a check fails; 2 for a wrong use.',
      ),
    );
  return command.action(async (scenarios: string[] | undefined, flags: Flags) => {
    const output = openOutput(flags.json);
    const { fault: faults, delivery, ...others } = flags;
    const options: DrillOptions = {
      ...{ ...others, members: Number(flags.members), sizeMiB: flags.size, deliveryMs: delivery * 1000 },
      ...(faults && { faults }),
    };
    const names = scenarios?.length ? scenarios : [DEFAULT_SCENARIO.name];
    using _ = printAtSignal(() => OWN_CLUSTER_ENDS);
    const chosen = SCENARIOS.filter((each) => names.includes(each.name));
    const problem = chosen.map((scenario) => misfit(scenario, options)).find((each) => each !== undefined);
    if (problem) command.error(`error: ${problem}`);
    if (flags.hosts === 'systemd' && !isInside()) {
      // Inside, Debian's packages cannot be fetched.
      for (const { etcd } of chosen) await findEtcd(flags.etcd ?? etcd, output.print);
      process.exitCode = await reexecInside([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
      return;
    }
    for (const scenario of chosen) {
      output.print(`Drill ${scenario.name}: ${scenario.summary}`);
      const etcd = options.etcd ?? scenario.etcd;
      const course = new Course(earlierDrills(await newestReports(), scenario.name));
      const progress = new Progress(output, { course });
      const doing = shownUntilTheNext(progress);
      let recorded: RecordedDrill | undefined;
      const record = (each: RecordedDrill) => {
        recorded = each;
      };
      const result = await scenario.run({ ...options, etcd }, { ...doing, record }).finally(doing.end);
      const passed = SUCCESSES.includes(result.outcome) && result.checks.every((check) => check.ok);
      const { line, reportFile } = await saveReport(() =>
        makeReport({ ...(recorded ?? { runbooks: [] }), now: new Date() }),
      );
      output.finish({ ...result, reportFile }, [
        ...summarize(result, passed),
        ...(passed ? [] : explainedAt([result.outcome].filter(isErrorName))),
        line,
      ]);
      if (!passed) process.exitCode = 1;
    }
  });
}

/** What a drill says that it does, until it says what it does next, or its remediation begins. */
function shownUntilTheNext({ begin, onEvent, follow }: Progress): DrillProgress & { end: () => void } {
  let doing: Disposable | undefined;
  const end = () => doing?.[Symbol.dispose]();
  return {
    say: (line) => {
      end();
      doing = begin(line);
    },
    onEvent: (event) => {
      end();
      onEvent(event);
    },
    follow: (stateMachineName, input) => {
      end();
      return follow(stateMachineName, input);
    },
    end,
  };
}

/** Why a scenario cannot be run with these options. */
function misfit(
  { name, needsHosts, takesDamage, takesStrategy, takesFaults }: Scenario,
  { members, hosts, damage, strategy, faults }: DrillOptions,
): string | undefined {
  if (hosts && !needsHosts) return `The drill ${name} has no hosts: leave --hosts out.`;
  if (damage && !takesDamage) return `The drill ${name} knows one kind of damage: leave --damage out.`;
  if (strategy && !takesStrategy) return `The drill ${name} knows one way: leave --strategy out.`;
  if (faults && !takesFaults) return `The drill ${name} is run without faults: leave --fault out.`;
  if (needsHosts && members < 3) {
    return `The drill ${name} needs members that stay when others fail: give --members 3 or 5.`;
  }
  return undefined;
}

function parseEtcd(text: string): string {
  if (/^\d+\.\d+(\.\d+)?$/.test(text) || existsSync(text)) return text;
  throw new InvalidArgumentError('It must be a version such as 3.7 or 3.4.23, or a folder that exists.');
}

function parseFault(text: string, others: HostFault[] = []): HostFault[] {
  const [name = '', command = ''] = text.split('@');
  if (!isOneOf(HOST_FAULTS, name))
    throw new InvalidArgumentError(`The faults are: ${Object.keys(HOST_FAULTS).join(', ')}.`);
  if (!isOneOf(HOST_COMMANDS, command)) {
    throw new InvalidArgumentError(`Behind @ stands one of: ${Object.keys(HOST_COMMANDS).join(', ')}.`);
  }
  return [...others, { name, command }];
}

function isOneOf<Known extends object>(known: Known, name: string): name is Extract<keyof Known, string> {
  return Object.hasOwn(known, name);
}

function parseSize(text: string): number {
  const size = Number(text);
  if (Number.isInteger(size) && size >= MIN_SIZE_MIB && size <= MAX_SIZE_MIB) return size;
  throw new InvalidArgumentError(`It must be a whole number of MiB from ${MIN_SIZE_MIB} to ${MAX_SIZE_MIB}.`);
}

function summarize(result: DrillResult, passed: boolean): string[] {
  const { cause } = result.report as { cause?: string };
  return [
    ...(cause === undefined ? [] : [`  ${result.outcome}: ${cause}`]),
    ...result.checks.map((check) => `  ${check.ok ? '✓' : '✗'} ${check.name} (${check.detail})`),
    `${passed ? 'Passed' : 'FAILED'}: ${result.outcome} in ${formatMs(result.remediateMs)} and ${result.stateTransitions} state transitions; ` +
      `${result.ackedWrites} writes acknowledged, ${result.lostWrites} lost; longest write stall ${formatMs(result.maxWriteStallMs)}.`,
  ];
}
