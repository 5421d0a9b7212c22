import { expect, it } from 'vitest';
import { waitFor } from '../../../run/wait-for.ts';
import { oneHost } from './harness.ts';

const { run, write, show, log } = oneHost();

const STATE = ['ActiveState', 'SubState', 'Result'] as const;
/** Nothing will ever answer there. */
const NOWHERE = 'ETCD_LISTEN_CLIENT_URLS=http://127.0.0.1:1\n';

/** A process whose parent has ended is counted until the first process of the machine takes notice. */
const goneSoon = (pid: number) => waitFor(() => expect(() => process.kill(pid, 0)).toThrow());

it('runs a service until it is stopped', async () => {
  await write(
    'plain.service',
    '[Unit]\nDescription=Plain\n[Service]\nExecStart=/bin/sh -c "echo up; exec sleep 1000"\n',
  );
  expect(await run('systemctl start plain && systemctl is-active plain')).toEqual({
    exitCode: 0,
    stdout: 'active\n',
    stderr: '',
  });
  const [pid] = await show('plain', 'MainPID');
  expect(await show('plain', ...STATE)).toEqual(['active', 'running', 'success']);
  expect(() => process.kill(Number(pid), 0)).not.toThrow();

  expect(await run('systemctl start plain; systemctl stop plain; systemctl is-active plain')).toMatchObject({
    exitCode: 3,
    stdout: 'inactive\n',
  });
  expect(await show('plain', ...STATE, 'MainPID', 'ExecMainStatus')).toEqual([
    ...['inactive', 'dead', 'success'],
    ...['0', '15'],
  ]);
  expect(() => process.kill(Number(pid), 0)).toThrow();
  expect(await log('plain')).toEqual(
    expect.arrayContaining([
      'up',
      'Started plain.service - Plain.',
      'Stopping plain.service - Plain...',
      'plain.service: Deactivated successfully.',
      'Stopped plain.service - Plain.',
    ]),
  );
});

it('gives a restarted service another process', async () => {
  await write('again.service', '[Service]\nExecStart=/bin/sleep 1000\n');
  await run('systemctl restart again');
  const [first] = await show('again', 'MainPID');
  expect((await run('systemctl restart again.service')).exitCode).toBe(0);
  const [second] = await show('again', 'MainPID');
  expect(Number(second)).toBeGreaterThan(0);
  expect(second).not.toBe(first);
});

it.each([
  ['exit 0', ['inactive', 'dead', 'success', '0'], 'Deactivated successfully.'],
  ['exit 3', ['failed', 'failed', 'exit-code', '3'], 'Main process exited, code=exited, status=3/NOTIMPLEMENTED'],
  ['kill -TERM $$$$', ['inactive', 'dead', 'success', '15'], 'Deactivated successfully.'],
  ['kill -KILL $$$$', ['failed', 'failed', 'signal', '9'], 'Main process exited, code=killed, status=9/KILL'],
])('tells how a service ended by itself: %s', async (command, expected, words) => {
  const name = `ends-${expected.slice(3).join('-')}-${command.replace(/\W/g, '')}`;
  await write(`${name}.service`, `[Service]\nExecStart=/bin/sh -c "${command}"\n`);
  expect((await run(`systemctl start ${name}`)).exitCode).toBe(0);
  await waitFor(async () => expect(await show(name, ...STATE, 'ExecMainStatus')).toEqual(expected));
  expect(await log(name)).toContain(`${name}.service: ${words}`);
});

it('gives up on a service that crashes again and again, and starts it again when its failure was reset', async () => {
  await write('crash.service', '[Service]\nExecStart=/bin/sh -c "exit 7"\nRestart=on-failure\n');
  await run('systemctl start crash');
  await waitFor(async () => expect(await show('crash', 'ActiveState')).toEqual(['failed']));
  // The first start and four more. systemd keeps the result of the last crash.
  expect(await show('crash', 'Result', 'NRestarts')).toEqual(['exit-code', '5']);
  expect((await log('crash')).slice(-3)).toEqual([
    'crash.service: Start request repeated too quickly.',
    "crash.service: Failed with result 'exit-code'.",
    'Failed to start crash.service.',
  ]);
  expect(await run('systemctl start crash')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Job for crash.service failed because the control process exited with error code.'),
  });

  await write('crash.service', '[Service]\nExecStart=/bin/sleep 1000\n');
  expect(await run('systemctl daemon-reload; systemctl reset-failed crash; systemctl start crash')).toMatchObject({
    exitCode: 0,
    stderr: '',
  });
  expect(await show('crash', ...STATE, 'NRestarts')).toEqual(['active', 'running', 'success', '0']);
});

