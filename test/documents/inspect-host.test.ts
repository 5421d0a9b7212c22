import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { runScript } from '../../local/hosts/access.ts';
import { owner } from './data-dir-host.ts';
import { PreparedHost, type Properties } from './prepared-host.ts';
import { composeScript, refuse, runCommand, succeed } from './script.ts';

function parametersFor(host: PreparedHost, overrides: Record<string, string> = {}) {
  return {
    unit: 'etcd',
    dataDir: host.path('data'),
    walDir: '',
    configFile: host.path('etcd.conf'),
    binDir: host.path('bin'),
    ...owner,
    url: '',
    ...overrides,
  };
}

const inspect = (host: PreparedHost, overrides: Record<string, string> = {}) =>
  succeed(host.access, 'inspect-host', parametersFor(host, overrides));

describe('inspect-host tells the state of the unit', () => {
  it('as systemd does', async () => {
    using host = new PreparedHost({
      ActiveState: 'activating',
      SubState: 'auto-restart',
      Result: 'exit-code',
      MainPID: '0',
      NRestarts: '12',
      ExecMainStatus: '1',
    });
    expect((await inspect(host)).unit).toEqual({
      loadState: 'loaded',
      activeState: 'activating',
      subState: 'auto-restart',
      result: 'exit-code',
      mainPid: 0,
      restarts: 12,
      exitStatus: 1,
    });
  });

  it('also where there is no such unit, or systemd is too old to count restarts', async () => {
    using host = new PreparedHost({ LoadState: 'not-found' });
    const { unit, configuration } = await inspect(host);
    expect(unit).toMatchObject({ loadState: 'not-found', restarts: 0 });
    expect(configuration).toMatchObject({ format: 'environment', file: '', overriding: [] });
  });
});

describe('inspect-host reads certificates', () => {
  const block = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
  const key = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';

  function hostWith(form: 'yaml' | 'flow' | 'flags', files: Record<string, string>): PreparedHost {
    const host = new PreparedHost();
    for (const [name, text] of Object.entries(files)) host.write(name, text);
    const at = (name: string) => host.path(name);
    const settings = {
      yaml:
        `client-transport-security:\n  cert-file: ${at('server')} # of clients\n  client-cert-auth: true\n  key-file: "${at('server.key')}"\n` +
        `peer-transport-security:\n  client-cert-auth: true\n  trusted-ca-file: ${at('ca')}\n  cert-file: '${at('peer')}'\n  key-file: ${at('peer.key')}\n`,
      flow:
        `client-transport-security: {cert-file: ${at('server')}, key-file: ${at('server.key')}}\n` +
        `peer-transport-security: {"client-cert-auth": true, trusted-ca-file: ${at('ca')}, cert-file: "${at('peer')}", key-file: ${at('peer.key')}}\n`,
      flags: '',
    }[form];
    if (settings !== '') host.write('etcd.conf', settings);
    const flags =
      `--cert-file=${at('server')} --key-file=${at('server.key')} --peer-trusted-ca-file ${at('ca')} ` +
      `--peer-cert-file=${at('peer')} --peer-key-file=${at('peer.key')}`;
    const argv = form === 'flags' ? flags : `--config-file ${at('etcd.conf')}`;
    host.setProperties({
      ExecStart: `{ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd ${argv} ; ignore_errors=no ; pid=0 }`,
    });
    return host;
  }
  const missing = ({ refusals }: Awaited<ReturnType<typeof inspect>>) =>
    refusals.filter(({ refusal }) => refusal === 'certificate-missing');

  it.each(['yaml', 'flow', 'flags'] as const)('whose files are named as %s, and never a key', async (form) => {
    using host = hostWith(form, {
      server: `${key}text before\n${block('c2Vy\r\ndmVy')}${block('aW50')}`,
      peer: block('cGVlcg=='),
      ca: block('Y2E='),
      'server.key': key,
      'peer.key': key,
    });
    const found = await inspect(host);
    expect(found.certificates).toEqual([
      { use: 'peer', file: host.path('peer'), der: 'cGVlcg==' },
      { use: 'server', file: host.path('server'), der: 'c2VydmVy' },
      { use: 'peer-ca', file: host.path('ca'), der: 'Y2E=' },
    ]);
    expect(missing(found)).toEqual([]);
    expect(JSON.stringify(found)).not.toContain('c2VjcmV0');
  });

  it('and says which are not there, and which hold none', async () => {
    using host = hostWith('yaml', { server: key, 'server.key': key, ca: block('Y2E=').repeat(2) });
    const found = await inspect(host);
    expect(found.certificates).toEqual([{ use: 'server', file: host.path('server'), der: '' }]);
    expect(missing(found)).toEqual([
      {
        incident: 'any',
        refusal: 'certificate-missing',
        message: expect.stringContaining(
          `${host.path('peer')} (peer-cert-file), ${host.path('peer.key')} (peer-key-file). Without them it does not start.`,
        ),
      },
    ]);
  });

  it('of a length that leaves room for what stops a runbook', async () => {
    using host = hostWith('yaml', {
      ...{ server: block('A'.repeat(4001)), peer: block('B'.repeat(4000)), ca: '', 'server.key': key, 'peer.key': key },
    });
    expect((await inspect(host)).certificates.map(({ use, der }) => [use, der.length])).toEqual([['peer', 4000]]);
  });
});

