import { chmodSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PreparedHost, type Properties } from './prepared-host.ts';
import { contentsOf } from './recovery-host.ts';
import { refuseMembership, writeMembership } from './written-membership.ts';

const WANTED = {
  initialCluster: 'm1=https://10.0.0.1:2380',
  initialClusterState: 'existing',
  initialClusterToken: 'new-token',
};

/** The file `etcd.conf` on a host whose unit reads it. */
function hostWith(text: string, properties: Properties): PreparedHost {
  const host = new PreparedHost();
  host.write('etcd.conf', text);
  const expanded = Object.entries(properties).map(([name, value]) => [
    name,
    [value].flat().map((line) => line.replaceAll('FILE', host.path('etcd.conf'))),
  ]);
  host.setProperties(Object.fromEntries(expanded));
  return host;
}

const YAML = { ExecStart: execStart('/usr/bin/etcd --config-file FILE') };
const ENVIRONMENT = { ExecStart: execStart('/usr/bin/etcd'), EnvironmentFiles: 'FILE (ignore_errors=no)' };

function execStart(command: string): string {
  return `{ path=/usr/bin/etcd ; argv[]=${command} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`;
}

function parametersFor(host: PreparedHost, overrides: Record<string, string> = {}) {
  return { unit: 'etcd', configFile: host.path('etcd.conf'), execution: 'run-1', ...WANTED, ...overrides };
}

describe('the writing of the membership edits YAML', () => {
  it.each([
    {
      what: 'replaces settings in place and keeps everything else',
      before:
        '# head\nname: m1\ninitial-cluster-state: new\ninitial-cluster: a=http://a:1\ninitial-cluster-token: old\nclient-transport-security:\n  cert-file: x\n',
      after:
        '# head\nname: m1\ninitial-cluster-state: "existing"\ninitial-cluster: "m1=https://10.0.0.1:2380"\ninitial-cluster-token: "new-token"\nclient-transport-security:\n  cert-file: x\n',
    },
    {
      what: 'appends what is not set, leaves commented settings alone, and ends an open last line',
      before: '#initial-cluster-state: new\n  # initial-cluster: x\nname: m1',
      after:
        '#initial-cluster-state: new\n  # initial-cluster: x\nname: m1\ninitial-cluster-state: "existing"\ninitial-cluster: "m1=https://10.0.0.1:2380"\ninitial-cluster-token: "new-token"\n',
    },
    {
      what: 'keeps comments behind values, quoted or not',
      before:
        'initial-cluster-state: \'new\'  # first\ninitial-cluster: a=http://a:1 # second\n"initial-cluster-token": "a # b" # third\n',
      after:
        'initial-cluster-state: "existing"  # first\ninitial-cluster: "m1=https://10.0.0.1:2380" # second\ninitial-cluster-token: "new-token" # third\n',
    },
    {
      what: 'drops the lines that a value goes on in, and keeps the comment lines after them',
      before:
        'initial-cluster:\n  a=http://a:1,\n  b=http://b:1\n  # about the rest\ninitial-cluster-state: >-\n  new\n\ninitial-cluster-token: "a\n  b"\nname: m1\n',
      after:
        'initial-cluster: "m1=https://10.0.0.1:2380"\n  # about the rest\ninitial-cluster-state: "existing"\n\ninitial-cluster-token: "new-token"\nname: m1\n',
    },
    {
      what: 'writes the line endings of the file',
      before: 'name: m1\r\ninitial-cluster-state: new # x\r\ninitial-cluster: a=http://a:1\r\n',
      after:
        'name: m1\r\ninitial-cluster-state: "existing" # x\r\ninitial-cluster: "m1=https://10.0.0.1:2380"\r\ninitial-cluster-token: "new-token"\r\n',
    },
    {
      what: 'does not take a setting with a similar name, or a nested one, for its own',
      before: '---\ninitial-cluster-state-x: new\nlog:\n  initial-cluster: nested\n',
      after:
        '---\ninitial-cluster-state-x: new\nlog:\n  initial-cluster: nested\ninitial-cluster-state: "existing"\ninitial-cluster: "m1=https://10.0.0.1:2380"\ninitial-cluster-token: "new-token"\n',
    },
  ])('$what', async ({ before, after }) => {
    using host = hostWith(before, YAML);
    expect(await writeMembership(host.access, parametersFor(host))).toEqual({
      file: host.path('etcd.conf'),
      copy: host.path('etcd.conf.run-1'),
      changed: true,
    });
    expect(host.read('etcd.conf')).toBe(after);
    expect(host.read('etcd.conf.run-1')).toBe(before);
  });

  it.each([
    {
      what: 'a setting that is made twice',
      text: 'initial-cluster: a=http://a:1\ninitial-cluster: b=http://b:1\n',
      problem: 'more than once',
    },
    { what: 'flow style', text: '{"name": "m1"}\n', problem: 'left edge' },
    { what: 'settings that are indented', text: '  name: m1\n', problem: 'left edge' },
    { what: 'several documents', text: 'name: m1\n---\nname: m2\n', problem: 'more than one document' },
    {
      what: 'discovery',
      text: 'discovery: https://discovery.example/1\n',
      problem: 'discovery: https://discovery.example/1',
    },
    { what: 'force-new-cluster', text: 'force-new-cluster: true\n', problem: 'force-new-cluster: true' },
  ])('refuses $what and changes nothing', async ({ text, problem }) => {
    using host = hostWith(text, YAML);
    const { exitCode, message } = await refuseMembership(host.access, parametersFor(host));
    expect(exitCode).toBe(65);
    expect(message).toContain(problem);
    expect(host.read('etcd.conf')).toBe(text);
    expect(host.has('etcd.conf.run-1')).toBe(false);
  });
});

