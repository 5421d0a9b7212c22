import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../cli/main.ts';
import { ROOT } from '../lib/stacks.ts';

const exec = promisify(execFile);
const UNIT = 'etcd-remediation.service';
const text = await readFile(join(ROOT, 'examples', UNIT), 'utf8');
const isThere = await exec('systemd-analyze', ['--version']).then(
  () => true,
  () => false,
);
const skipped = isThere ? '' : ' (skipped: there is no systemd-analyze)';

describe('the example of a unit', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etcd-remediation-unit-'));
    // As whoever copies it has to: with the paths of this machine.
    await writeFile(join(folder, UNIT), text.replaceAll('/opt/etcd-remediation', ROOT));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.skipIf(skipped)(`is one that systemd takes without a word${skipped}`, async () => {
    const { stdout, stderr } = await exec('systemd-analyze', ['verify', '--man=no', join(folder, UNIT)]);
    // Of this unit: other units of the machine are none of ours.
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes(UNIT))).toEqual([]);
  });

  it.skipIf(skipped)(`exposes little of its machine, as systemd rates it${skipped}`, async () => {
    // From 0 to 100; 20 is what systemd calls OK. It fails above.
    await exec('systemd-analyze', ['security', '--offline=yes', '--no-pager', '--threshold=20', join(folder, UNIT)]);
  });

  it('gives serve only options that it has', async () => {
    const [, command = ''] = /^ExecStart=\S+ \S+ (.*)$/m.exec(text.replaceAll('\\\n', ' ')) ?? [];
    const words = command.split(/\s+/);
    const program = createProgram();
    const serve = program.commands.find((each) => each.name() === 'serve');
    serve?.action(() => undefined);
    await program.parseAsync(['node', 'etcd-remediation', ...words]);
    expect(serve?.opts()).toMatchObject({
      config: '/etc/etcd-remediation/clusters.json',
      secrets: `\${CREDENTIALS_DIRECTORY}/secrets.json`,
      hosts: `\${CREDENTIALS_DIRECTORY}/hosts.json`,
    });
  });
});
