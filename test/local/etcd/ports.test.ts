import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { freePorts } from '../../../local/etcd/ports.ts';

const PORTS = join(import.meta.dirname, '../../../local/etcd/ports.ts');

it('hands out no port twice, and none that a peer may get for an outgoing connection', async () => {
  const pairs = await Promise.all(Array.from({ length: 100 }, () => freePorts()));
  const ports = pairs.flatMap(({ client, peer }) => [client, peer]);
  expect(new Set(ports).size).toBe(200);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

/** Runs a script in another process. @returns what it printed */
async function elsewhere(script: string, env = process.env): Promise<string> {
  const program = `import { freePorts } from ${JSON.stringify(PORTS)}; ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { env });
  return stdout.trim();
}

it('hands out no port that another process has claimed, also while nothing listens on it', async () => {
  const mine = new Set(await Promise.all(Array.from({ length: 300 }, async () => (await freePorts()).client)));
  const script = `
    const got = [];
    for (let count = 0; count < 1000; count++) got.push((await freePorts()).client);
    console.log(JSON.stringify(got));`;
  const theirs = JSON.parse(await elsewhere(script)) as number[];
  expect(theirs).toHaveLength(1000);
  expect(theirs.filter((port) => mine.has(port))).toEqual([]);
});

it.each([
  ['hands out again what a process had claimed that is gone', () => elsewhere('console.log(process.pid)'), true],
  ['hands out nothing where a living process has claimed everything', async () => String(process.pid), false],
])('%s', async (_, holder, expected) => {
  const temporary = await mkdtemp(join(tmpdir(), 'ports-test-'));
  const claims = join(temporary, `etcd-remediation-ports-${userInfo().uid}`);
  await mkdir(claims);
  const pid = await holder();
  for (let port = 12_000; port < 32_768; port += 2) writeFileSync(join(claims, String(port)), pid);
  const ask = elsewhere('console.log((await freePorts()).client)', { ...process.env, TMPDIR: temporary });
  if (expected) expect(Number(await ask)).toBeGreaterThan(0);
  else await expect(ask).rejects.toThrow('were all taken');
  await rm(temporary, { recursive: true });
});