describe('the writing of the membership edits an environment file', () => {
  it.each([
    {
      what: 'replaces settings in place, with and without quotes, and appends the rest',
      before:
        "# head\nETCD_NAME=m1\nETCD_INITIAL_CLUSTER_STATE=new\nETCD_INITIAL_CLUSTER='a=http://a:1'\n#ETCD_INITIAL_CLUSTER_TOKEN=x\n",
      after:
        '# head\nETCD_NAME=m1\nETCD_INITIAL_CLUSTER_STATE="existing"\nETCD_INITIAL_CLUSTER="m1=https://10.0.0.1:2380"\n#ETCD_INITIAL_CLUSTER_TOKEN=x\nETCD_INITIAL_CLUSTER_TOKEN="new-token"\n',
    },
    {
      what: 'leaves one line of several, where the one that counts stood',
      before:
        'ETCD_INITIAL_CLUSTER_STATE=existing\nA=b\nETCD_INITIAL_CLUSTER_STATE=new\nETCD_INITIAL_CLUSTER=x\nETCD_INITIAL_CLUSTER_TOKEN="new-token"\n',
      after:
        'A=b\nETCD_INITIAL_CLUSTER_STATE="existing"\nETCD_INITIAL_CLUSTER="m1=https://10.0.0.1:2380"\nETCD_INITIAL_CLUSTER_TOKEN="new-token"\n',
    },
    {
      what: 'writes no "export", which systemd ignores together with its line',
      before:
        'export ETCD_INITIAL_CLUSTER_STATE=existing\n  export  ETCD_INITIAL_CLUSTER="x"\nETCD_INITIAL_CLUSTER_TOKEN=\n',
      after:
        'ETCD_INITIAL_CLUSTER_STATE="existing"\nETCD_INITIAL_CLUSTER="m1=https://10.0.0.1:2380"\nETCD_INITIAL_CLUSTER_TOKEN="new-token"\n',
    },
    {
      what: 'drops the lines that a value goes on in',
      before:
        'ETCD_INITIAL_CLUSTER="a=http://a:1,\\\nb=http://b:1"\nETCD_INITIAL_CLUSTER_STATE=n\\\new\nETCD_INITIAL_CLUSTER_TOKEN=\'a\nb\'\nETCD_NAME=m1\n',
      after:
        'ETCD_INITIAL_CLUSTER="m1=https://10.0.0.1:2380"\nETCD_INITIAL_CLUSTER_STATE="existing"\nETCD_INITIAL_CLUSTER_TOKEN="new-token"\nETCD_NAME=m1\n',
    },
    {
      what: 'leaves a line alone that says so already, however it is written',
      before:
        "ETCD_INITIAL_CLUSTER_STATE='existing'\r\nETCD_INITIAL_CLUSTER=x\r\nETCD_INITIAL_CLUSTER_TOKEN = new-token  \r\n",
      after:
        'ETCD_INITIAL_CLUSTER_STATE=\'existing\'\r\nETCD_INITIAL_CLUSTER="m1=https://10.0.0.1:2380"\r\nETCD_INITIAL_CLUSTER_TOKEN = new-token  \r\n',
    },
  ])('$what', async ({ before, after }) => {
    using host = hostWith(before, ENVIRONMENT);
    await writeMembership(host.access, parametersFor(host));
    expect(host.read('etcd.conf')).toBe(after);
    expect(host.read('etcd.conf.run-1')).toBe(before);
  });

  it('leaves the token untouched when none is given', async () => {
    using host = hostWith('ETCD_INITIAL_CLUSTER_TOKEN=old\n', ENVIRONMENT);
    await writeMembership(host.access, parametersFor(host, { initialClusterToken: '' }));
    expect(host.read('etcd.conf')).toBe(
      'ETCD_INITIAL_CLUSTER_TOKEN=old\nETCD_INITIAL_CLUSTER_STATE="existing"\nETCD_INITIAL_CLUSTER="m1=https://10.0.0.1:2380"\n',
    );
  });

  it('keeps the first copy through later runs, and makes none when nothing changes', async () => {
    using host = hostWith('ETCD_NAME=m1\n', ENVIRONMENT);
    await writeMembership(host.access, parametersFor(host));
    const again = await writeMembership(host.access, parametersFor(host));
    expect(again).toEqual({ file: host.path('etcd.conf'), copy: host.path('etcd.conf.run-1'), changed: false });
    await writeMembership(host.access, parametersFor(host, { initialClusterState: 'new' }));
    expect(host.read('etcd.conf.run-1')).toBe('ETCD_NAME=m1\n');
    const other = parametersFor(host, { initialClusterState: 'new', execution: 'run-2' });
    expect(await writeMembership(host.access, other)).toMatchObject({ copy: '', changed: false });
    expect(host.has('etcd.conf.run-2')).toBe(false);
  });

  it('edits the file behind a link and keeps its mode', async () => {
    using host = hostWith('', {});
    host.write('real.conf', 'ETCD_NAME=m1\n');
    chmodSync(host.path('real.conf'), 0o640);
    symlinkSync('real.conf', host.path('link.conf'));
    host.setProperties({ EnvironmentFiles: `${host.path('link.conf')} (ignore_errors=no)` });
    const parameters = parametersFor(host, { configFile: host.path('link.conf') });
    expect(await writeMembership(host.access, parameters)).toMatchObject({
      file: host.path('real.conf'),
      copy: host.path('real.conf.run-1'),
    });
    expect(host.read('link.conf')).toContain('ETCD_INITIAL_CLUSTER_STATE="existing"');
    for (const file of ['real.conf', 'real.conf.run-1']) expect(statSync(host.path(file)).mode & 0o777).toBe(0o640);
  });

  it('has written all or nothing wherever it is killed, and ends as if nothing had happened, but tells what it has removed', async () => {
    const before = 'ETCD_INITIAL_CLUSTER_STATE=new\n';
    const removed: string[] = [];
    for (let change = 1; ; change++) {
      expect(change).toBeLessThan(20);
      using host = hostWith(before, ENVIRONMENT);
      host.killBeforeChange(change);
      const done = await writeMembership(host.access, parametersFor(host)).then(
        () => true,
        () => false,
      );
      const after = host.read('etcd.conf');
      expect([before, AFTER]).toContain(after);
      host.killBeforeChange(undefined);
      removed.push(...((await writeMembership(host.access, parametersFor(host))).removed ?? []));
      expect(host.read('etcd.conf')).toBe(AFTER);
      expect(host.read('etcd.conf.run-1')).toBe(before);
      expect(contentsOf(host.path('.')).filter((name) => name.startsWith('.etcd-remediation'))).toEqual([]);
      if (done) break;
    }
    expect(removed.length).toBeGreaterThan(1);
    for (const path of removed) expect(path).toMatch(/\/\.etcd-remediation\.\w{6}$/);
  });
});

