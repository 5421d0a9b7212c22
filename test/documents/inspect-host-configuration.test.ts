import { describe, expect, it } from 'vitest';
import { inspect } from './inspected-host.ts';
import { PreparedHost, type Properties } from './prepared-host.ts';

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
