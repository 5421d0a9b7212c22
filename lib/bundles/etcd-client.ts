import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';

const SOURCE_OF_PROTOCOL = pathToFileURL(
  join(import.meta.dirname, `../../lambdas/etcd/protocol-source${extname(import.meta.filename)}`),
).href;

/**
 * An esbuild plugin for bundles of the etcd client. etcd's proto goes in as JavaScript, generated with the bundle. What a client
 * never runs stays out: gRPC's server half, and the loader of proto files.
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
      build.onLoad({ filter: /[\\/]lambdas[\\/]etcd[\\/]protocol\.[jt]s$/ }, async () => {
        // Run by the bundler, as it reads other files of lambdas: nothing of it is a part of what is synthesized.
        const { protocolSource }: { protocolSource(): string } = await import(SOURCE_OF_PROTOCOL);
        return { contents: `export const PROTOCOL = ${protocolSource()};`, loader: 'js' };
      });
    },
  };
}
