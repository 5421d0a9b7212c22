import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, utimesSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HostAccess } from '../../local/hosts/access.ts';
import { hostWithData, isLinuxRoot, owner, parametersFor } from '../documents/data-dir-host.ts';
import type { PreparedHost } from '../documents/prepared-host.ts';
import {
  contentsOf,
  controlUnit,
  discardParameters,
  keepSnapshot,
  restoreParameters,
  revisionOf,
  type Snapshot,
  startParameters,
  swapParameters,
  takeSnapshot,
} from '../documents/recovery-host.ts';
import { refuse, runCommand, succeed } from '../documents/script.ts';
import { SEED } from '../run/seed.ts';

/** A host, how it is reached, and where its data lies as seen from outside. */
interface World {
  host: PreparedHost;
  access: HostAccess;
  data: string;
  wal: string;
  /** As it is configured. */
  walDir: string;
  scratch: string;
  archive: string;
}

let snapshot: Snapshot;
beforeAll(async () => {
  snapshot = await takeSnapshot('3.5.16');
});

/** The wal dir is etcd's, too. */
function hostWithWal(): PreparedHost {
  const host = hostWithData(true);
  controlUnit(host);
  execFileSync('chown', ['-R', `${owner.user}:${owner.group}`, host.path('wal')]);
  return host;
}

function folders(host: PreparedHost): World {
  const scratch = '.etcd-remediation.data.run-1';
  return {
    host,
    access: host.access,
    data: 'data',
    wal: 'wal',
    walDir: host.path('wal'),
    scratch,
    archive: 'data/member.run-1',
  };
}

/** A data dir that is not etcd's alone, and not etcd's own folder either: with its configuration, and the wal dir. */
function shared(host: PreparedHost): World {
  mkdirSync(host.path('data/config'));
  host.write('data/config/etcd.yaml', 'name: m-1\n');
  if (host.has('wal')) renameSync(host.path('wal'), host.path('data/wal'));
  execFileSync('chown', ['root:root', host.path('data')]);
  return { ...folders(host), wal: 'data/wal', walDir: host.path('data/wal') };
}

/** Each command gets a mount namespace of its own, in which a folder from outside is mounted. */
function mounted(host: PreparedHost): World {
  const { walDir } = shared(host);
  renameSync(host.path('data'), host.path('volume-data'));
  mkdirSync(host.path('data'));
  mkdirSync(host.path('volume-data/lost+found'));
  const inside = `mount --bind '${host.path('volume-data')}' '${host.path('data')}' && exec ${host.access.exec.map((word) => `'${word}'`).join(' ')}`;
  return {
    host,
    access: { exec: ['unshare', '-m', 'sh', '-c', inside] },
    data: 'volume-data',
    wal: 'volume-data/wal',
    walDir,
    scratch: 'volume-data/archived.run-1.scratch',
    archive: 'volume-data/member.run-1',
  };
}

function wiped(host: PreparedHost): PreparedHost {
  execFileSync('rm', [
    '-rf',
    host.path('data/member'),
    ...contentsOf(host.path('wal')).map((n) => host.path(`wal/${n}`)),
  ]);
  return host;
}

/** All that is a member's or a recovery's, with owner, mode and size; a folder's size says nothing. */
function everythingOn({ host, data, wal }: World): string[] {
  const list = ['-printf', '%P %u:%g %m %y %s\n'];
  const found = execFileSync('find', [host.path('.'), '-mindepth', '1', ...list], { encoding: 'utf8' });
  const ours = found.split('\n').filter((line) => /^(\.etcd|volume|data|wal)/.test(line));
  expect(ours.join('\n')).toContain(data);
  expect(ours.join('\n')).toContain(wal);
  return ours.map((line) => line.replace(/ d \d+$/, ' d')).sort();
}

const WORLDS: [string, boolean, () => World][] = [
  ['a data dir and a wal dir', true, () => folders(hostWithWal())],
  ['a data dir and a wal dir that are empty', true, () => folders(wiped(hostWithWal()))],
  ['a data dir that others share', isLinuxRoot, () => shared(hostWithWal())],
  ['a mount point', isLinuxRoot, () => mounted(hostWithWal())],
  ['a mount point that is empty', isLinuxRoot, () => mounted(wiped(hostWithWal()))],
];