it('refuses to start a healthy service too often', async () => {
  await write('often.service', '[Service]\nExecStart=/bin/sleep 1000\n');
  const { exitCode, stderr } = await run('for _ in 1 2 3 4 5 6; do systemctl restart often; done');
  expect(exitCode).toBe(1);
  expect(stderr).toBe(
    [
      'Job for often.service failed because start of the service was attempted too often.',
      'See "systemctl status often.service" and "journalctl -xeu often.service" for details.',
      'To force a start use "systemctl reset-failed often.service"',
      'followed by "systemctl start often.service" again.\n',
    ].join('\n'),
  );
  expect(await show('often', ...STATE)).toEqual(['failed', 'failed', 'start-limit-hit']);
});

it.each([
  ['on-failure', 'exit 1', true],
  ['on-failure', 'exit 0', false],
  ['on-failure', 'kill -KILL $$$$', true],
  ['always', 'exit 0', true],
  ['no', 'kill -KILL $$$$', false],
])('follows Restart=%s after "%s"', async (policy, command, restarts) => {
  const name = `restart-${policy}-${command.replace(/\W/g, '')}`;
  await write(`${name}.service`, `[Service]\nExecStart=/bin/sh -c "${command}"\nRestart=${policy}\nRestartSec=1h\n`);
  await run(`systemctl start ${name}`);
  await waitFor(async () => expect(await log(name)).toContainEqual(expect.stringMatching(/Failed with|Deactivated/)));
  const [activeState, subState] = await show(name, 'ActiveState', 'SubState');
  expect([activeState, subState].join('/') === 'activating/auto-restart').toBe(restarts);
  expect((await run(`systemctl stop ${name}; systemctl is-active ${name}`)).stdout).toMatch(/^(inactive|failed)\n$/);
});

it('leaves a service alone that is stopped in the time before its restart, and restarts it at once when it is asked to', async () => {
  await write('waits.service', '[Service]\nExecStart=/bin/sh -c "exit 1"\nRestart=always\nRestartSec=1h\n');
  await run('systemctl start waits');
  await waitFor(async () => expect(await show('waits', 'SubState')).toEqual(['auto-restart']));
  await run('systemctl stop waits');
  // As systemd has it: the result stays that of the last run.
  expect(await show('waits', ...STATE, 'NRestarts')).toEqual(['inactive', 'dead', 'exit-code', '0']);

  await run('systemctl start waits');
  await waitFor(async () => expect(await show('waits', 'SubState')).toEqual(['auto-restart']));
  await write('waits.service', '[Service]\nExecStart=/bin/sleep 1000\n');
  await run('systemctl daemon-reload; systemctl restart waits');
  expect(await show('waits', ...STATE)).toEqual(['active', 'running', 'success']);
});

