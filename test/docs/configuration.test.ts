import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseClustersFile } from '../../core/remediation/policy.ts';
import { renderConfiguration } from '../../docs/configuration.ts';
import {
  CONFIGURATION_FILES,
  configurationSchema,
  type JsonSchema,
  renderConfigurationSchema,
} from '../../docs/configuration-schemas.ts';
import { parseHostsFile } from '../../local/hosts/access.ts';
import { failureOf } from '../core/observations.ts';
import { LAYOUT, ROOT } from '../lib/stacks.ts';

const ajv = new Ajv({ allErrors: true });
const validators = {
  clusters: ajv.compile(configurationSchema('clusters')),
  hosts: ajv.compile(configurationSchema('hosts')),
  secrets: ajv.compile(configurationSchema('secrets')),
};

/** The paths that the schema refuses. */
function refused(file: keyof typeof validators, value: unknown): string[] {
  const validate = validators[file];
  return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath }) => instancePath);
}

const MEMBER = { name: 'm1', clientUrl: 'https://10.0.1.11:2379', peerUrl: 'https://10.0.1.11:2380', host: 'i-1' };
const CLUSTER = { name: 'orders', members: [MEMBER], quotaBackendBytes: 2_147_483_648, layout: LAYOUT };
const NETWORK = { vpcId: 'vpc-1', subnetIds: ['subnet-1'], securityGroupIds: [] };

const withCluster = (differences: object) => ({ clusters: [{ ...CLUSTER, ...differences }] });
const withMember = (differences: object) => withCluster({ members: [{ ...MEMBER, ...differences }] });
const withNetwork = (differences: object) => ({ network: { ...NETWORK, ...differences }, clusters: [CLUSTER] });

describe('what is made of the schemas', () => {
  it.each(CONFIGURATION_FILES)('docs/%s.schema.json is up to date; "npm run docs" makes it anew', async (file) => {
    const text = await readFile(join(ROOT, `docs/${file}.schema.json`), 'utf8');
    expect(text).toBe(renderConfigurationSchema(file));
  });

  it('docs/configuration.md is up to date; "npm run docs" makes it anew', async () => {
    expect(await readFile(join(ROOT, 'docs/configuration.md'), 'utf8')).toBe(renderConfiguration());
  });

  it.each(CONFIGURATION_FILES)('%s.json has a description for each of its fields', (file) => {
    const fields = (schema: JsonSchema, path = ''): [string, JsonSchema][] => [
      ...Object.entries(schema.properties ?? {}).flatMap(([name, field]): [string, JsonSchema][] => [
        [`${path}.${name}`, field],
        ...fields(field, `${path}.${name}`),
      ]),
      ...[schema.items, schema.additionalProperties, ...(schema.anyOf ?? [])].flatMap((inner) =>
        inner ? fields(inner, `${path}[]`) : [],
      ),
    ];
    const all = fields(configurationSchema(file));
    expect(all.length).toBeGreaterThan(file === 'clusters' ? 50 : 1);
    expect(all.filter(([, { description }]) => !description).map(([path]) => path)).toEqual([]);
  });

  it('names each field on the page, with what people had to guess', () => {
    const page = renderConfiguration().replace(/\s+/g, ' ');
    for (const text of [
      '**`peerUrl`** (text, required)',
      '**`quotaBackendBytes`** (whole number, required)',
      '**`walDir`** (text or null, required)',
      '**`clientPorts`** (list of whole number, default [2379])',
      '**`policy`** (object)',
      '**`space-exceeded`** ("automatic")',
      'Its fields are those of `clusters[].members[]`, of which name, clientUrl, peerUrl, host are required.',
      'Its fields are those of `clusters[].layout`, of which each may be left out.',
    ]) {
      expect(page).toContain(text);
    }
  });
});

