import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { executionInputSchemas, INCIDENTS, type Incident } from '../../core/runbooks.ts';
import type { JsonObject } from '../../local/asl/json.ts';
import { findEtcd } from '../../local/etcd/binaries.ts';
import { type LocalCluster, startCluster } from '../../local/etcd/cluster.ts';
import { Platform } from '../../local/platform.ts';
import { LAYOUT } from '../lib/stacks.ts';

/** Somebody's server, who may start remediations and wants the login of etcd. */
class Listener {
  connections = 0;
  readonly #server: Server = createServer((socket) => {
    this.connections++;
    socket.destroy();
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }
}

/** What a field that is required has, where another one beside it is tried. */
const EXAMPLES: Readonly<Record<string, string>> = { cluster: 'orders', host: 'i-9', key: 'orders/1.db' };
/** How an address might be called by a field that there is not. */
const ADDRESSES = ['clientUrl', 'peerUrl', 'endpoint', 'url', 'address'];

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
}

/** The input with this value at each place where there may be one, one place at a time. */
function* placesIn({ type, properties = {}, required = [], items }: Schema, value: string): Generator<object | string> {
  if (type === 'array' && items) for (const item of placesIn(items, value)) yield [item];
  if (type !== 'object') return yield value;
  const rest = Object.fromEntries(required.map((name) => [name, EXAMPLES[name]]));
  expect(Object.values(rest)).not.toContain(undefined);
  for (const name of ADDRESSES) yield { ...rest, [name]: value };
  for (const [name, schema] of Object.entries(properties)) {
    for (const inner of placesIn(schema, value)) yield { ...rest, [name]: inner };
  }
}

const anywhere = new Listener();
const atSpareHost = new Listener();
let address: string;
let etcd: LocalCluster;
let platform: Platform;
beforeAll(async () => {
  address = await anywhere.listen();
  const spare = await atSpareHost.listen();
  etcd = await startCluster({ binaries: await findEtcd('3.5.30'), members: 1, quotaBackendBytes: 16 * 1024 * 1024 });
  const password = randomUUID();
  await etcd.enableAuth(password);
  const [{ name, clientUrl, peerUrl }] = etcd.members as [LocalCluster['members'][number]];
  const members = [{ name, clientUrl, peerUrl, host: 'i-1' }];
  const spareHosts = [{ name: 'm9', clientUrl: `http://${spare}`, peerUrl: `http://${spare}`, host: 'i-9' }];
  const auth = { secret: 'etcd/orders/root' };
  platform = await Platform.start({
    file: {
      clusters: [{ name: 'orders', members, quotaBackendBytes: 16 * 1024 * 1024, auth, layout: LAYOUT, spareHosts }],
    },
    secrets: { [auth.secret]: { username: 'root', password } },
  });
});
afterAll(async () => {
  await platform.close();
  await etcd.close();
  anywhere.close();
  atSpareHost.close();
});

async function outcomeOf(input: object): Promise<string> {
  const result = await platform.remediate({ input: { dryRun: true, ...input } as JsonObject }).ended;
  return result.status === 'SUCCEEDED' ? Object(result.output).outcome : result.error;
}

it('a start that names a spare host has it looked at, at the URL that the configuration says', async () => {
  const parameters = { replacement: { host: 'i-9' } };
  await outcomeOf({ cluster: 'orders', incident: 'member-failed', member: 'm1', parameters });
  expect(atSpareHost.connections).toBeGreaterThan(0);
});

it.each<Incident | undefined>([undefined, ...INCIDENTS])(
  'whatever a start says, nobody else is connected to: %s',
  async (incident) => {
    const { properties = {}, required } = z.toJSONSchema(executionInputSchemas[incident ?? 'member-failed'], {
      io: 'input',
      unrepresentable: 'any',
    }) as Schema;
    // What every start takes is tried once.
    const { member, parameters, ...common } = properties;
    const own = { ...(member && { member }), ...(parameters && { parameters }) };
    const schema: Schema = { type: 'object', properties: incident ? own : common, ...(required && { required }) };
    for (const input of placesIn(schema, `http://${address}`)) {
      await outcomeOf({
        ...(incident && { incident }),
        ...(incident === 'member-failed' && { member: 'm1' }),
        ...(input as object),
      });
    }
    expect(anywhere.connections).toBe(0);
  },
);

it.each(['diagnose-cluster', 'detect-incidents', 'analyze-store'])(
  'whoever may look, by %s, names a cluster, and has no configuration of their own looked at',
  async (step) => {
    const members = [{ name: 'm1', clientUrl: `http://${address}`, peerUrl: `http://${address}` }];
    const cluster = { name: 'orders', members, quotaBackendBytes: 1, auth: { secret: 'etcd/orders/root' } };
    await expect(platform.invokeStep(step, { cluster })).rejects.toMatchObject({ error: 'InvalidInput' });
    expect(anywhere.connections).toBe(0);
  },
);
