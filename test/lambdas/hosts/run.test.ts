import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HostCommandRunning, runOnHosts } from '../../../lambdas/hosts/run.ts';
import { again, BOTH, HASTY, heldScript, on, online, PATIENT, phaseOf, STOPPED, serveCounting } from './phases.ts';
import { HOST, linesIn, OTHER_HOST, SUCCEED, serve, serveControlService, temporaryFolder, until } from './support.ts';

describe('a phase', () => {
  it('runs its command on every host, and reports in the order of the commands what each came to', async () => {
    await serveControlService(`[ $unit = a ] && sleep 0.3; echo 'not the last line'; ${SUCCEED}`, BOTH);
    expect(await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT)).toMatchObject({
      reports: [
        { member: 'm1', host: HOST, result: STOPPED, error: '', problem: '' },
        { member: 'm2', host: OTHER_HOST, result: STOPPED, error: '', problem: '' },
      ],
      failed: '',
      problems: '',
    });
  });

  it('runs on all hosts at the same time', async () => {
    const folder = await temporaryFolder();
    // Each ends only when the other has begun.
    await serveControlService(`touch ${folder}/$unit; ${until(`${folder}/a`, `${folder}/b`)}; ${SUCCEED}`, BOTH);
    const { failed } = await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT);
    expect(failed).toBe('');
  });

  it('runs on no more hosts at the same time than it may, in their order', async () => {
    const log = join(await temporaryFolder(), 'log');
    await serveControlService(`echo $unit >> ${log}; sleep 0.1; echo $unit >> ${log}; ${SUCCEED}`, BOTH);
    await runOnHosts({ ...phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b'), on(HOST, 'c')]), atOnce: 1 }, PATIENT);
    expect(linesIn(log)).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('of no command asks SSM nothing', async () => {
    await serve({});
    expect(await runOnHosts(phaseOf([]), PATIENT)).toMatchObject({ reports: [], failed: '', problems: '' });
  });

  it('sends nothing to anybody where a parameter of one is wrong', async () => {
    await serve({});
    await expect(runOnHosts(phaseOf([on(HOST), on(OTHER_HOST, 'a b')]), PATIENT)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining(`The call of control-service on ${OTHER_HOST} has 1 problem`),
    });
  });
});

describe('a failure on one host', () => {
  it('keeps no other from its end, and is reported in its own words', async () => {
    const body = `if [ $unit = a ]; then echo '{"message":"the unit is masked"}'; exit 65; fi; sleep 0.2; ${SUCCEED}`;
    await serveControlService(body, BOTH);
    const problem = `${HOST}, control-service: the unit is masked`;
    expect(await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT)).toMatchObject({
      reports: [
        { member: 'm1', host: HOST, result: null, error: 'PreconditionFailed', problem },
        { member: 'm2', host: OTHER_HOST, result: STOPPED, error: '', problem: '' },
      ],
      failed: 'PreconditionFailed',
      problems: `m1: ${problem}`,
    });
  });

  it('ends a phase of which each command is for nothing without the others', async () => {
    const log = join(await temporaryFolder(), 'log');
    const body = `echo $unit >> ${log}; if [ $unit = b ]; then echo '{"message":"no room"}'; exit 65; fi; ${SUCCEED}`;
    await serveControlService(body);
    const phase = { ...phaseOf([on(HOST, 'a'), on(HOST, 'b'), on(HOST, 'c')]), atOnce: 1, untilOneFails: true };
    const { reports, failed } = await runOnHosts(phase, PATIENT);
    expect(failed).toBe('PreconditionFailed');
    expect(reports.map(({ error }) => error)).toEqual(['', 'PreconditionFailed']);
    expect((await runOnHosts(again(phase), PATIENT)).reports).toEqual(reports);
    expect(linesIn(log)).toEqual(['a', 'b']);
  });

  it.each([
    ['is sent once more, and ends well where that does', [1, 0], '', 2],
    ['is sent once more, and not a third time', [1, 1, 0], 'HostCommandFailed', 2],
    ['is not sent again where the script refuses', [65, 0], 'PreconditionFailed', 1],
  ])('that may pass %s', async (_, exitCodes, failed, times) => {
    const log = join(await temporaryFolder(), 'log');
    const ends = exitCodes.map((code) => (code === 0 ? SUCCEED : `echo '{"message":"no"}'; exit ${code}`));
    const cases = ends.map((end, at) => `${at + 1}) ${end} ;;`).join(' ');
    await serveControlService(`echo $unit >> ${log}; case $(grep -c . ${log}) in ${cases} esac`);
    const phase = { ...phaseOf(), onceMore: true };
    expect(await runOnHosts(phase, PATIENT)).toMatchObject({ failed });
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed });
    expect(linesIn(log)).toHaveLength(times);
  });

  it('and on another at the same time are both told', async () => {
    await serveControlService('echo "boom $unit" >&2; exit 3', BOTH);
    const { failed, problems } = await runOnHosts(phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), PATIENT);
    expect(failed).toBe('HostCommandFailed');
    expect(problems).toBe(
      `m1: ${HOST}, control-service: it ended with exit code 3\nIt ended with: boom a\n` +
        `m2: ${OTHER_HOST}, control-service: it ended with exit code 3\nIt ended with: boom b`,
    );
  });

  it('may be an output that is longer than what Run Command gives', async () => {
    await serveControlService(`printf '%030000d\\n' 0; ${SUCCEED}`);
    const { problems } = await runOnHosts(phaseOf(), PATIENT);
    expect(problems).toMatch(/Of an output the first 24000 characters are handed on, and this one was longer/);
  });
});

