import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import protobuf from 'protobufjs';
import { protocolOf } from './message-codecs.ts';

/** How etcd3 1.1 loads its proto: by @grpc/proto-loader, from a file beside it, which a bundle does not have. */
const LOADER = 'require("@grpc/proto-loader")';
const PROTO_PATH = /\.loadSync\)\(`\$\{__dirname\}\/\.\.\/proto\/rpc\.proto`,/;
const SERVICE_DEFINITIONS = join(import.meta.dirname, '../../lambdas/etcd/service-definitions.ts');

/** What of etcd is talked to: without leases. */
export const SERVICES = ['KV', 'Watch', 'Maintenance', 'Cluster', 'Auth'].map((name) => `etcdserverpb.${name}`);

/** What StatusResponse gained in etcd 3.6: https://github.com/etcd-io/etcd/blob/main/api/etcdserverpb/rpc.proto */
const DOWNGRADE_INFO: protobuf.IType = {
  fields: { enabled: { type: 'bool', id: 1 }, targetVersion: { type: 'string', id: 2 } },
};
const STATUS_FIELDS: Record<string, protobuf.IField> = {
  storageVersion: { type: 'string', id: 11 },
  dbSizeQuota: { type: 'int64', id: 12 },
  downgradeInfo: { type: 'DowngradeInfo', id: 13 },
};

/**
 * An esbuild plugin for what a bundle of the etcd client needs: etcd's proto goes in as JavaScript, with the status fields of
 * etcd 3.6, and what a client never runs stays out: gRPC's server half, and the loader of proto files.
 * Fails the build when etcd3 loads its proto in another way than this one.
 */
export function etcdClient(): Plugin {
  return {
    name: 'etcd-client',
    setup(build) {
      build.onLoad({ filter: /grpc-js[\\/]build[\\/]src[\\/](server|server-interceptors)\.js$/ }, () => ({
        contents: '',
      }));
      // grpc-js would load it for its debugging services, which only a server offers.
      build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /etcd3[\\/]lib[\\/]connection-pool\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes(LOADER) || !PROTO_PATH.test(source)) {
          throw new Error(`${path} does not load rpc.proto as expected: look at how this version of etcd3 does it.`);
        }
        const protocol = protocolOf(loadProto(join(dirname(path), '../proto/rpc.proto')), SERVICES);
        const loader = `{ loadSync: require(${JSON.stringify(SERVICE_DEFINITIONS)}).serviceDefinitions }`;
        const contents = source.replace(LOADER, () => loader).replace(PROTO_PATH, () => `.loadSync)(${protocol},`);
        return { contents, loader: 'js' };
      });
    },
  };
}

/** etcd's proto, with the status fields of etcd 3.6. @param file the rpc.proto of etcd3 */
export function loadProto(file: string): protobuf.Root {
  const root = new protobuf.Root().loadSync(file, { keepCase: true });
  const etcdserverpb = root.lookup('etcdserverpb') as protobuf.Namespace;
  etcdserverpb.add(protobuf.Type.fromJSON('DowngradeInfo', DOWNGRADE_INFO));
  const status = etcdserverpb.lookupType('StatusResponse');
  for (const [name, field] of Object.entries(STATUS_FIELDS)) {
    if (!status.fields[name]) status.add(protobuf.Field.fromJSON(name, field));
  }
  root.resolveAll();
  return root;
}