it('kills a service that ignores SIGTERM, together with what it has started', async () => {
  await write(
    'deaf.service',
    `[Service]\nTimeoutStopSec=300ms\nExecStart=/bin/bash -c "trap '' TERM; echo $$$$; sleep 1000 & echo $!; while :; do sleep 0.1; done"\n`,
  );
  await run('systemctl start deaf');
  await waitFor(async () => expect(await log('deaf')).toHaveLength(3));
  const pids = (await log('deaf')).filter((line) => /^\d+$/.test(line)).map(Number);
  expect(pids).toHaveLength(2);
  expect(await run('systemctl stop deaf')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(await show('deaf', ...STATE)).toEqual(['failed', 'failed', 'timeout']);
  expect(await log('deaf')).toContain("deaf.service: State 'stop-sigterm' timed out. Killing.");
  for (const pid of pids) await goneSoon(pid);
});

it('ends what a main process has left behind before it is restarted', async () => {
  await write(
    'leaves.service',
    '[Service]\nExecStart=/bin/bash -c "sleep 1000 & echo $!; exit 1"\nRestart=on-failure\nRestartSec=1h\n',
  );
  await run('systemctl start leaves');
  await waitFor(async () => expect(await show('leaves', 'SubState')).toEqual(['auto-restart']));
  const [pid] = (await log('leaves')).filter((line) => /^\d+$/.test(line));
  await goneSoon(Number(pid));
});

it('sends the signals that it is asked for', async () => {
  await write(
    'signaled.service',
    `[Service]\nExecStart=/bin/bash -c "trap 'echo got it' USR1; echo up; while :; do sleep 0.05; done"\n`,
  );
  await run('systemctl start signaled');
  await waitFor(async () => expect(await log('signaled')).toContain('up'));
  // sleep ends by it too, but the shell goes on.
  await run('systemctl kill -s USR1 signaled');
  await waitFor(async () => expect(await log('signaled')).toContain('got it'));
  await run('systemctl kill --signal=SIGKILL signaled');
  await waitFor(async () => expect(await show('signaled', ...STATE)).toEqual(['failed', 'failed', 'signal']));
});

it.each([
  ['/nowhere/program', ['failed', 'exit-code', '203']],
  ['/bin/echo', ['inactive', 'success', '0']],
])('has started a service before it is known whether %s runs', async (program, expected) => {
  const name = `starts${program.replaceAll('/', '-')}`;
  await write(`${name}.service`, `[Service]\nExecStart=${program}\n`);
  expect((await run(`systemctl start ${name}`)).exitCode).toBe(0);
  await waitFor(async () => expect(await show(name, 'ActiveState', 'Result', 'ExecMainStatus')).toEqual(expected));
});

it('cancels a start that a stop comes after', async () => {
  const nowhere = await write('nowhere', NOWHERE);
  await write('slow.service', `[Service]\nType=notify\nEnvironmentFile=${nowhere}\nExecStart=/bin/sleep 1000\n`);
  const starting = run('systemctl start slow');
  await waitFor(async () => expect(await show('slow', 'ActiveState')).toEqual(['activating']));
  expect((await run('systemctl stop slow')).exitCode).toBe(0);
  expect(await starting).toEqual({ exitCode: 1, stdout: '', stderr: 'Job for slow.service canceled.\n' });
  expect(await show('slow', ...STATE)).toEqual(['inactive', 'dead', 'success']);
});

it.each([
  ['TimeoutStartSec=200ms', '/bin/sleep 1000', 'timeout', 'a timeout was exceeded'],
  ['', '/bin/echo', 'protocol', 'the service did not take the steps required by its unit configuration'],
  ['', '/bin/sh -c "exit 1"', 'exit-code', 'the control process exited with error code'],
])('fails a start when the service never says that it is ready: %s %s', async (setting, program, result, words) => {
  const name = `unready-${result}`;
  const nowhere = await write('nowhere', NOWHERE);
  await write(
    `${name}.service`,
    `[Service]\nType=notify\n${setting}\nEnvironmentFile=${nowhere}\nExecStart=${program}\n`,
  );
  expect(await run(`systemctl start ${name}`)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`Job for ${name}.service failed because ${words}.`),
  });
  expect(await show(name, ...STATE)).toEqual(['failed', 'failed', result]);
});

it('says what is missing for a start', async () => {
  await write('mute.service', '[Service]\nType=notify\nExecStart=/bin/sleep 1000\n');
  await write('homeless.service', '[Service]\nEnvironmentFile=/nowhere/etcd\nExecStart=/bin/sleep 1000\n');
  expect((await run('systemctl start mute')).stderr).toMatch(
    /because of unavailable resources[\s\S]*listen-client-urls/,
  );
  expect((await run('systemctl start homeless')).stderr).toMatch(
    /because of unavailable resources[\s\S]*\/nowhere\/etcd/,
  );
  expect(await show('homeless', ...STATE)).toEqual(['failed', 'failed', 'resources']);
});
