import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clusterSchema, registryParameterName } from '../../../core/cluster/clusters.ts';
import { parseClustersFile } from '../../../core/remediation/policy.ts';
import { parse } from '../../../core/text/parse.ts';
import { failureOf } from '../observations.ts';

function member(name: string, differences: object = {}) {
  return { name, clientUrl: `https://${name}:2379`, peerUrl: `https://${name}:2380`, ...differences };
}

function cluster(differences: object = {}) {
  return { name: 'orders', members: [member('node1')], quotaBackendBytes: 2_147_483_648, ...differences };
}

function read(content: unknown) {
  return parseClustersFile(JSON.stringify(content), 'clusters.json');
}

/** The lines of the refusal; the first one says how many follow. */
function linesFor(text: string): string[] {
  const { name, message } = failureOf(() => parseClustersFile(text, 'clusters.json'));
  expect(name, message).toBe('InvalidInput');
  return message.split('\n');
}

/** The problems of a file with this one cluster, without the path of the cluster. */
function problemsOf(differences: object): string[] {
  const [, ...problems] = linesFor(JSON.stringify({ clusters: [cluster(differences)] }));
  return problems.map((line) => line.replace('- clusters[0].', ''));
}

const INSTEAD_OF_PASSWORD = 'must not hold a user or password; name a secret under "auth" instead';
const QUOTA = "must be etcd's --quota-backend-bytes as a whole number of bytes (etcd's own default is 2147483648)";

describe('a file with many problems', () => {
  it('is refused with every one of them at once, each with its path', () => {
    const file = {
      network: { vpcId: 'orders', subnetIds: [], securityGroupIds: 'sg-1' },
      cluster: [],
      clusters: [
        {
          name: 'orders',
          members: [
            { name: 'node1', clientUrl: 'https://10.0.1.11', peerUrl: 'https://10.0.1.11:2380', hosts: 'i-1' },
            { name: 'node1', clientUrl: 'https://root:hunter2@10.0.1.12:2379', peerUrl: 'https://10.0.1.11:2380' },
            { name: 7, clientUrl: 'https://10.0.1.13:2379/v3', peerUrl: 'tcp://10.0.1.13:2380' },
            { clientUrl: 'http://10.0.1.14:2379', peerUrl: '10.0.1.14:2380', host: 'i-4' },
          ],
          auth: { username: 'root', password: 'hunter2' },
          tls: { secret: 'etcd/orders/client tls' },
          policy: { 'space-exceeded': 'approval' },
        },
        { name: 'orders', members: [], quotaBackendBytes: '8 GiB', tls: 'etcd/orders/client-tls' },
      ],
    };
    expect(linesFor(JSON.stringify(file))).toEqual([
      'clusters.json has 26 problems; nothing was touched.',
      '- network.vpcId: must start with "vpc-"',
      '- network.subnetIds: must list at least one subnet',
      '- network.securityGroupIds: must be a list, and is text',
      '- clusters[0].members[0].clientUrl: "https://10.0.1.11" has no port; etcd\'s client port is usually 2379, its peer port 2380',
      '- clusters[0].members[0].hosts: is not a known field',
      `- clusters[0].members[1].clientUrl: ${INSTEAD_OF_PASSWORD}`,
      '- clusters[0].members[2].name: must be text, and is a number',
      '- clusters[0].members[2].clientUrl: "https://10.0.1.13:2379/v3" must end after the port, without a "/"',
      '- clusters[0].members[2].peerUrl: "tcp://10.0.1.13:2380" starts with "tcp:"; etcd\'s URLs start with "http:" or "https:"',
      '- clusters[0].members[3].name: is missing',
      '- clusters[0].members[3].peerUrl: "10.0.1.14:2380" is not a URL; write it like "https://10.0.1.11:2379"',
      `- clusters[0].quotaBackendBytes: ${QUOTA}`,
      '- clusters[0].auth.secret: is missing',
      '- clusters[0].auth.username: is not a known field',
      '- clusters[0].auth.password: is not a known field',
      '- clusters[0].tls.secret: must be the name or the ARN of a secret in Secrets Manager',
      '- clusters[0].policy.space-exceeded: must be "automatic": a space reclaim does not wait for an approval',
      '- clusters[0].members[1].name: "node1" is already used by another member of this cluster',
      '- clusters[0].members[1].peerUrl: "https://10.0.1.11:2380" is already used by another member of this cluster',
      '- clusters[0].members[3].host: is of no use without a "layout", its own or the cluster\'s, that says where etcd is on it: unit, dataDir, walDir, ' +
        'configFile, user, group, binDir',
      '- clusters[0].members[3].clientUrl: "http://10.0.1.14:2379" is plain http, but the cluster has "tls"; write https or remove "tls"',
      '- clusters[1].members: must list at least one member',
      `- clusters[1].quotaBackendBytes: ${QUOTA}`,
      '- clusters[1].tls: must be an object, and is text',
      '- cluster: is not a known field',
      '- clusters[1].name: "orders" is already used by another cluster',
    ]);
  });
});