describe('inspect-host reads the log', () => {
  it('and keeps what was said of certificates a moment ago, however much was said since', async () => {
    using host = new PreparedHost();
    const line = (time: string, error: string, msg = 'rejected connection on peer endpoint') =>
      `{"level":"warn","ts":"2026-11-${time}.645276Z","msg":"${msg}","error":"${error}"}`;
    const expired = line('28T00:00:31', 'remote error: tls: expired certificate', 'prober detected unhealthy status');
    const flood = Array.from({ length: 300 }, () => line('28T00:01:10', 'remote error: tls: bad certificate'));
    const late = line('27T23:59:11', 'x509: certificate is valid for 10.9.9.9, not 10.0.0.3');
    const over = [
      line('27T23:59:09', 'x509: certificate signed by unknown authority'),
      line(
        '26T00:01:00',
        'x509: certificate has expired or is not yet valid: current time 2026-11-26T00:01:00Z is after 2026',
      ),
    ];
    const ofClient = line(
      '28T00:01:00',
      'remote error: tls: unknown certificate',
      'rejected connection on client endpoint',
    );
    host.setLog(`${[...over, late, expired, ...flood, expired, ofClient, ...flood].join('\n')}\n`);
    expect((await inspect(host)).log).toEqual([late, expired, ...flood.slice(-20)]);
  });

  it('whatever bytes are in it', async () => {
    using host = new PreparedHost();
    const lines = [
      '{"level":"warn","msg":"a \\"b\\""}',
      'tab\there',
      "it's $HOME `id`",
      'bell \u0007, escape \u001b[31m',
      'Grüße, 数据 🦀',
      '',
    ];
    host.setLog(
      Buffer.concat([
        Buffer.from(lines.join('\n')),
        Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x7a, 0x0a]),
      ]),
    );
    const { log } = await inspect(host);
    expect(log.slice(0, 5)).toEqual(lines.slice(0, 5));
    expect(log[5]).toMatch(/^a\ufffd+\(\ufffd+z$/);
    expect(log).toHaveLength(6);
  });

  it('to twenty lines of 400 characters', async () => {
    using host = new PreparedHost();
    host.setLog(Array.from({ length: 30 }, (_, index) => `${index} ${'x'.repeat(1000)}\n`).join(''));
    const { log } = await inspect(host);
    expect(log).toHaveLength(20);
    expect(log.at(-1)).toBe(`29 ${'x'.repeat(397)}`);
  });

  it('within what SSM returns, the newest lines first of all', async () => {
    using host = new PreparedHost();
    host.setLog(Array.from({ length: 20 }, (_, index) => `${index} ${'\u0001'.repeat(399)}\n`).join(''));
    for (let index = 0; index < 60; index++) mkdirSync(host.path(`data.${String(index).padStart(80, '0')}`));
    const names = Array.from({ length: 150 }, (_, index) => `m${index}=http://10.0.0.${index}:2380`).join(',');
    host.write('etcd.conf', `ETCD_INITIAL_CLUSTER=${names}\n`);
    host.setProperties({ EnvironmentFiles: `${host.path('etcd.conf')} (ignore_errors=no)` });
    const { line } = await runCommand(host.access, 'inspect-host', parametersFor(host));
    expect(line.length).toBeLessThan(20_000);
    const { log, configuration } = await inspect(host);
    expect(log.at(-1)).toMatch(/^19 /);
    expect(configuration.initialCluster).toBe(names);
  });
});