describe('a right file', () => {
  it('is the sample, which says where its schema is', async () => {
    const text = await readFile(join(ROOT, 'clusters.json'), 'utf8');
    expect(refused('clusters', JSON.parse(text))).toEqual([]);
    expect(() => parseClustersFile(text, 'clusters.json')).not.toThrow();
    expect(JSON.parse(text).$schema).toBe('./docs/clusters.schema.json');
  });

  it.each([
    [
      'with all that may be left out left out',
      withCluster({ layout: undefined, members: [{ ...MEMBER, host: undefined }] }),
    ],
    ['of a host with a layout of its own', withMember({ layout: { dataDir: '/data/etcd', walDir: '/wal/etcd' } })],
    ['with an IPv6 address', withMember({ clientUrl: 'http://[fd00::11]:2379' })],
    ['with backups', withCluster({ backups: { bucket: 'backups-of-etcd' } })],
    ['with a network and no ports', withNetwork({})],
  ])('is taken by both: %s', (_, file) => {
    const text = JSON.stringify(file);
    expect(() => parseClustersFile(text, 'clusters.json')).not.toThrow();
    expect(refused('clusters', JSON.parse(text))).toEqual([]);
  });

  it('of hosts may say where its schema is, and that is no host', () => {
    const file = { $schema: './docs/hosts.schema.json', 'i-1': { exec: ['ssh', 'm1', 'bash'] } };
    expect(refused('hosts', file)).toEqual([]);
    expect(parseHostsFile(file, 'hosts.json')).toEqual({ 'i-1': { exec: ['ssh', 'm1', 'bash'] } });
  });

  it('of secrets is taken by the schema', () => {
    const login = { username: 'root', password: 'x' };
    const tls = { ca: '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n' };
    expect(refused('secrets', { $schema: './x', 'etcd/root': login, 'etcd/tls': tls })).toEqual([]);
    expect(refused('secrets', { 'etcd/tls': { ca: '/etc/etcd/ca.pem' } })).not.toEqual([]);
    expect(refused('secrets', { 'etcd/root': 'hunter2' })).not.toEqual([]);
  });
});

describe('a wrong file', () => {
  it.each<[string, string, unknown]>([
    ['a field that there is not', '/clusters/0', withCluster({ quota: 1 })],
    ['no peer URL', '/clusters/0/members/0', withMember({ peerUrl: undefined })],
    ['a client URL without a port', '/clusters/0/members/0/clientUrl', withMember({ clientUrl: 'https://10.0.1.11' })],
    ['one with a path', '/clusters/0/members/0/clientUrl', withMember({ clientUrl: 'https://10.0.1.11:2379/v3' })],
    ['one with a login', '/clusters/0/members/0/clientUrl', withMember({ clientUrl: 'https://root:x@10.0.1.11:2379' })],
    ['one of etcdctl', '/clusters/0/members/0/clientUrl', withMember({ clientUrl: '10.0.1.11:2379' })],
    ['a quota in words', '/clusters/0/quotaBackendBytes', withCluster({ quotaBackendBytes: '8 GiB' })],
    ['no quota', '/clusters/0', withCluster({ quotaBackendBytes: undefined })],
    ['no members', '/clusters/0/members', withCluster({ members: [] })],
    ['a secret itself', '/clusters/0/auth', withCluster({ auth: { username: 'root', password: 'x' } })],
    ['a relative data dir', '/clusters/0/layout/dataDir', withCluster({ layout: { ...LAYOUT, dataDir: 'etcd' } })],
    ['a layout without a wal dir', '/clusters/0/layout', withCluster({ layout: { ...LAYOUT, walDir: undefined } })],
    ['an incident that there is not', '/clusters/0/policy', withCluster({ policy: { 'member-lost': 'approval' } })],
    [
      'a decision that there is not',
      '/clusters/0/policy/member-failed',
      withCluster({ policy: { 'member-failed': 'never' } }),
    ],
    [
      'a full store that waits',
      '/clusters/0/policy/space-exceeded',
      withCluster({ policy: { 'space-exceeded': 'approval' } }),
    ],
    [
      'a spare host without a host',
      '/clusters/0/spareHosts/0',
      withCluster({ spareHosts: [{ ...MEMBER, host: undefined }] }),
    ],
    ['a VPC by its name', '/network/vpcId', withNetwork({ vpcId: 'main' })],
    ['no subnets', '/network/subnetIds', withNetwork({ subnetIds: [] })],
    ['a port that there is not', '/network/clientPorts/0', withNetwork({ clientPorts: [70_000] })],
    ['a list', '', []],
  ])('is refused by both at the same place: %s', (_, path, file) => {
    const text = JSON.stringify(file);
    const places = refused('clusters', JSON.parse(text)).map((place) =>
      place.split('/').slice(0, path.split('/').length).join('/'),
    );
    expect(places).toContain(path);
    const { name, message } = failureOf(() => parseClustersFile(text, 'clusters.json'));
    expect(name).toBe('InvalidInput');
    const shown = path
      .slice(1)
      .replaceAll(/\/(\d+)/g, '[$1]')
      .replaceAll('/', '.');
    expect(message).toContain(`- ${shown || '(the whole)'}`);
  });

  it.each([
    ['a host without a command', { 'i-1': {} }],
    ['a command in one text', { 'i-1': { exec: 'ssh m1' } }],
    ['a command without a program', { 'i-1': { exec: [] } }],
    ['a field that there is not', { 'i-1': { exec: ['sh'], user: 'root' } }],
  ])('of hosts is refused by both: %s', (_, file) => {
    expect(refused('hosts', file)).not.toEqual([]);
    expect(failureOf(() => parseHostsFile(file, 'hosts.json')).name).toBe('InvalidInput');
  });
});
