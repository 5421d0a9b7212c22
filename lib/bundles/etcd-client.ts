import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';

const SOURCE_OF_PROTOCOL = pathToFileURL(
  join(import.meta.dirname, `../../lambdas/etcd/protocol-source${extname(import.meta.filename)}`),
).href;

/**
 * What of grpc-js one plain channel to one address needs, in place of its index, which also loads its server, its other ways to balance load, its
 * debugging services and what is experimental.
 */
const GRPC_CLIENT = `
  require('./channel');
  const { ChannelCredentials } = require('./channel-credentials');
  exports.ChannelCredentials = ChannelCredentials;
  exports.credentials = ChannelCredentials;
  exports.Client = require('./client').Client;
  exports.Metadata = require('./metadata').Metadata;
  require('./resolver-dns').setup();
  require('./load-balancer-pick-first').setup();
`;

/**
 * An esbuild plugin for bundles of the etcd client. etcd's proto goes in as JavaScript, generated with the bundle. What a client
 * never runs stays out: most of gRPC, and the loader of proto files.
 */
export function etcdClient(): Plugin {
  return {
    name: 'etcd-client',
    setup(build) {
      build.onLoad({ filter: /grpc-js[\\/]build[\\/]src[\\/]index\.js$/ }, () => ({ contents: GRPC_CLIENT }));
      // grpc-js would load it for its debugging services, which only a server offers.
      build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /[\\/]lambdas[\\/]etcd[\\/]protocol\.[jt]s$/ }, async () => {
        // Run by the bundler, as it reads other files of lambdas: nothing of it is a part of what is synthesized.
        const { protocolSource }: { protocolSource(): string } = await import(SOURCE_OF_PROTOCOL);
        return { contents: `export const PROTOCOL = ${protocolSource()};`, loader: 'js' };
      });
    },
  };
}
