import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { type Answer, failure, success } from './answer.ts';
import type { JobKind } from './job.ts';
import type { ServiceManager } from './manager.ts';
import { showProperties } from './properties.ts';
import type { Service } from './service.ts';
import { unitId } from './unit.ts';

type Values = Readonly<Record<string, unknown>>;

interface Verb {
  options: ParseArgsOptionsConfig;
  takesUnit: boolean;
  run(manager: ServiceManager, id: string, values: Values): Answer | Promise<Answer>;
}

const NO_BLOCK = { 'no-block': { type: 'boolean' } } as const satisfies ParseArgsOptionsConfig;

const VERBS: Readonly<Record<string, Verb>> = {
  start: { options: NO_BLOCK, takesUnit: true, run: (...call) => enqueue('start', ...call) },
  stop: { options: {}, takesUnit: true, run: (...call) => enqueue('stop', ...call) },
  restart: { options: NO_BLOCK, takesUnit: true, run: (...call) => enqueue('restart', ...call) },
  kill: { options: { signal: { type: 'string', short: 's' } }, takesUnit: true, run: kill },
  show: { options: { property: { type: 'string', short: 'p', multiple: true } }, takesUnit: true, run: show },
  'is-active': { options: {}, takesUnit: true, run: isActive },
  cat: { options: {}, takesUnit: true, run: cat },
  'daemon-reload': {
    options: {},
    takesUnit: false,
    run: (manager) => {
      manager.reload();
      return success();
    },
  },
  'reset-failed': { options: {}, takesUnit: true, run: resetFailed },
};

/**
 * Does what a command line of systemctl asks for.
 * @throws Error for a verb or an option that is not known here, and for a unit file that is not understood
 */
export async function systemctl(manager: ServiceManager, args: readonly string[]): Promise<Answer> {
  // Options may come before the verb; none of them but those two takes an argument of its own.
  const verbIndex = args.findIndex(
    (arg, index) => !arg.startsWith('-') && !/^(-[ps]|--property|--signal)$/.test(args[index - 1] ?? ''),
  );
  const name = args[verbIndex] ?? '';
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) {
    throw new Error(`Unknown command verb '${name}'. Supported here: ${Object.keys(VERBS).join(', ')}.`);
  }
  const { values, positionals } = parseArgs({
    args: args.filter((_arg, index) => index !== verbIndex),
    options: verb.options,
    allowPositionals: true,
  });
  const expected = verb.takesUnit ? 1 : 0;
  if (positionals.length !== expected) {
    throw new Error(`${name} takes ${expected} unit${verb.takesUnit ? '' : 's'} here, not ${positionals.length}`);
  }
  return verb.run(manager, verb.takesUnit ? unitId(positionals[0] ?? '') : '', values);
}

async function enqueue(kind: JobKind, manager: ServiceManager, id: string, values: Values): Promise<Answer> {
  const service = manager.find(id);
  if (service === undefined) {
    return failure(5, `Failed to ${kind} ${id}: Unit ${id} not ${kind === 'stop' ? 'loaded' : 'found'}.`);
  }
  const job = service.request(kind);
  if (values['no-block'] === true) return success();
  const result = await job;
  if (result === 'done') return success();
  return failure(1, result === 'canceled' ? `Job for ${id} canceled.` : explainFailure(service));
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  resources: 'of unavailable resources or another system error',
  protocol: 'the service did not take the steps required by its unit configuration',
  timeout: 'a timeout was exceeded',
  'exit-code': 'the control process exited with error code',
  signal: 'a fatal signal was delivered to the control process',
  'start-limit-hit': 'start of the service was attempted too often',
};

function explainFailure({ unit: { id }, status: { result, problem } }: Service): string {
  const explanation = EXPLANATIONS[result];
  return [
    `Job for ${id} failed${explanation === undefined ? '' : ` because ${explanation}`}.`,
    `See "systemctl status ${id}" and "journalctl -xeu ${id}" for details.`,
    ...(result === 'start-limit-hit'
      ? [`To force a start use "systemctl reset-failed ${id}"`, `followed by "systemctl start ${id}" again.`]
      : []),
    ...(problem === '' ? [] : [problem]),
  ].join('\n');
}

function kill(manager: ServiceManager, id: string, { signal }: Values): Answer {
  const wanted = String(signal ?? '');
  const name = /^(?:SIG)?([A-Z0-9]+)$/.exec(wanted)?.[1] ?? '';
  const found = Object.entries(constants.signals).find(
    ([known, number]) => known === `SIG${name}` || `${number}` === name,
  );
  if (found === undefined) throw new Error(`kill: -s takes the name or number of a signal, not "${wanted}"`);
  const service = manager.find(id);
  if (service === undefined) return failure(1, `Failed to kill unit ${id}: Unit ${id} not loaded.`);
  service.kill(found[0] as NodeJS.Signals);
  return success();
}

function show(manager: ServiceManager, id: string, { property }: Values): Answer {
  const names = ((property ?? []) as string[]).flatMap((list) => list.split(','));
  if (names.length === 0) throw new Error('show: say which properties, with -p NAME');
  return success(showProperties(names, id, manager.find(id)));
}

function isActive(manager: ServiceManager, id: string): Answer {
  const state = manager.find(id)?.status.activeState ?? 'inactive';
  return { exitCode: state === 'active' ? 0 : 3, stdout: `${state}\n`, stderr: '' };
}

function cat(manager: ServiceManager, id: string): Answer {
  const unit = manager.find(id)?.unit;
  if (unit === undefined) return failure(1, `No files found for ${id}.`);
  const files = [unit.fragmentPath, ...unit.dropInPaths];
  return success(files.map((file) => `# ${file}\n${readFileSync(file, 'utf8')}`).join('\n'));
}

function resetFailed(manager: ServiceManager, id: string): Answer {
  const service = manager.find(id);
  if (service === undefined) return failure(1, `Failed to reset failed state of unit ${id}: Unit ${id} not loaded.`);
  service.resetFailed();
  return success();
}
