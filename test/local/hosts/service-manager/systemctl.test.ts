import { expect, it } from 'vitest';
import { oneHost } from './harness.ts';

const { run, write, show, host } = oneHost();

// biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's way to write a variable
const SHELL_DEFAULT = '${A:-b}';
const SLEEP = '[Service]\nExecStart=/bin/sleep 1000\n';

it.each([
  ['systemctl start nope', 5, '', 'Failed to start nope.service: Unit nope.service not found.\n'],
  ['systemctl restart nope.service', 5, '', 'Failed to restart nope.service: Unit nope.service not found.\n'],
  ['systemctl stop nope', 5, '', 'Failed to stop nope.service: Unit nope.service not loaded.\n'],
  ['systemctl kill -s TERM nope', 1, '', 'Failed to kill unit nope.service: Unit nope.service not loaded.\n'],
  ['systemctl cat nope', 1, '', 'No files found for nope.service.\n'],
  ['systemctl is-active nope', 3, 'inactive\n', ''],
  ['systemctl show -p LoadState -p Id nope', 0, 'Id=nope.service\nLoadState=not-found\n', ''],
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
Type=exec
Environment=NAME=m1 "WORDS=two words"
EnvironmentFile=-/nowhere/first
EnvironmentFile=${host().unitDir}/second
User=${host().layout.user}
ExecStart=/bin/sleep \\
  1000
[Install]
WantedBy=multi-user.target
`,
  );
  await write('second', 'FROM_FILE=1\n');
  const names =
    'Id,LoadState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainStatus,ExecMainCode,ExecStart,Environment,' +
    'EnvironmentFiles,FragmentPath,User,Group,Type,UnitFileState';
  expect((await run(`systemctl show --property=${names} shown`)).stdout.split('\n')).toEqual([
    'Type=exec',
    'MainPID=0',
    'Result=success',
    'NRestarts=0',
    'ExecMainCode=0',
    'ExecMainStatus=0',
    'ExecStart={ path=/bin/sleep ; argv[]=/bin/sleep 1000 ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }',
    'Environment=NAME=m1 "WORDS=two words"',
    'EnvironmentFiles=/nowhere/first (ignore_errors=yes)',
    `EnvironmentFiles=${host().unitDir}/second (ignore_errors=no)`,
    `User=${host().layout.user}`,
    'Group=',
    'Id=shown.service',
    'LoadState=loaded',
    'ActiveState=inactive',
    'SubState=dead',
    `FragmentPath=${host().unitDir}/shown.service`,
    'UnitFileState=enabled',
    '',
  ]);
  await run('systemctl start shown; systemctl kill -s 9 shown; systemctl stop shown');
  expect((await show('shown', 'ExecStart'))[0]).toMatch(
    /start_time=\[\w{3} [\d-]{10} [\d:]{8} UTC\] ; stop_time=\[\w{3} [\d-]{10} [\d:]{8} UTC\] ; pid=\d+ ; code=killed ; status=9\/KILL }$/,
  );
});

it('takes back settings by drop-ins, once it is told to read them', async () => {
  const unit = await write('dropped.service', `${SLEEP}Environment=A=1\n`);
  expect(await show('dropped', 'Environment')).toEqual(['A=1']);
  const second = await write('dropped.service.d/20-b.conf', '[Service]\nExecStart=\nExecStart=/bin/sleep 2000\n');
  const first = await write('dropped.service.d/10-a.conf', '[Service]\nEnvironment=\nEnvironment=B=2\n');
  await write('dropped.service.d/note.txt', 'not read');
  expect(await show('dropped', 'Environment')).toEqual(['A=1']);
  await run('systemctl daemon-reload');
  expect(await show('dropped', 'Environment')).toEqual(['B=2']);
  expect((await show('dropped', 'ExecStart'))[0]).toContain('argv[]=/bin/sleep 2000 ;');
  expect((await run('systemctl cat dropped')).stdout).toBe(
    `# ${unit}\n${SLEEP}Environment=A=1\n\n# ${first}\n[Service]\nEnvironment=\nEnvironment=B=2\n\n` +
      `# ${second}\n[Service]\nExecStart=\nExecStart=/bin/sleep 2000\n`,
  );
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
  await write('env-file', '# a comment\nFILE_ONLY="from the file"\nBOTH=file\n');
  await write(
    'env.service',
    `[Service]
Type=exec
Environment=BOTH=unit LIST="a b" EMPTY=
EnvironmentFile=${host().unitDir}/env-file
WorkingDirectory=${host().unitDir}
ExecStart=/bin/sh -c 'pwd > ${out}; for word in "$$@"; do echo "<$$word>" >> ${out}; done; env >> ${out}; exec sleep 1000' sh \${BOTH} $LIST x\${EMPTY}y $EMPTY \${UNSET} %% $$
`,
  );
  expect((await run(`systemctl start env; until grep -q ^PATH= ${out}; do sleep 0.05; done`)).exitCode).toBe(0);
  const { stdout } = await run(`cat ${out}`);
  const [folder, ...lines] = stdout.trimEnd().split('\n');
  const words = lines.filter((line) => line.startsWith('<'));
  const environment = lines.filter((line) => !line.startsWith('<') && !/^(PWD|OLDPWD|SHLVL|_|__CF\w*)=/.test(line));
  expect(folder).toBe(host().unitDir);
  expect(words).toEqual(['<file>', '<a>', '<b>', '<xy>', '<>', '<%>', '<$>']);
  expect(environment.sort()).toEqual([
    'BOTH=file',
    'EMPTY=',
    'FILE_ONLY=from the file',
    'LIST=a b',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
});

it.each([
  ['an unknown directive', `${SLEEP}MemoryMax=1G\n`, ':3: MemoryMax= in [Service] is not supported'],
  ['an unknown section', `${SLEEP}[Socket]\nA=1\n`, ':4: A= in [Socket] is not supported'],
  ['an unknown type', `${SLEEP}Type=forking\n`, '"forking" is not supported; it must be simple, exec, notify'],
  ['an unknown restart policy', `${SLEEP}Restart=on-watchdog\n`, '"on-watchdog" is not supported'],
  ['another user', `${SLEEP}User=nobody-else\n`, 'can be User='],
  ['another group', `${SLEEP}Group=nobody-else\n`, 'can be Group='],
  ['a specifier', `${SLEEP}Environment=NAME=%i\n`, 'the specifier "%i" is not supported'],
  ['no command', '[Service]\nRestart=no\n', 'Service has no ExecStart= setting'],
  ['two commands', `${SLEEP}ExecStart=/bin/sleep 1\n`, 'more than one ExecStart= setting'],
  ['two commands in one', '[Service]\nExecStart=/bin/sleep 1 ; /bin/sleep 2\n', 'several commands'],
  ['a prefixed command', '[Service]\nExecStart=-/bin/sleep 1\n', '"-/bin/sleep" must be the absolute path'],
  ['a shell default', `[Service]\nExecStart=/bin/echo ${SHELL_DEFAULT}\n`, `"${SHELL_DEFAULT}" names no variable`],
  ['an unclosed quote', '[Service]\nExecStart=/bin/echo "a\n', 'a quote (") is not closed'],
  ['a wrong time span', `${SLEEP}RestartSec=5 parsecs\n`, '"5 parsecs" is not a time span'],
  ['a line without an assignment', `${SLEEP}hello\n`, ':3: "hello" is neither a [Section] nor an assignment'],
  ['an assignment before any section', 'Type=simple\n', ':1: "Type=simple" comes before any [Section]'],
  ['another service to start along', `[Unit]\nWants=other.service\n${SLEEP}`, 'starting another service along'],
  ['a wrong assignment', `${SLEEP}Environment=1A=2\n`, '"1A=2" is not NAME=VALUE'],
  ['a glob', `${SLEEP}EnvironmentFile=/etc/*.conf\n`, 'must be an absolute path, no glob'],
])('refuses a unit file with %s, and goes on as before', async (_what, text, message) => {
  await write('strict.service', SLEEP);
  expect((await run('systemctl daemon-reload; systemctl show -p Id strict')).stdout).toBe('Id=strict.service\n');
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
  ['systemctl show -p Nonsense -p Id known', 'not supported: Nonsense'],
  ['systemctl show -p Id known.timer', '"known.timer" is not the name of a service'],
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
  expect((await run('systemctl -p Id show placed')).stdout).toBe('Id=placed.service\n');
  expect((await run('systemctl --property Id show placed')).stdout).toBe('Id=placed.service\n');
  expect((await run('journalctl -o cat -q -n 1 --no-pager -u placed.service')).stdout).toMatch(/\.\n$/);
});