describe('a command that takes longer', () => {
  it('is named with its member, and the next call tells what has become of it: it was sent once', async () => {
    const { starts, open, body } = await heldScript();
    const sent = await serveCounting(`[ $unit = b ] && { ${SUCCEED}; exit; }; ${body}`, undefined, BOTH);
    let phase = phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]);
    const asked = async () => {
      const error = await runOnHosts(phase, HASTY).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(HostCommandRunning);
      phase = again(phase);
      return error.message;
    };
    await expect.poll(asked).toBe('control-service has not ended on m1.');
    writeFileSync(open, '');
    const { reports } = await runOnHosts(again(phase), PATIENT);
    expect(reports.map(({ result }) => result)).toEqual([STOPPED, STOPPED]);
    expect(linesIn(starts)).toEqual(['a']);
    expect(sent).toMatchObject({ SendCommand: 2 });
  });

  it('keeps those from beginning that may not run at the same time', async () => {
    const { starts, open, body } = await heldScript();
    await serveControlService(body, BOTH);
    const phase = { ...phaseOf([on(HOST, 'a'), on(OTHER_HOST, 'b')]), atOnce: 1 };
    for (const each of [phase, again(phase)]) {
      await expect(runOnHosts(each, { ...PATIENT, endMs: 400 })).rejects.toThrow(/not ended on m1, m2\.$/);
    }
    expect(linesIn(starts)).toEqual(['a']);
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(linesIn(starts)).toEqual(['a', 'b']);
  });

  it('is found while its host has not got it yet', async () => {
    const open = join(await temporaryFolder(), 'open');
    // The way to the host takes until the file is there; that the host is away is not known before.
    const slow = { ...BOTH, [HOST]: { exec: ['bash', '-c', `${until(open)}; exec sh`] } };
    const sent = await serveCounting(SUCCEED, () => ({ 'AmazonSSM.DescribeInstanceInformation': online }), slow);
    const phase = phaseOf();
    await expect(runOnHosts(phase, HASTY)).rejects.toThrow(HostCommandRunning);
    await expect(runOnHosts(again(phase), HASTY)).rejects.toThrow(HostCommandRunning);
    writeFileSync(open, '');
    expect(await runOnHosts(again(phase), PATIENT)).toMatchObject({ failed: '' });
    expect(sent).toMatchObject({ SendCommand: 1 });
  });
});