async function restore({ host, access, scratch, walDir }: World): Promise<void> {
  const compressed = keepSnapshot(host, snapshot.saved, scratch);
  const parameters = restoreParameters(host, snapshot, compressed, { walDir });
  await succeed(access, 'restore-snapshot', parameters);
}

const place = ({ host, walDir }: World) => swapParameters(host, snapshot, { walDir });
const start = ({ host, walDir }: World) => startParameters(host, { walDir });
const revert = ({ host, walDir }: World) => parametersFor(host, { walDir });
const discard = ({ host, walDir }: World, outcome = 'undo') => discardParameters(host, { walDir, outcome });
const phaseOf = ({ host, scratch }: World) => host.read(`${scratch}/phase`).trim();

/**
 * Kills the command before its first change, then another run of it before its third, and so on, until one gets through; by the seed from the second
 * on. Each run finds the same host, as it was prepared.
 */
async function killEverywhere(
  makeWorld: () => World,
  command: 'swap-data-dir' | 'revert-data-dir',
  prepare: (world: World) => Promise<void>,
  check: (world: World) => Promise<void>,
): Promise<void> {
  const world = makeWorld();
  using host = world.host;
  await prepare(world);
  const putBack = host.keep();
  for (let change = 1 + (SEED % 2); ; change += 2) {
    expect(change).toBeLessThan(40);
    putBack();
    host.killBeforeChange(change, ['rm']);
    const parameters = command === 'revert-data-dir' ? revert(world) : place(world);
    const { exitCode, line } = await runCommand(world.access, command, parameters);
    host.killBeforeChange(undefined, ['rm']);
    await check(world);
    if (exitCode === 0) break;
    expect({ exitCode, line }).toEqual({ exitCode: 137, line: '' });
  }
}

describe.each(WORLDS)('a recovery that was killed, with %s', (_what, possible, makeWorld) => {
  it.skipIf(!possible)('goes on with placing wherever that was killed', async () => {
    await killEverywhere(makeWorld, 'swap-data-dir', restore, async (world) => {
      const { host, access, data, wal, archive } = world;
      await succeed(access, 'swap-data-dir', place(world));
      expect(phaseOf(world)).toBe('placed');
      expect(revisionOf(snapshot, host.path(`${data}/member/snap/db`))).toBe(snapshot.revision);
      expect(host.has(`${wal}/0000000000000000-0000000000000000.wal`)).toBe(true);
      if (host.has(archive)) expect(host.read(`${archive}/snap/db`)).toBe('old');
      await succeed(access, 'start-restored', start(world));
      expect(phaseOf(world)).toBe('kept');
      await succeed(access, 'mark-recovery', discard(world, 'forget'));
      expect(everythingOn(world).join('\n')).not.toMatch(/\.etcd-remediation|scratch/);
    });
  });

  it.skipIf(!possible)('moves back wherever placing was killed', async () => {
    let before: string[] = [];
    await killEverywhere(
      makeWorld,
      'swap-data-dir',
      async (world) => {
        before = everythingOn(world);
        await restore(world);
      },
      async (world) => {
        expect(await succeed(world.access, 'revert-data-dir', revert(world))).toMatchObject({ setAside: '' });
        expect(phaseOf(world)).toBe('restored');
        // A command that still runs somewhere can place nothing any more.
        expect(await refuse(world.access, 'swap-data-dir', place(world))).toMatchObject({ exitCode: 65 });
        await succeed(world.access, 'mark-recovery', discard(world));
        expect(everythingOn(world)).toEqual(before);
      },
    );
  });

  it.skipIf(!possible)('is not taken for placed while it is moved back, wherever that was killed', async () => {
    let before: string[] = [];
    await killEverywhere(
      makeWorld,
      'revert-data-dir',
      async (world) => {
        before = everythingOn(world);
        await restore(world);
        await succeed(world.access, 'swap-data-dir', place(world));
      },
      async (world) => {
        const killedIn = phaseOf(world);
        const { host, data } = world;
        // Only where nothing has been moved yet does it still count as placed.
        if (killedIn === 'placed') {
          expect(revisionOf(snapshot, host.path(`${data}/member/snap/db`))).toBe(snapshot.revision);
        }
        expect(await succeed(world.access, 'revert-data-dir', revert(world))).toMatchObject({ setAside: '' });
        expect(phaseOf(world)).toBe('restored');
        await succeed(world.access, 'mark-recovery', discard(world));
        expect(everythingOn(world)).toEqual(before);
      },
    );
  });
});