describe('inspect-host looks at the data', () => {
  it('behind a link, and at what was moved aside before', async () => {
    using host = new PreparedHost();
    host.makeDataDir('disk', 'x'.repeat(10_000));
    chmodSync(host.path('disk'), 0o700);
    symlinkSync('disk', host.path('data'));
    for (const archive of ['disk.run-1', 'disk/archived.run-2', 'diskette']) mkdirSync(host.path(archive));
    host.write('disk.notes', '');
    const { dataDir, walDir, archives } = await inspect(host);
    expect(dataDir).toMatchObject({
      path: host.path('data'),
      realPath: host.path('disk'),
      exists: true,
      empty: false,
      isMountPoint: false,
      mode: 'drwx------',
    });
    expect(dataDir.sizeBytes).toBeGreaterThanOrEqual(10_000);
    expect(dataDir.freeBytes).toBeGreaterThan(0);
    expect(dataDir.owner).toMatch(/^[^:]+:[^:]+$/);
    expect(walDir).toBeNull();
    expect(archives).toEqual([host.path('disk.run-1'), host.path('disk/archived.run-2')]);
  });

  it('and calls it empty when nothing of etcd is in it', async () => {
    using host = new PreparedHost();
    for (const folder of ['data', 'data/lost+found', 'data/archived.run-1']) mkdirSync(host.path(folder));
    const { dataDir, walDir } = await inspect(host, { walDir: host.path('wal') });
    expect(dataDir).toMatchObject({ exists: true, empty: true });
    expect(walDir).toEqual({
      path: host.path('wal'),
      realPath: host.path('wal'),
      exists: false,
      empty: true,
      isMountPoint: false,
      owner: '',
      mode: '',
      sizeBytes: 0,
      freeBytes: expect.any(Number),
    });
  });
});

describe('inspect-host tells etcd’s version', () => {
  it('of a real etcd, and nothing where there is none', async () => {
    using host = new PreparedHost();
    const { etcd } = await findEtcd('3.5.16');
    expect((await inspect(host, { binDir: dirname(etcd) })).etcdVersion).toBe('3.5.16');
    expect((await inspect(host)).etcdVersion).toBe('');
  });
});