const AFTER =
  'ETCD_INITIAL_CLUSTER_STATE="existing"\nETCD_INITIAL_CLUSTER="m1=https://10.0.0.1:2380"\nETCD_INITIAL_CLUSTER_TOKEN="new-token"\n';

describe('the writing of the membership edits only what etcd reads', () => {
  it('edits the YAML that an environment file names', async () => {
    using host = hostWith('', ENVIRONMENT);
    host.write('etcd.yml', 'name: m1\n');
    host.write('etcd.conf', `ETCD_CONFIG_FILE=${host.path('etcd.yml')}\nETCD_INITIAL_CLUSTER_STATE=new\n`);
    const { file } = await writeMembership(host.access, parametersFor(host));
    expect(file).toBe(host.path('etcd.yml'));
    expect(host.read('etcd.yml')).toContain('initial-cluster-state: "existing"');
    expect(host.read('etcd.conf')).toContain('ETCD_INITIAL_CLUSTER_STATE=new');
  });

  it.each([
    {
      what: 'a file that the unit does not read',
      properties: { ExecStart: execStart('/usr/bin/etcd') },
      problem: 'no file at all',
    },
    {
      what: 'an environment file beside a config file',
      properties: { ...ENVIRONMENT, ExecStart: execStart('/usr/bin/etcd --config-file=/etc/other.yml') },
      problem: '/etc/other.yml',
    },
    {
      what: 'a unit whose flag goes first',
      properties: { ...ENVIRONMENT, ExecStart: execStart('/usr/bin/etcd --initial-cluster-state new') },
      problem: '--initial-cluster-state=new in the unit etcd',
    },
    { what: 'a unit that is not there', properties: { LoadState: 'not-found' }, problem: 'not-found' },
  ])('refuses $what', async ({ properties, problem }) => {
    using host = hostWith('ETCD_NAME=m1\n', properties);
    const { exitCode, message } = await refuseMembership(host.access, parametersFor(host));
    expect({ exitCode, message }).toEqual({ exitCode: 65, message: expect.stringContaining(problem) });
    expect(host.read('etcd.conf')).toBe('ETCD_NAME=m1\n');
  });

  it('refuses a file that is not there', async () => {
    using host = hostWith('', ENVIRONMENT);
    host.setProperties({ EnvironmentFiles: `${host.path('gone.conf')} (ignore_errors=yes)` });
    const parameters = parametersFor(host, { configFile: host.path('gone.conf') });
    expect(await refuseMembership(host.access, parameters)).toMatchObject({ exitCode: 65 });
  });
});
