import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import protobuf from 'protobufjs';

/** How etcd3 1.1 loads its proto: from a file beside it, which a bundle does not have. */
const LOADS_FROM_DISK = /loadSync\)\(`\$\{__dirname\}\/\.\.\/proto\/rpc\.proto`,/;

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
 * An esbuild plugin for what a bundle of the etcd client needs: etcd's proto goes in as JSON, with the status fields of
 * etcd 3.6, and gRPC's server half stays out.
 * Fails the build when etcd3 loads its proto in another way than this one.
 */
export function etcdClient(): Plugin {
  return {
    name: 'etcd-client',
    setup(build) {
      build.onLoad({ filter: /grpc-js[\\/]build[\\/]src[\\/](server|server-interceptors)\.js$/ }, () => ({
        contents: '',
      }));
      build.onLoad({ filter: /etcd3[\\/]lib[\\/]connection-pool\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!LOADS_FROM_DISK.test(source)) {
          throw new Error(`${path} does not load rpc.proto as expected: look at how this version of etcd3 does it.`);
        }
        const proto = JSON.stringify(loadProto(join(dirname(path), '../proto/rpc.proto')));
        return { contents: source.replace(LOADS_FROM_DISK, () => `fromJSON)(${proto},`), loader: 'js' };
      });
    },
  };
}

function loadProto(file: string): protobuf.INamespace {
  const root = new protobuf.Root().loadSync(file, { keepCase: true });
  const etcdserverpb = root.lookup('etcdserverpb') as protobuf.Namespace;
  etcdserverpb.add(protobuf.Type.fromJSON('DowngradeInfo', DOWNGRADE_INFO));
  const status = etcdserverpb.lookupType('StatusResponse');
  for (const [name, field] of Object.entries(STATUS_FIELDS)) {
    if (!status.fields[name]) status.add(protobuf.Field.fromJSON(name, field));
  }
  return root.toJSON();
}
