import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runOnHosts } from '../../../lambdas/hosts/run.ts';
import { HOST_FAULTS, type HostFaultName } from '../../../local/aws/host-faults.ts';
import { runCommand } from '../../../local/aws/run-command.ts';
import { again, PATIENT, phaseOf, STOPPED } from './phases.ts';
import { controlScript, documents, HERE, HOST, linesIn, SUCCEED, serve, temporaryFolder } from './support.ts';

interface Fate {
  /** The error that it is reported with; empty where it ends well. */
  failed: string;
  /** How often it is sent... */
  sent: number;
  /** ...its script begins... */
  begun: number;
  /** ...and comes to its end. */
  done: number;
}

const ENDS_WELL = { failed: '', sent: 1, begun: 1, done: 1 };
const KILLED = { failed: 'HostCommandFailed', sent: 1, begun: 1, done: 0 };

/** What has begun is never sent again: what it has done is not known. Only an agent that has lost its memory runs it twice. */
const FATES: Readonly<Record<HostFaultName, Fate>> = {
  'not-delivered': { ...ENDS_WELL, sent: 2 },
  'answer-lost': ENDS_WELL,
  'function-killed': ENDS_WELL,
  'agent-restarted': ENDS_WELL,
  'agent-disk-full': { ...ENDS_WELL, failed: 'HostCommandFailed' },
  'worker-killed': { ...ENDS_WELL, failed: 'HostCommandFailed' },
  'script-killed': KILLED,
  'time-limit': KILLED,
  'host-rebooted': KILLED,
  'memory-lost': { ...ENDS_WELL, begun: 2 },
};

/** What goes with the command. */
const STRUCK: Partial<Record<HostFaultName, string[]>> = {
  'host-rebooted': [HOST],
  'memory-lost': [HOST],
  'function-killed': ['the sender'],
};

describe('a command of a phase', () => {
  it.each(Object.keys(HOST_FAULTS) as HostFaultName[])(
    'is sent once, or again where it surely did not run, and keeps its end: %s',
    async (name) => {
      const folder = await temporaryFolder();
      const [begun, done] = [join(folder, 'begun'), join(folder, 'done')];
      const body = `echo begun >> ${begun}; mkdir ${folder}/change; echo done >> ${done}; ${SUCCEED}`;
      const struck: string[] = [];
      const faults = [{ name, command: 'control-service' as const }];
      const local = runCommand({
        ...{ documents: documents({ 'control-service': controlScript(body) }), hosts: HERE, faults, bootMs: 0 },
        reboot: async (host) => void struck.push(host),
        killSenders: () => void struck.push('the sender'),
      });
      onTestFinished(() => local.close());
      await serve(local.operations);
      const phase = phaseOf();
      // As a state does that is tried again: the answer to the first call may be lost with its function.
      const first = await runOnHosts(phase, PATIENT).catch((error: Error) => error.name);
      const second = await runOnHosts(again(phase), PATIENT);
      const { failed, sent } = FATES[name];
      expect(first).toEqual(name === 'answer-lost' ? 'AwsUnavailable' : second);
      expect(second).toMatchObject({ failed, reports: [{ result: failed === '' ? STOPPED : null }] });
      expect(faults).toEqual([]);
      expect(struck).toEqual(STRUCK[name] ?? []);
      await expect
        .poll(() => ({ sent: local.record().length, begun: linesIn(begun).length, done: linesIn(done).length }))
        .toEqual({ sent, begun: FATES[name].begun, done: FATES[name].done });
    },
  );

  it('is told by a host that was rebooted since it was sent, as if that had a kernel of its own', async () => {
    const folder = await temporaryFolder();
    const body = `read -r up _ < /proc/uptime; echo "$up" >> ${folder}/up; mkdir ${folder}/change; ${SUCCEED}`;
    const local = runCommand({
      ...{ documents: documents({ 'control-service': controlScript(body) }), hosts: HERE, bootMs: 0 },
      faults: [{ name: 'memory-lost', command: 'control-service' }],
      reboot: async () => undefined,
    });
    onTestFinished(() => local.close());
    await serve(local.operations);
    expect(await runOnHosts(phaseOf(), PATIENT)).toMatchObject({ failed: '' });
    const [before, after] = linesIn(join(folder, 'up')).map(Number);
    expect(before).toBeGreaterThan(60);
    expect(after).toBeLessThan(60);
  });

  it('is struck before that one of its changes, or when it tells its result', async () => {
    const folder = await temporaryFolder();
    const body = [1, 2, 3].map((each) => `problem=$(mkdir ${folder}/${each} 2>&1)`).join('\n');
    const succeed = `succeed() { echo told >> ${folder}/told; ${SUCCEED}; }\n`;
    const documentsOf = documents({ 'control-service': controlScript(`${succeed}${body}\nsucceed ''`) });
    for (const [change, made] of [
      [1, []],
      [3, ['1', '2']],
      [9, ['1', '2', '3']],
    ] as const) {
      const faults = [{ name: 'script-killed' as const, command: 'control-service' as const, change }];
      const local = runCommand({ documents: documentsOf, hosts: HERE, faults });
      onTestFinished(() => local.close());
      await serve(local.operations);
      expect(await runOnHosts(phaseOf(), PATIENT)).toMatchObject({ failed: 'HostCommandFailed' });
      expect(await namesIn(folder)).toEqual(made);
      for (const name of made) await rm(join(folder, name), { recursive: true });
    }
  });
});

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).toSorted();
}
