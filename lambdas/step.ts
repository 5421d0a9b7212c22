import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import type { Cluster } from '../core/cluster/clusters.ts';
import type { Summarized } from '../core/runbook/summary.ts';
import { parse } from '../core/text/parse.ts';
import { connect, type EtcdCluster } from './etcd/cluster.ts';

/** What a step may know of its invocation. */
export interface Invocation {
  /** Milliseconds until Lambda ends this invocation. */
  remainingMs(): number;
}

/**
 * A Lambda handler that talks to etcd: parses its input, connects, runs, and always closes the connections.
 * An error of the taxonomy goes through as it is: its `name` is what Step Functions retries and catches.
 */
export function etcdStep<Schema extends z.ZodType<{ cluster: Cluster }>, Output extends Summarized>(
  schema: Schema,
  run: (etcd: EtcdCluster, input: z.output<Schema>, invocation: Invocation) => Promise<Output>,
  /** The cluster to connect to, where it is not the configured one as it is. */
  clusterOf: (input: z.output<Schema>) => Cluster = ({ cluster }) => cluster,
): (event: unknown, context: Context) => Promise<Output> {
  return async (event, context) => {
    const input = parse(schema, event, "The step's input");
    const etcd = await connect(clusterOf(input));
    try {
      return await run(etcd, input, { remainingMs: () => context.getRemainingTimeInMillis() });
    } finally {
      etcd.close();
    }
  };
}
