import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ERROR_NAMES } from '../../core/errors.ts';
import { HOST_COMMANDS, type HostCommandName } from '../../core/hosts/host-commands.ts';
import { CLUSTER_NAME, type HostedOptions, type HostedStage } from '../../drills/stage.ts';
import type { ExecutionResult } from '../../local/asl/execution.ts';
import { HOST_FAULTS, type HostFault, type HostFaultName } from '../../local/aws/host-faults.ts';
import { crashMembers, wipeData } from '../../local/hosts/damage.ts';
import type { Platform } from '../../local/platform.ts';
import { SEED } from '../run/seed.ts';
import { randomFor } from '../run/worlds.ts';
import { RESTART, RESTORE } from '../scenes/commands-in-a-row.ts';
import { expectWhole, hostedStage, outputOf, recover, replace } from '../scenes/hosted-scene.ts';
import { leaveTheLast, namesOf, putThrough, readValue, scratchOf } from '../scenes/lost-quorum.ts';
import { behindProxies, isRunning, pidOf } from '../scenes/remediations.ts';
import { HURRIED } from '../scenes/scene.ts';

/** A cluster, and the platform that looks after it. */
interface World {
  stage: HostedStage;
  platform: Platform;
  breakIt: () => Promise<void>;
  run: () => Promise<ExecutionResult>;
  close: () => Promise<void>;
}

interface Runbook {
  /** Its phases, each by its command. */
  commands: readonly HostCommandName[];
  /** What goes wrong before, so that it comes to these phases: it fails in any case. */
  after?: HostFault;
  make: () => Promise<World>;
}

const RUNBOOKS: Readonly<Record<string, Runbook>> = {
  'a replacement': {
    commands: ['inspect-host', 'control-service', 'archive-data-dir', 'join-cluster'],
    make: () => worldOf(({ cluster }) => cluster.destroyMember('m3'), replace),
  },
  'a start of whole data': {
    commands: RESTART,
    make: () => worldOf((stage) => crashMembers(stage.cluster, namesOf(stage)), recover),
  },
  'a recovery from a log': { commands: RESTORE, make: () => worldOf(leaveTheLast, recover) },
  'a recovery from a survivor': { commands: RESTORE, make: () => worldOf(leaveASurvivor, recover) },
  'a token reset': { commands: ['inspect-host', 'control-service'], make: rejectingWorld },
  'a recovery from a backup': { commands: ['fetch-backup'], make: backedUpWorld },
  'a recovery that is undone': {
    commands: ['revert-data-dir', 'mark-recovery'],
    after: { name: 'script-killed', command: 'swap-data-dir', change: 4 },
    make: () => worldOf(leaveTheLast, recover),
  },
};

async function worldOf(
  breakIt: (stage: HostedStage) => Promise<void>,
  run: (stage: HostedStage) => Promise<ExecutionResult>,
  options: Partial<HostedOptions> = {},
): Promise<World> {
  const stage = await hostedStage({ clock: HURRIED, ...options });
  return {
    ...{ stage, platform: stage.platform, close: stage.close },
    breakIt: () => breakIt(stage),
    run: () => run(stage),
  };
}

async function leaveASurvivor({ cluster }: HostedStage): Promise<void> {
  await crashMembers(cluster, ['m1', 'm2']);
  for (const name of ['m1', 'm2']) await wipeData(cluster, name);
}

/** All data is gone, and a backup holds it. */
async function backedUpWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'backups-'));
  const key = 'last night.db';
  const world = await worldOf(
    async (stage) => {
      await stage.cluster.etcdctl(['snapshot', 'save', join(folder, key)], ['m1']);
      await crashMembers(stage.cluster, namesOf(stage));
      for (const name of namesOf(stage)) await wipeData(stage.cluster, name);
    },
    (stage) => recover(stage, { parameters: { snapshot: { key } } }),
    { backups: folder },
  );
  const close = async () => {
    await world.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...world, close };
}

async function rejectingWorld(): Promise<World> {
  const stage = await hostedStage({ auth: true, clock: HURRIED });
  let rejects = () => false;
  const { platform, close } = await behindProxies(stage, { rejects: () => rejects(), clock: HURRIED });
  return {
    ...{ stage, platform },
    breakIt: async () => {
      const pid = await pidOf(stage, 'm3');
      rejects = () => isRunning(pid);
    },
    run: () =>
      platform.execute({
        incident: 'auth-token-invalid',
        input: { cluster: CLUSTER_NAME, parameters: { confirmSeconds: 1, strategy: 'restart' } },
      }),
    close: async () => {
      await close();
      await stage.close();
    },
  };
}

/** With these a command does its work all the same, and the runbook goes on. */
const HARMLESS: readonly HostFaultName[] = ['not-delivered', 'answer-lost', 'function-killed', 'agent-restarted'];

/** Up to this one of a script's changes; swap-data-dir makes the most. */
const MOST_CHANGES = 12;

/** So many are tried in one run of the tests; which, and where they strike, follows from the seed. */
const TRIED = 3;

/**
 * All of them with TEST_FAULTS=all; with TEST_FAULTS=each every fault at every command once, at each phase of each runbook some; with
 * TEST_FAULTS=NAME@COMMAND that one, in each runbook that has the command.
 */
const CHOSEN = chooseFaults();