const EXAMPLE = `
    {"clusters": [{"name": "orders", "quotaBackendBytes": 2147483648, "members": [
      {"name": "m1", "clientUrl": "https://10.0.1.11:2379", "peerUrl": "https://10.0.1.11:2380"}]}]}`;

describe('a file of the wrong shape', () => {
  it.each([
    ['nothing', '', '(the whole): is not JSON: Unexpected end of JSON input'],
    ['a comment', '{ // ours\n}', /^- \(the whole\): is not JSON: Expected .* \(line 1 column 3\)$/],
    ['null', 'null', `(the whole): must be an object with a list of clusters, and is null; for example:${EXAMPLE}`],
    ['a list', '[]', `(the whole): must be an object with a list of clusters, and is a list; for example:${EXAMPLE}`],
    [
      'a key that is there twice',
      '{"clusters": [{"name": "a"}, {"name": "b", "members": [{"host": "i-1", "host" : "i-2", "peerUrl": "{\\"host\\": [,"}]}]}',
      'clusters[1].members[0].host: is there more than once, and only one would count',
    ],
    ['no clusters', '{}', 'clusters: is missing'],
    ['an empty list of clusters', '{"clusters":[]}', 'clusters: must list at least one cluster'],
    ['clusters by name', '{"clusters":{"orders":{}}}', 'clusters: must be a list, and is an object'],
    ['a cluster that is null', '{"clusters":[null]}', 'clusters[0]: must be an object, and is null'],
  ])('is refused: %s', (_, text, problem) => {
    const lines = linesFor(text);
    expect(lines[0]).toBe('clusters.json has 1 problem; nothing was touched.');
    const rest = lines.slice(1).join('\n');
    if (typeof problem === 'string') expect(rest).toBe(`- ${problem}`);
    else expect(rest).toMatch(problem);
  });

  it('is refused where a member is null', () => {
    expect(problemsOf({ members: [null] })).toEqual(['members[0]: must be an object, and is null']);
  });

  it('is refused as a registry parameter too', () => {
    expect(failureOf(() => parse(clusterSchema, null, 'The configuration of cluster "orders"'))).toMatchObject({
      name: 'InvalidInput',
      message:
        'The configuration of cluster "orders" has 1 problem; nothing was touched.\n- (the whole): must be an object, and is null',
    });
  });
});

describe("a member's URL", () => {
  it.each(['https://10.0.1.11:2379', 'http://node1:80'])('is accepted: %s', (clientUrl) => {
    expect(read({ clusters: [cluster({ members: [member('node1', { clientUrl })] })] }).clusters[0]?.members).toEqual([
      member('node1', { clientUrl }),
    ]);
  });

  it.each([
    ['', '"" is not a URL; write it like "https://10.0.1.11:2379"'],
    ['https://node1', '"https://node1" has no port; etcd\'s client port is usually 2379, its peer port 2380'],
    ['https://node1:2379/', '"https://node1:2379/" must end after the port, without a "/"'],
    [2379, 'must be text, and is a number'],
    [null, 'must be text, and is null'],
    [undefined, 'is missing'],
  ])('is refused: %s', (clientUrl, problem) => {
    expect(problemsOf({ members: [member('node1', { clientUrl })] })).toEqual([`members[0].clientUrl: ${problem}`]);
  });

  it.each([
    'https://root:hunter2@node1:2379',
    'https://root:hunter2@node1',
    'https://root:hunter2@node1:2379/v3',
    'http://root:hunter2@node1:2379',
    'tcp://root:hunter2@node1:2379',
    'https://root:12#hunter2@node1:2379',
    'https://root:hunter2#@node1:2379',
  ])('with a password is refused without repeating it: %s', (clientUrl) => {
    const members = [member('node1', { clientUrl }), member('node2', { clientUrl })];
    expect(problemsOf({ members, tls: { secret: 'etcd/orders/client-tls' } })).toEqual([
      `members[0].clientUrl: ${INSTEAD_OF_PASSWORD}`,
      `members[1].clientUrl: ${INSTEAD_OF_PASSWORD}`,
    ]);
  });

  it.each(['http://node1:2379', 'http://NODE1:2379'])('must not be plain http where the cluster has tls: %s', (url) => {
    const members = [member('node1', { clientUrl: url, peerUrl: 'http://node1:2380' })];
    expect(problemsOf({ members, tls: { secret: 'etcd/orders/client-tls' } })).toEqual([
      'members[0].clientUrl: "http://node1:2379" is plain http, but the cluster has "tls"; write https or remove "tls"',
    ]);
  });
});