describe('inspect-host reads the configuration as etcd does', () => {
  const command = (argv: string) =>
    `{ path=/usr/bin/etcd ; argv[]=${argv} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`;

  interface Case {
    what: string;
    properties: Properties;
    files?: Record<string, string>;
    expected: object;
  }
  /** `/H` stands for the host's folder. */
  const cases: Case[] = [
    {
      what: 'flags before the environment, and the last of several',
      properties: {
        ExecStart: command('/usr/bin/etcd --name flag -data-dir=/old --data-dir=/flag --logger zap'),
        Environment:
          'ETCD_NAME=env ETCD_DATA_DIR=/env "ETCD_INITIAL_CLUSTER_TOKEN=a b" ETCD_WAL_DIR=/wal ETCD_EXPERIMENTAL_MAX_LEARNERS=2',
      },
      expected: {
        format: 'environment',
        file: '',
        name: 'flag',
        dataDir: '/flag',
        walDir: '/wal',
        initialClusterToken: 'a b',
        experimental: ['ETCD_EXPERIMENTAL_MAX_LEARNERS'],
      },
    },
    {
      what: 'environment files after the unit’s environment, the later before the earlier',
      properties: {
        ExecStart: command('/usr/bin/etcd'),
        Environment: 'ETCD_NAME=unit ETCD_DATA_DIR=/unit',
        EnvironmentFiles: ['/H/a.conf (ignore_errors=yes)', '/H/etcd.conf (ignore_errors=no)'],
      },
      files: {
        'a.conf': 'ETCD_NAME=a\nETCD_WAL_DIR=/a\n',
        'etcd.conf': '# ETCD_NAME=x\n  ETCD_NAME = "m1"\nexport ETCD_DATA_DIR=/ignored\n',
      },
      expected: { file: '/H/etcd.conf', name: 'm1', dataDir: '/unit', walDir: '/a', overriding: [] },
    },
    {
      what: 'a later environment file that would undo an edit',
      properties: { EnvironmentFiles: ['/H/etcd.conf (ignore_errors=no)', '/H/z.conf (ignore_errors=no)'] },
      files: { 'etcd.conf': '', 'z.conf': 'ETCD_INITIAL_CLUSTER_STATE=new\n' },
      expected: {
        file: '/H/etcd.conf',
        overriding: ['ETCD_INITIAL_CLUSTER_STATE=new in /H/z.conf, which is read after /H/etcd.conf'],
      },
    },
    {
      what: 'the only environment file, also under another name than expected, and of an old systemd',
      properties: { EnvironmentFile: '/H/other.conf (ignore_errors=yes)' },
      files: { 'other.conf': 'ETCD_NAME=m1\n' },
      expected: { file: '/H/other.conf', name: 'm1' },
    },
    {
      what: 'none of several environment files when none is the expected one',
      properties: { EnvironmentFiles: ['/H/a.conf (ignore_errors=yes)', '/H/b.conf (ignore_errors=yes)'] },
      expected: { file: '' },
    },
    {
      what: 'all environment files that a pattern stands for',
      properties: { EnvironmentFiles: '/H/*.conf (ignore_errors=yes)' },
      files: { 'etcd.conf': 'ETCD_NAME=m1\n', 'a.conf': 'ETCD_WAL_DIR=/a\n' },
      expected: { file: '/H/etcd.conf', name: 'm1', walDir: '/a' },
    },
    {
      what: 'variables in a shell’s command, without running anything',
      properties: {
        ExecStart: command(
          `/bin/bash -c GOMAXPROCS=$(nproc) /usr/bin/etcd --name="\${ETCD_NAME}" --data-dir=\\"\${ETCD_DATA_DIR}\\" --initial-advertise-peer-urls=http://$$ETCD_NAME:2380 --wal-dir $(touch\${IFS}/H/evil)`,
        ),
        EnvironmentFiles: '/H/etcd.conf (ignore_errors=no)',
      },
      files: {
        'etcd.conf':
          'ETCD_NAME=default\nETCD_DATA_DIR="/var/lib/etcd/default.etcd"\nETCD_INITIAL_CLUSTER_STATE="`touch /H/evil`"\n',
      },
      expected: {
        name: 'default',
        initialAdvertisePeerUrls: 'http://default:2380',
        initialClusterState: '`touch /H/evil`',
        overriding: [],
      },
    },
    {
      what: 'flags in a variable, and those that only repeat their own variable',
      properties: {
        ExecStart: command(
          `/usr/bin/etcd $ETCD_OPTS --initial-cluster \${ETCD_INITIAL_CLUSTER} --initial-cluster-token=$ETCD_INITIAL_CLUSTER_TOKEN`,
        ),
        EnvironmentFiles: '/H/etcd.conf (ignore_errors=no)',
      },
      files: { 'etcd.conf': 'ETCD_OPTS="--name m1 --initial-cluster-state=new"\nETCD_INITIAL_CLUSTER=m1=http://a:1\n' },
      expected: {
        name: 'm1',
        initialCluster: 'm1=http://a:1',
        initialClusterState: 'new',
        overriding: ['--initial-cluster-state=new in the unit etcd'],
      },
    },
    {
      what: 'what contradicts an edit: discovery and force-new-cluster',
      properties: {
        ExecStart: command('/usr/bin/etcd --force-new-cluster --name m1'),
        EnvironmentFiles: '/H/etcd.conf (ignore_errors=no)',
      },
      files: { 'etcd.conf': 'ETCD_DISCOVERY_SRV=example.com\nETCD_DISCOVERY=\n' },
      expected: {
        name: 'm1',
        overriding: ['ETCD_DISCOVERY_SRV=example.com in /H/etcd.conf', '--force-new-cluster=true in the unit etcd'],
      },
    },
    {
      what: 'only the config file where a flag names one',
      properties: {
        ExecStart: command('/usr/bin/etcd --config-file /H/etcd.conf --name ignored --initial-cluster-state=new'),
        Environment: 'ETCD_DATA_DIR=/ignored',
      },
      files: {
        'etcd.conf':
          'name: \'m1\' # me\n"data-dir": /var/lib/etcd\ninitial-cluster: >\n  a=http://a:1\ninitial-advertise-peer-urls: "http://a:1"\nwal-dir:\nforce-new-cluster: false\n' +
          'experimental-max-learners: 2\n"experimental-initial-corrupt-check": true\n',
      },
      expected: {
        format: 'yaml',
        file: '/H/etcd.conf',
        name: 'm1',
        dataDir: '/var/lib/etcd',
        walDir: '',
        initialAdvertisePeerUrls: 'http://a:1',
        initialCluster: 'a=http://a:1',
        initialClusterState: '',
        overriding: [],
        experimental: ['experimental-initial-corrupt-check', 'experimental-max-learners'],
      },
    },
    {
      what: 'the config file that an environment file names',
      properties: {
        ExecStart: command('/usr/bin/etcd'),
        Environment: 'ETCD_CONFIG_FILE=/wrong',
        EnvironmentFiles: '/H/etcd.conf (ignore_errors=no)',
      },
      files: {
        'etcd.conf': 'ETCD_CONFIG_FILE=/H/etcd.yml\nETCD_NAME=ignored\n',
        'etcd.yml': 'name: m1\r\nforce-new-cluster: true\r\n',
      },
      expected: {
        format: 'yaml',
        file: '/H/etcd.yml',
        name: 'm1',
        overriding: ['force-new-cluster: true in /H/etcd.yml'],
      },
    },
    {
      what: 'a config file that is not there',
      properties: { ExecStart: command('/usr/bin/etcd -config-file=/H/gone.yml') },
      expected: { format: 'yaml', file: '/H/gone.yml', name: '' },
    },
  ];

  it.each(cases)('$what', async ({ properties, files = {}, expected }) => {
    using host = new PreparedHost();
    const here = <Value>(value: Value): Value =>
      JSON.parse(JSON.stringify(value).replaceAll('/H/', `${host.path('')}/`));
    for (const [name, text] of Object.entries(here(files))) host.write(name, text);
    host.setProperties(here(properties));
    expect((await inspect(host)).configuration).toMatchObject(here(expected));
    expect(host.has('evil')).toBe(false);
  });
});

describe('inspect-host fails with a message', () => {
  it('when a tool of the host does', async () => {
    using host = new PreparedHost();
    host.program('basename', 'exit 64');
    const { exitCode, message } = await refuse(host.access, 'inspect-host', parametersFor(host));
    expect({ exitCode, message }).toEqual({ exitCode: 1, message: expect.stringContaining('basename') });
  });

  it('when it is ended from outside', async () => {
    using host = new PreparedHost();
    mkdirSync(host.path('data'));
    host.program('df', 'exec sleep 60');
    const script = composeScript('inspect-host', parametersFor(host));
    const { stdout } = await runScript(host.access, script, { timeoutMs: 4_000 });
    expect(JSON.parse(stdout)).toEqual({ message: expect.stringContaining('ended from outside') });
  });
});

describe('inspect-host changes nothing', () => {
  it('on the file system', async () => {
    using host = new PreparedHost();
    host.makeDataDir('data', 'x');
    host.killBeforeChange(1);
    await inspect(host);
    expect(host.has('changes')).toBe(false);
  });
});