function chooseFaults(): { title: string; fault: HostFault }[] {
  const random = randomFor(`${SEED} faults`);
  const all = Object.entries(RUNBOOKS).flatMap(([title, { commands }]) =>
    commands.flatMap((command) =>
      (Object.keys(HOST_FAULTS) as HostFaultName[]).map((name) => ({
        title,
        fault: { name, command, change: 1 + Math.floor(random() * MOST_CHANGES) },
      })),
    ),
  );
  const wanted = process.env.TEST_FAULTS;
  if (wanted === 'all') return all;
  if (wanted === 'each') return oncePerCommand(all);
  if (wanted) return all.filter(({ fault: { name, command } }) => `${name}@${command}` === wanted);
  return Array.from({ length: TRIED }, () => all.splice(Math.floor(random() * all.length), 1)).flat();
}

/** Of the runbooks that have a command, one after the other is struck. */
function oncePerCommand<Cell extends { fault: HostFault }>(all: readonly Cell[]): Cell[] {
  const byCommand = Map.groupBy(all, ({ fault }) => fault.command);
  return [...byCommand.values()].flatMap((cells) =>
    [...Map.groupBy(cells, ({ fault }) => fault.name).values()].flatMap((same, index) => {
      const cell = same[index % same.length];
      return cell ? [cell] : [];
    }),
  );
}

/** Where a host has started etcd by itself, a person decides: here the older data is to be kept. @returns whether anything was to be done */
async function didAsItSays({ cluster }: HostedStage, cause: string): Promise<boolean> {
  const stops = [...cause.matchAll(/"systemctl stop etcd" on (i-\w+)/g)].map(([, host]) => host);
  for (const { name, host } of cluster.members) {
    if (stops.includes(host.id)) await cluster.run(name, 'systemctl stop etcd');
  }
  const moves = [...cause.matchAll(/To keep the older data: move (\S+) away by hand/g)].map(([, path = '']) => path);
  for (const path of new Set(moves)) await rename(path, `${path}.by-hand`);
  return stops.length + moves.length > 0;
}

/** One cluster for each runbook: it is broken again and again, and each time something else goes wrong. */
describe.each([...new Set(CHOSEN.map(({ title }) => title))])(`%s, with a fault (TEST_SEED=${SEED})`, (title) => {
  const runbook = RUNBOOKS[title] as Runbook;
  let world: World | undefined;
  afterAll(async () => world?.close());

  it.each(CHOSEN.flatMap((each) => (each.title === title ? [each.fault] : [])))(
    '$name at $command (change $change), completes, or tells why it could not and is finished by the next execution',
    async (fault) => {
      world ??= await runbook.make();
      const { stage, platform, breakIt, run } = world;
      const value = `${fault.name} ${fault.command}`;
      await putThrough(stage, 'm3', 'kept', value);
      await breakIt();
      const before = platform.commandsOnHosts().length;
      platform.faults.push(...(runbook.after ? [runbook.after] : []), fault);
      const first = await run();
      let outcome = '';
      expect(platform.faults.splice(0), 'it has struck').toEqual([]);
      if (first.status === 'FAILED') {
        const said = `${first.error}: ${first.cause}`;
        if (runbook.after) expect(said).toContain(runbook.after.command);
        else expect(HARMLESS, said).not.toContain(fault.name);
        expect(Object.values(ERROR_NAMES), said).toContain(first.error);
        // A look that is done again after the boot tells what has come of that.
        const { timeoutSeconds } = HOST_COMMANDS[fault.command];
        // An agent that has lost its memory may bring it to its end.
        if (!runbook.after || ![...HARMLESS, 'memory-lost'].includes(fault.name)) {
          expect(first.cause).toMatch(new RegExp(`${fault.command}|${timeoutSeconds} s|has only just been started`));
        }
        let next = await run();
        for (let tries = 0; next.status === 'FAILED' && tries < 3 && (await didAsItSays(stage, next.cause)); tries++) {
          next = await run();
        }
        expect(next, `after ${said}\n${next.status === 'FAILED' ? `${next.error}: ${next.cause}` : ''}`).toMatchObject({
          status: 'SUCCEEDED',
        });
        outcome = outputOf(next).outcome;
      } else {
        outcome = outputOf(first).outcome;
      }
      expect(outcome).toMatch(/^(Remediated|NothingToDo)$/);
      stage.reconnect();
      // A host that was rebooted without data lets etcd begin anew, and with whole data that is a quorum: who is left over is a failed member.
      if ((await stage.etcd.observeMembers()).some(({ answering }) => !answering)) outputOf(await replace(stage));
      await expectWhole(stage);
      expect(await readValue(stage, 'kept')).toBe(value);
      // Where members came back by themselves no host was looked at: what has the word of a recovery is told by `check`, with all that is in it.
      const left = await scratchOf(stage);
      const told = outcome === 'NothingToDo' ? left.filter((path) => path.endsWith('/phase')).map(dirname) : [];
      const untold = left.filter((path) => !told.some((folder) => path.startsWith(`${folder}/`)));
      expect(untold.filter((path) => !/\.[0-9a-f-]{36}(\/phase)?$/.test(path))).toEqual([]);
      // Sent again only where it is sure that it did not run: only then nothing of it has ended.
      const sent = platform
        .commandsOnHosts()
        .slice(before)
        .filter(({ document }) => !document.endsWith('find-command'));
      for (const [comment, same] of Map.groupBy(sent, (each) => each.comment)) {
        expect(same.filter(({ endedMs }) => !Number.isNaN(endedMs)).length, comment).toBeLessThanOrEqual(1);
      }
    },
  );
});
