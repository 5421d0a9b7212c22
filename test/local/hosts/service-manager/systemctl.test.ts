import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { oneHost } from './harness.ts';

const { run, write, show, host } = oneHost();

// biome-ignore lint/suspicious/noTemplateCurlyInString: systemd's way to write a variable
const VARIABLE = '${A}';
const SLEEP = '[Service]\nExecStart=/bin/sleep 1000\n';

it.each([
  ['systemctl start nope', 5, '', 'Failed to start nope.service: Unit nope.service not found.\n'],
  ['systemctl restart nope.service', 5, '', 'Failed to restart nope.service: Unit nope.service not found.\n'],
  ['systemctl stop nope', 5, '', 'Failed to stop nope.service: Unit nope.service not loaded.\n'],
  ['systemctl kill -s TERM nope', 1, '', 'Failed to kill unit nope.service: Unit nope.service not loaded.\n'],
  ['systemctl is-active nope', 3, 'inactive\n', ''],
  ['systemctl show -p LoadState -p Type nope', 0, 'Type=\nLoadState=not-found\n', ''],
  ['journalctl -u nope -n 5 --no-pager -q -o cat', 0, '', ''],
])('says of a unit that does not exist what systemd says: %s', async (command, exitCode, stdout, stderr) => {
  expect(await run(command)).toEqual({ exitCode, stdout, stderr });
});

it('shows properties in the formats and the order of systemd', async () => {
  await write(
    'shown.service',
    `[Unit]
Description=Shown
[Service]
EnvironmentFile=${host().unitDir}/first
EnvironmentFile=${host().unitDir}/second
User=${host().layout.user}
ExecStart=/bin/sleep 1000
`,
  );
  for (const name of ['first', 'second']) await write(name, '# nothing\n');
  const names =
    'LoadState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainStatus,ExecStart,Environment,EnvironmentFiles,Type,FreezerState';
  expect((await run(`systemctl show --property=${names} shown`)).stdout.split('\n')).toEqual([
    'Type=simple',
    'MainPID=0',
    'Result=success',
    'NRestarts=0',
    'ExecMainStatus=0',
    'ExecStart={ path=/bin/sleep ; argv[]=/bin/sleep 1000 ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }',
    'Environment=',
    `EnvironmentFiles=${host().unitDir}/first (ignore_errors=no)`,
    `EnvironmentFiles=${host().unitDir}/second (ignore_errors=no)`,
    'LoadState=loaded',
    'ActiveState=inactive',
    'FreezerState=running',
    'SubState=dead',
    '',
  ]);
  await run('systemctl start shown; systemctl kill -s 9 shown; systemctl stop shown');
  expect((await show('shown', 'ExecStart'))[0]).toMatch(
    /start_time=\[\w{3} [\d-]{10} [\d:]{8} UTC\] ; stop_time=\[\w{3} [\d-]{10} [\d:]{8} UTC\] ; pid=\d+ ; code=killed ; status=9\/KILL }$/,
  );
});

it('takes back settings by drop-ins, in the order of their names, once it is told to read them', async () => {
  await write('dropped.service', SLEEP);
  const command = async () => /argv\[\]=(.*?) ;/.exec((await show('dropped', 'ExecStart'))[0] ?? '')?.[1];
  expect(await command()).toBe('/bin/sleep 1000');
  await write('dropped.service.d/20-b.conf', '[Service]\nExecStart=\nExecStart=/bin/sleep 3000\n');
  await write('dropped.service.d/10-a.conf', '[Service]\nExecStart=\nExecStart=/bin/sleep 2000\n');
  await write('dropped.service.d/note.txt', 'not read');
  expect(await command()).toBe('/bin/sleep 1000');
  await run('systemctl daemon-reload');
  expect(await command()).toBe('/bin/sleep 3000');
});

it('forgets a unit whose file is gone', async () => {
  const file = await write('gone.service', SLEEP);
  expect(await show('gone', 'LoadState')).toEqual(['loaded']);
  expect((await run(`rm ${file}; systemctl daemon-reload; systemctl show -p LoadState gone`)).stdout).toBe(
    'LoadState=not-found\n',
  );
});

