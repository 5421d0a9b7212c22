import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Every local cluster listens here, and nowhere else. */
export const HOST = '127.0.0.1';

/** Linux hands out ports from 32768 for outgoing connections: a peer that dials a stopped member up there may reach itself. */
const LOWEST = 12_000;
const HIGHEST = 32_767;

/**
 * A member's ports are free while it is stopped or not yet started, and another process that looks for ports would take them.
 * So a process claims what it hands out: by a file that is named after the port, holds the process's ID, and goes with it.
 */
const CLAIMS = join(tmpdir(), `etcd-remediation-ports-${userInfo().uid}`);

const claimed = new Set<string>();
process.once('exit', () => {
  for (const file of claimed) rmSync(file, { force: true });
  try {
    rmdirSync(CLAIMS);
  } catch {
    // Other processes have claims in it, or nobody ever had.
  }
});

export interface Ports {
  client: number;
  peer: number;
}

/** Two neighbouring ports that nothing listens on and no other process has claimed. They stay claimed until this process ends. */
export async function freePorts(): Promise<Ports> {
  const tries = 100;
  for (let count = 0; count < tries; count++) {
    const client = 2 * randomInt(LOWEST / 2, Math.floor(HIGHEST / 2));
    const peer = client + 1;
    if (claim(client) && (await isFree(client)) && (await isFree(peer))) return { client, peer };
  }
  throw new Error(`${tries} random pairs of ports between ${LOWEST} and ${HIGHEST} on ${HOST} were all taken`);
}

function claim(port: number): boolean {
  mkdirSync(CLAIMS, { recursive: true });
  const file = join(CLAIMS, String(port));
  // The second try is for a file whose process ended without taking it along.
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      claimed.add(file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || isHeld(file)) return false;
      rmSync(file, { force: true });
    }
  }
  return false;
}

function isHeld(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch (error) {
    // The process is gone, or the file is by now.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