describe('moving back what was placed', () => {
  /** As etcd does when it is started on it. */
  function write({ host, data }: World): void {
    const file = host.path(`${data}/member/snap/db`);
    const later = new Date(Date.now() + 60_000);
    utimesSync(file, later, later);
  }

  it.each([
    ['and older data lies aside', () => folders(hostWithWal())],
    ['where no data had been', () => folders(wiped(hostWithWal()))],
  ])('leaves alone what was started since, %s: it may hold what nobody else has', async (_what, makeWorld) => {
    const world = makeWorld();
    using host = world.host;
    await restore(world);
    await succeed(host.access, 'swap-data-dir', place(world));
    write(world);
    const before = everythingOn(world);
    const { exitCode, message } = await refuse(host.access, 'revert-data-dir', revert(world));
    expect({ exitCode, message }).toEqual({ exitCode: 66, message: expect.stringContaining('has been started') });
    expect(everythingOn(world)).toEqual(before);
    expect(await refuse(host.access, 'mark-recovery', discard(world))).toMatchObject({ exitCode: 65 });
  });

  it('puts the older data back once a person has moved away what was started', async () => {
    const world = folders(hostWithWal());
    using host = world.host;
    await restore(world);
    await succeed(host.access, 'swap-data-dir', place(world));
    write(world);
    renameSync(host.path('data'), host.path('elsewhere'));
    expect(await refuse(host.access, 'revert-data-dir', revert(world))).toMatchObject({ refusal: 'archive-gone' });
    renameSync(host.path('elsewhere'), host.path('data'));
    for (const name of ['data/member', 'wal']) renameSync(host.path(name), host.path(`${name}.by-hand`));
    await succeed(host.access, 'revert-data-dir', revert(world));
    expect(host.read('data/member/snap/db')).toBe('old');
    expect(host.read('wal/0000000000000000-0000000000000000.wal')).toBe('old log');
    await succeed(host.access, 'mark-recovery', discard(world));
  });

  it('can be done by hand after the scratch folder is gone', async () => {
    const world = folders(hostWithWal());
    using host = world.host;
    await restore(world);
    await succeed(host.access, 'swap-data-dir', place(world));
    await succeed(host.access, 'start-restored', start(world));
    await succeed(host.access, 'mark-recovery', discard(world, 'forget'));
    host.setProperties({});
    expect(await succeed(host.access, 'revert-data-dir', revert(world))).toEqual({
      reverted: true,
      setAside: host.path('data/member.run-1.set-aside'),
    });
    expect(host.read('data/member/snap/db')).toBe('old');
    expect(host.has(world.scratch)).toBe(false);
  });

  it('moves nothing where only a restore has been made, and lets nothing be placed from then on', async () => {
    const world = folders(hostWithWal());
    using host = world.host;
    await restore(world);
    expect(await succeed(host.access, 'revert-data-dir', revert(world))).toEqual({ reverted: false, setAside: '' });
    expect(host.read('data/member/snap/db')).toBe('old');
    expect(phaseOf(world)).toBe('restored');
    expect(await refuse(host.access, 'swap-data-dir', place(world))).toMatchObject({ exitCode: 65 });
  });

  it('has the snapshot restored anew before it is placed again', async () => {
    const world = folders(hostWithWal());
    using host = world.host;
    await restore(world);
    await succeed(host.access, 'swap-data-dir', place(world));
    await succeed(host.access, 'revert-data-dir', revert(world));
    await restore(world);
    await succeed(host.access, 'swap-data-dir', place(world));
    expect(readFileSync(host.path('data/member.run-1/snap/db'), 'utf8')).toBe('old');
    expect(revisionOf(snapshot, host.path('data/member/snap/db'))).toBe(snapshot.revision);
  });
});
