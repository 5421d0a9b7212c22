import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endEarlier, runMeanwhile } from '../../../lambdas/hosts/run-meanwhile.ts';
import type { Operation } from '../../../local/aws/iam.ts';
import { until as eventually } from '../../scenes/scene.ts';
import {
  connectSsm,
  HOST,
  linesIn,
  STOP_ETCD,
  SUCCEED,
  serve,
  serveControlService,
  temporaryFolder,
  until,
} from './support.ts';

const COMMAND = 'control-service';
const visit = () => ({ execution: 'run-1', visit: new Date().toISOString(), host: HOST });
const parameters = { ...STOP_ETCD, action: 'start' };
const neverAborted = new AbortController().signal;

describe('a command that something is kept open for', () => {
  it('is waited for, and its result is handed on', async () => {
    await serveControlService(SUCCEED);
    const ssm = await connectSsm();
    const result = await runMeanwhile(ssm, COMMAND, visit(), { parameters, signal: neverAborted });
    expect(result).toMatchObject({ activeState: 'active' });
  });

  it('ends with its own error', async () => {
    await serveControlService('echo \'{"message":"It is refused."}\'; exit 65');
    const ssm = await connectSsm();
    await expect(runMeanwhile(ssm, COMMAND, visit(), { parameters, signal: neverAborted })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      message: expect.stringContaining('It is refused.'),
    });
  });

  it('is cancelled as soon as nothing is kept open any more', async () => {
    const folder = await temporaryFolder();
    const [begun, done] = [join(folder, 'begun'), join(folder, 'done')];
    const local = await serveControlService(`: > ${begun}; ${until(join(folder, 'never'))}; : > ${done}; ${SUCCEED}`);
    const ssm = await connectSsm();
    const ending = new AbortController();
    const running = runMeanwhile(ssm, COMMAND, visit(), { parameters, signal: ending.signal });
    await eventually(async () => existsSync(begun));
    ending.abort(new Error('The snapshot has ended.'));
    await expect(running).rejects.toThrow('The snapshot has ended.');
    await eventually(async () => local.record().every(({ endedMs }) => !Number.isNaN(endedMs)));
    expect(existsSync(done)).toBe(false);
  });

  it('of an earlier call is also ended where Run Command lists it only after a while', async () => {
    const folder = await temporaryFolder();
    const begun = join(folder, 'begun');
    const { operations } = await serveControlService(`: > ${begun}; ${until(join(folder, 'never'))}; ${SUCCEED}`);
    const listedFrom = Date.now() + 2_500;
    const list = operations['AmazonSSM.ListCommands'] as Operation;
    await serve({
      ...operations,
      'AmazonSSM.ListCommands': (request) => (Date.now() < listedFrom ? { Commands: [] } : list(request)),
    });
    const ssm = await connectSsm();
    const own = visit();
    const left = runMeanwhile(ssm, COMMAND, own, { parameters, signal: neverAborted });
    left.catch(() => undefined);
    await endEarlier(ssm, COMMAND, own);
    await expect(left).rejects.toMatchObject({ message: expect.stringContaining('cancelled') });
  });

  it('of an earlier call of the same visit is ended before another one is sent, and of another visit is left alone', async () => {
    const folder = await temporaryFolder();
    const log = join(folder, 'log');
    await serveControlService(
      `echo begun >> ${log}; if [ "$action" = stop ]; then ${until(join(folder, 'go'))}; fi; echo ended >> ${log}; ${SUCCEED}`,
    );
    const ssm = await connectSsm();
    const own = visit();
    // As of a function that was killed: nobody waits for it, and nobody has cancelled it.
    const left = runMeanwhile(ssm, COMMAND, own, {
      parameters: { ...parameters, action: 'stop' },
      signal: neverAborted,
    });
    left.catch(() => undefined);
    await eventually(async () => linesIn(log).length === 1);
    await endEarlier(ssm, COMMAND, { ...own, execution: 'another' });
    expect(linesIn(log)).toEqual(['begun']);
    await endEarlier(ssm, COMMAND, own);
    await expect(left).rejects.toMatchObject({ message: expect.stringContaining('cancelled') });
    await runMeanwhile(ssm, COMMAND, own, { parameters, signal: neverAborted });
    expect(linesIn(log)).toEqual(['begun', 'begun', 'ended']);
  });
});