it('runs a service with the environment that its unit describes, and nothing else', async () => {
  const out = `${host().unitDir}/out`;
  await write('env-file', '# a comment\nFROM_FILE="a b"\n');
  await write(
    'env.service',
    `[Service]
EnvironmentFile=${host().unitDir}/env-file
ExecStart=/bin/sh -c 'pwd > ${out}; for word in "$$@"; do echo "<$$word>" >> ${out}; done; env >> ${out}; exec sleep 1000' sh "a b" c'd'e "" $$
`,
  );
  expect((await run(`systemctl start env; until grep -q ^PATH= ${out}; do sleep 0.05; done`)).exitCode).toBe(0);
  const { stdout } = await run(`cat ${out}`);
  const [folder, ...lines] = stdout.trimEnd().split('\n');
  const words = lines.filter((line) => line.startsWith('<'));
  const environment = lines.filter((line) => !line.startsWith('<') && !/^(PWD|OLDPWD|SHLVL|_|__CF\w*)=/.test(line));
  expect(folder).toBe('/');
  expect(words).toEqual(['<a b>', '<cde>', '<>', '<$>']);
  expect(environment.sort()).toEqual([
    'FROM_FILE=a b',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
});

it('hands a long log over as it was written', async () => {
  // What the service manager says of it would divide a line that is being written: it has been said before.
  const talk = `until [ -e talk ]; do sleep 0.05; done; seq -f '%05g  "é" \\\\ x0 c9 o' 3000; exec sleep 1000\n`;
  const script = await write('talker.sh', `cd "$(dirname "$0")"; ${talk}`);
  await write('talker.service', `[Service]\nExecStart=/bin/sh ${script}\n`);
  const read = 'journalctl -u talker -n 2000 --no-pager -q -o cat';
  const { stdout } = await run(
    `systemctl start talker; touch '${dirname(script)}/talk'; until ${read} | grep -q ^03000; do sleep 0.05; done; ${read}`,
  );
  const all = stdout.split('\n').slice(0, -1);
  expect(all).toHaveLength(2000);
  expect(all.at(-1)).toBe('03000  "é" \\\\ x0 c9 o');
  expect(new Set(all.map((line) => line.slice(5))).size).toBe(1);
});

it.each([
  ['an unknown directive', `${SLEEP}MemoryMax=1G\n`, ':3: Service.MemoryMax= is not supported'],
  ['an unknown section', `${SLEEP}[Socket]\nA=1\n`, ':4: Socket.A= is not supported'],
  ['an unknown type', `${SLEEP}Type=forking\n`, '"forking" is not supported; it must be simple, notify'],
  ['an unknown restart policy', `${SLEEP}Restart=on-watchdog\n`, '"on-watchdog" is not supported'],
  ['another user', `${SLEEP}User=nobody-else\n`, 'can be User='],
  ['no command', '[Service]\nRestart=no\n', 'Service has no ExecStart= setting'],
  ['two commands', `${SLEEP}ExecStart=/bin/sleep 1\n`, 'more than one ExecStart= setting'],
  ['two commands in one', '[Service]\nExecStart=/bin/sleep 1 ; /bin/sleep 2\n', 'several commands'],
  ['a prefixed command', '[Service]\nExecStart=-/bin/sleep 1\n', '"-/bin/sleep" must be the absolute path'],
  ['a variable', `[Service]\nExecStart=/bin/echo x${VARIABLE}\n`, `write out "x${VARIABLE}"`],
  ['a variable as a word', '[Service]\nExecStart=/bin/echo $A\n', 'write out "$A"'],
  ['a specifier', '[Service]\nExecStart=/bin/echo %i\n', 'write out "%i"'],
  ['an unclosed quote', '[Service]\nExecStart=/bin/echo "a\n', 'a quote is not closed'],
  ['an escape', '[Service]\nExecStart=/bin/echo "\\x41"\n', 'there is a backslash'],
  ['a wrong time span', `${SLEEP}RestartSec=5 parsecs\n`, '"5 parsecs" is not a time span'],
  ['a line without an assignment', `${SLEEP}hello\n`, ':3: "hello" is no assignment'],
  ['a line that goes on', '[Service]\nExecStart=/bin/sleep \\\n 1\n', ':2: "ExecStart=/bin/sleep \\" is no assignment'],
  [
    'an assignment before any section',
    'Type=simple\n',
    ':1: "Type=simple" is no assignment KEY=VALUE on one line, after',
  ],
  ['a relative path', `${SLEEP}EnvironmentFile=etc/etcd\n`, 'must be an absolute path'],
])('refuses a unit file with %s, and goes on as before', async (_what, text, message) => {
  await write('strict.service', SLEEP);
  expect((await run('systemctl daemon-reload; systemctl show -p Type strict')).stdout).toBe('Type=simple\n');
  const file = await write('strict.service', text);
  const reloaded = await run('systemctl daemon-reload');
  expect(reloaded).toMatchObject({ exitCode: 1, stdout: '' });
  expect(reloaded.stderr).toContain(file);
  expect(reloaded.stderr).toContain(message);
  expect((await show('strict', 'ExecStart'))[0]).toContain('argv[]=/bin/sleep 1000 ;');
  await write('strict.service', SLEEP);
});

it.each([
  ['systemctl status known', "Unknown command verb 'status'"],
  ['systemctl', "Unknown command verb ''"],
  ['systemctl start', 'start takes 1 unit here, not 0'],
  ['systemctl start known other', 'start takes 1 unit here, not 2'],
  ['systemctl daemon-reload known', 'daemon-reload takes 0 units here, not 1'],
  ['systemctl stop --no-block known', "Unknown option '--no-block'"],
  ['systemctl start --now known', "Unknown option '--now'"],
  ['systemctl show known', 'say which properties'],
  ['systemctl show -p Nonsense -p Type known', 'not supported: Nonsense'],
  ['systemctl show -p Type known.timer', '"known.timer" is not the name of a service'],
  ['systemctl kill known', 'takes the name or number of a signal'],
  ['systemctl kill -s NONSENSE known', 'not "NONSENSE"'],
  ['journalctl -u known -n 5 --no-pager -q', 'journalctl is supported as'],
  ['journalctl -u known --no-pager -q -o cat', 'journalctl is supported as'],
  ['journalctl -u known -f -n 5 --no-pager -q -o cat', "Unknown option '-f'"],
])('refuses what it does not know: %s', async (command, message) => {
  await write('known.service', SLEEP);
  const { exitCode, stdout, stderr } = await run(command);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toContain(message);
});

it('takes options at any place, and does not wait where it is told so', async () => {
  await write('placed.service', SLEEP);
  expect(await run('systemctl --no-block start placed; systemctl restart placed --no-block')).toMatchObject({
    exitCode: 0,
  });
  expect((await run('systemctl -p Type show placed')).stdout).toBe('Type=simple\n');
  expect((await run('systemctl --property Type show placed')).stdout).toBe('Type=simple\n');
  expect((await run('journalctl -o cat -q -n 1 --no-pager -u placed.service')).stdout).toMatch(/\.\n$/);
});
