import { describe, expect, it } from 'vitest';
import { createProgram } from '../../cli/main.ts';
import { etcdRemediation } from './command.ts';

describe('the help', () => {
  it('names the commands, and each says what it does', async () => {
    const { status, stdout, stderr } = await etcdRemediation('--help');
    expect(status).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}(\w+) .* {2}\w+/gm)].map(([, name]) => name);
    expect(commands).toEqual([
      ...['check', 'diagnose', 'analyze', 'run', 'serve', 'backup', 'backups', 'rehearse', 'drill', 'report'],
      ...['start', 'status', 'watch', 'approve', 'reject', 'stop', 'clusters'],
      'help',
    ]);
    expect(stderr).toBe('');
    expect([...stdout.matchAll(/^Commands.*:$/gm)].map(([heading]) => heading)).toEqual([
      'Commands that need no AWS:',
      'Commands for what is deployed to AWS:',
      'Commands:',
    ]);
  });

  it.each(['diagnose', 'run', 'serve', 'backup', 'backups', 'rehearse', 'drill', 'report'])(
    'of %s has examples, and says what it ends with',
    async (command) => {
      const { stdout } = await etcdRemediation(command, '--help');
      expect(stdout).toMatch(
        new RegExp(
          `^Examples:\n( {2}npx --no etcd-remediation ${command}\\b.*\n)+\nExit status: .* 2 for a wrong use`,
          'm',
        ),
      );
    },
  );

  it('of all commands is named as npx passes it on, where a command is not known', async () => {
    for (const args of [['diagnos'], ['--hlp']]) {
      const { status, stderr } = await etcdRemediation(...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^\("npx --no -- etcd-remediation --help" says more\)$/m);
    }
    expect((await etcdRemediation('diagnose', '--hlp')).stderr).toMatch(/^\(--help says more\)$/m);
  });

  it('says on its first line what has to be given, and of no option that it is off', async () => {
    const { stdout } = await etcdRemediation('stop', '--help');
    expect(stdout).toMatch(/^Usage: etcd-remediation stop --reason <text> \[options\] <id>\n/);
    expect(stdout).not.toContain('(default: false)');
  });

  it.each(['run', 'serve'])('of %s says that its lock is its own', async (command) => {
    const { stdout } = await etcdRemediation(command, '--help');
    expect(stdout).toMatch(/The cluster's lock is held in this\s+process\. .*do not\s+see\s+each\s+other's\s+lock/s);
  });

  it('of diagnose names every option, and says that nothing is changed', async () => {
    const { status, stdout } = await etcdRemediation('diagnose', '--help');
    expect(status).toBe(0);
    const options = [...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name);
    expect(options).toEqual([
      ...['config', 'secrets', 'hosts', 'backups'],
      ...['deployed', 'region', 'profile', 'prefix', 'json', 'help'],
    ]);
    expect(stdout).toContain('Changes nothing');
  });

  it('of every command names a cluster in the same way, as its first argument', () => {
    const { commands } = createProgram();
    const taking = commands.filter(({ registeredArguments: [first] }) => first?.name() === 'cluster');
    expect(taking.map((command) => command.name()).toSorted()).toEqual([
      ...['analyze', 'backup', 'backups', 'check', 'diagnose', 'rehearse', 'run', 'start'],
    ]);
    const named = commands.flatMap(({ options }) => options.filter(({ flags }) => /--cluster|\bcluster\]/.test(flags)));
    expect(named.map(({ flags }) => flags)).toEqual([]);
  });

  it('of run names every option', async () => {
    const { status, stdout } = await etcdRemediation('run', '--help');
    expect(status).toBe(0);
    const options = [...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name);
    expect(options).toEqual([
      'config',
      'secrets',
      'hosts',
      'staging-address',
      'backups',
      'incident',
      'member',
      'dry-run',
      'approve',
      'parameters',
      'json',
      'help',
    ]);
  });

  it('of drill names every option and every scenario', async () => {
    const { status, stdout } = await etcdRemediation('drill', '--help');
    expect(status).toBe(0);
    const options = [...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name);
    expect(options).toEqual([
      ...['etcd', 'members', 'hosts', 'damage', 'strategy', 'fault', 'delivery'],
      ...['tls', 'auth', 'size', 'json', 'help'],
    ]);
    for (const scenario of ['space-exceeded', 'auth-token-invalid', 'member-failed', 'quorum-lost', 'backup']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${scenario} {2}\\S.*`, 'm'));
    }
  });
});
