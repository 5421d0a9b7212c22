import { describe, expect, it } from 'vitest';
import { type Cluster, clusterSchema } from '../../core/cluster/clusters.ts';
import { requireDeployable } from '../../lib/deployable.ts';
import { FLEET, LAYOUT, NETWORK, PLAIN } from './stacks.ts';

const [MEMBER] = PLAIN.members;

function requireInstanceIds(clusters: Cluster[]): void {
  requireDeployable({ network: NETWORK, clusters });
}

/** A cluster whose only member is on `host`. */
function onHost(host: string, spareHosts: string[] = []) {
  return clusterSchema.parse({
    ...PLAIN,
    layout: LAYOUT,
    members: [{ ...MEMBER, host }],
    spareHosts: spareHosts.map((spare) => ({ ...MEMBER, host: spare })),
  });
}

describe('a host, to be deployed,', () => {
  it.each(['i-0a1b2c3d', 'i-0a1b2c3d4e5f60001', 'mi-0a1b2c3d4e5f60001'])('may be the instance %s', (id) => {
    expect(() => requireInstanceIds([onHost(id), onHost('i-0a1b2c3d4e5f60002', [id])])).not.toThrow();
  });

  it('may be none at all, or those of the fleet', () => {
    expect(() => requireInstanceIds([PLAIN])).not.toThrow();
    expect(() => requireInstanceIds(FLEET.clusters)).not.toThrow();
  });

  it.each([
    'node1',
    'node1.example.com',
    '10.0.0.1',
    'i-0a1b2c3d4e5f6000',
    'i-0a1b2c3d4e5f600011',
    'i-0A1B2C3D4E5F60001',
    'i-0a1b2c3d4e5f6000g',
    'xi-0a1b2c3d4e5f60001',
    'mi-0a1b2c3d',
  ])("must not be %s, which Run Command cannot know: neither a member's nor a spare one", (id) => {
    const refusal = new RegExp(
      `^The cluster plain has the host "${id.replaceAll('.', '\\.')}": to deploy, .*instance ID`,
    );
    expect(() => requireInstanceIds([onHost(id)])).toThrow(refusal);
    expect(() => requireInstanceIds([onHost('i-0a1b2c3d4e5f60001', ['i-0a1b2c3d4e5f60002', id])])).toThrow(refusal);
    expect(() => requireInstanceIds([onHost('i-0a1b2c3d4e5f60001'), onHost(id)])).toThrow(
      expect.objectContaining({ name: 'InvalidInput' }),
    );
  });
});

describe('the port of a client URL, to be deployed,', () => {
  const at = (clientUrl: string) => ({
    ...PLAIN,
    members: [{ name: 'node1', clientUrl, peerUrl: 'http://10.0.0.1:2380' }],
  });

  it.each([
    ['http://10.0.0.1:4001', 4001],
    ['http://10.0.0.1', 80],
  ])('of %s is one that "network" lets the steps get out to', (clientUrl, port) => {
    const refused = () => requireDeployable({ network: NETWORK, clusters: [PLAIN, at(clientUrl)] });
    expect(refused).toThrow(
      `The cluster plain has the client URL "${clientUrl}", and the "clientPorts" of the platform do not let the steps get out to its port: ` +
        `write "clientPorts": [2379, 23790, 23791, ${port}] (in clusters.json under "network")`,
    );
    const network = { ...NETWORK, clientPorts: [...NETWORK.clientPorts, port] };
    expect(() => requireDeployable({ network, clusters: [PLAIN, at(clientUrl)] })).not.toThrow();
  });

  it("may be that of AWS's APIs", () => {
    expect(() => requireDeployable({ network: NETWORK, clusters: [at('https://10.0.0.1')] })).not.toThrow();
  });
});

describe('clusters that are called alike, to be deployed,', () => {
  const called = (name: string, backups?: Cluster['backups']) => ({ ...PLAIN, name, ...(backups && { backups }) });
  const deploy = (...clusters: Cluster[]) => requireDeployable({ network: NETWORK, clusters });
  const at = (prefix: string, bucket = 'all-backups') => ({ bucket, prefix });

  it('must differ in more than capital letters: their roles have to', () => {
    expect(() => deploy(called('orders'), called('orders-eu'), called('Orders'))).toThrow(
      'The clusters "orders" and "Orders" have one name but for capital letters, and IAM does not tell their roles apart: rename one of them.',
    );
    expect(() => deploy(called('orders'), called('orders-eu'), called('orders-'))).not.toThrow();
  });

  it.each([
    ['orders', 'orders-eu'],
    ['orders', 'orders/eu/'],
    ['', 'orders-eu/'],
  ])('must not have backups at "%s" and at "%s": those of one would be among those of the other', (outer, inner) => {
    const clusters = [called('b', at(inner)), called('x', at('zzz/', 'other')), called('a', at(outer))];
    const refusal = `The backups of the cluster b ("${inner}") are among those of the cluster a ("${outer}"), so a recovery of a could take one of them`;
    expect(() => deploy(...clusters)).toThrow(refusal);
    expect(() => deploy(...clusters.toReversed())).toThrow(refusal);
  });

  it.each([
    ['orders/', 'orders-eu/'],
    ['shared/', 'shared/'],
    ['', ''],
  ])('may have backups at "%s" and at "%s"', (one, other) => {
    expect(() => deploy(called('a', at(one)), called('b', at(other)))).not.toThrow();
  });

  it('may have them anywhere in two buckets', () => {
    expect(() => deploy(called('a', at('', 'one')), called('b', at('orders/', 'two')), called('c'))).not.toThrow();
    expect(() => deploy(called('a', at('', 'one')), called('b', at('orders/', 'one-more')))).not.toThrow();
  });
});