describe('names and URLs that must be unique', () => {
  it.each([
    ['name', { name: 'node1' }, 'node1'],
    ['clientUrl', { clientUrl: 'https://node1:2379' }, 'https://node1:2379'],
    ['clientUrl', { clientUrl: 'https://NODE1:2379' }, 'https://node1:2379'],
    ['peerUrl', { peerUrl: 'https://node1:2380' }, 'https://node1:2380'],
  ])('refuses a %s twice in a cluster: %o', (field, differences, shown) => {
    expect(problemsOf({ members: [member('node1'), member('node2', differences)] })).toEqual([
      `members[1].${field}: "${shown}" is already used by another member of this cluster`,
    ]);
  });

  it('refuses each further use', () => {
    expect(problemsOf({ members: [member('a'), member('b', { name: 'a' }), member('c', { name: 'a' })] })).toHaveLength(
      2,
    );
  });

  it('lets two clusters have members of the same name', () => {
    expect(read({ clusters: [cluster(), cluster({ name: 'payments' })] }).clusters).toHaveLength(2);
  });

  it('does not take two URLs that are both wrong for the same one', () => {
    const members = [member('node1', { clientUrl: 'node1:2379' }), member('node2', { clientUrl: 'node2:2379' })];
    expect(problemsOf({ members })).toEqual([
      'members[0].clientUrl: "node1:2379" is not a URL; write it like "https://10.0.1.11:2379"',
      'members[1].clientUrl: "node2:2379" is not a URL; write it like "https://10.0.1.11:2379"',
    ]);
  });
});

describe('fields of a cluster', () => {
  it.each([
    ['no quota', { quotaBackendBytes: undefined }, `quotaBackendBytes: ${QUOTA}`],
    ['a quota as text', { quotaBackendBytes: '8589934592' }, `quotaBackendBytes: ${QUOTA}`],
    ['half a byte', { quotaBackendBytes: 0.5 }, `quotaBackendBytes: ${QUOTA}`],
    [
      'no bytes',
      { quotaBackendBytes: 0 },
      "quotaBackendBytes: must be more than 0: etcd's --quota-backend-bytes in bytes",
    ],
    [
      'a name with a dot',
      { name: 'orders.eu' },
      'name: must be 1 to 63 letters, digits or "-", and start with a letter or digit',
    ],
    [
      'a member name with a slash',
      { members: [member('node1', { name: 'a/b' })] },
      'members[0].name: must be 1 to 128 letters, digits, ".", "-" or "_", and start with a letter or digit. If the member has another kind of name ' +
        'in etcd, write an alias here: that is enough for a reclaim of space and for tokens. A replacement or a recovery first needs the ' +
        'member renamed (--name)',
    ],
    [
      'members that no initial-cluster could hold',
      { members: Array.from({ length: 20 }, (_, index) => member(`${'a'.repeat(60)}.${'b'.repeat(60)}${index + 10}`)) },
      'members: have names and peer URLs that are too long for one initial-cluster of 4096 characters',
    ],
    ['an unknown field', { quota: 1 }, 'quota: is not a known field'],
    ['a secret instead of its name', { auth: 'hunter2' }, 'auth: must be an object, and is text'],
    [
      'a policy for an incident without a runbook',
      { policy: { 'member-inaccessible': 'automatic' } },
      'policy.member-inaccessible: is not a known field',
    ],
  ])('are refused: %s', (_, differences, problem) => {
    expect(problemsOf(differences)).toEqual([problem]);
  });
});

describe('a good file', () => {
  it('needs no more than names, URLs and the quota', () => {
    expect(read({ clusters: [cluster()] })).toEqual({ clusters: [cluster()] });
  });

  it('may name members as the operator does', () => {
    expect(read({ clusters: [cluster({ members: [member('ip-10-0-1-11.ec2.internal')] })] }).clusters).toHaveLength(1);
  });

  it.each([
    'etcd/orders/root',
    'arn:aws:secretsmanager:eu-central-1:123456789012:secret:etcd/orders/root-AbCdEf',
    'arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:orders',
  ])('may name a secret by its name or ARN: %s', (secret) => {
    expect(read({ clusters: [cluster({ auth: { secret } })] }).clusters[0]?.auth).toEqual({ secret });
  });

  it("is the repository's own example, read without a change", () => {
    const text = readFileSync(new URL('../../../clusters.json', import.meta.url), 'utf8');
    expect(parseClustersFile(text, 'clusters.json')).toEqual(JSON.parse(text));
  });

  it('is stored under a parameter for each cluster', () => {
    expect(registryParameterName('orders')).toBe('/etcd-remediation/clusters/orders');
  });
});
