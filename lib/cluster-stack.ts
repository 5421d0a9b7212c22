import { Stack, type StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { acknowledgeLint } from './acknowledge-lint.ts';
import { WatchedCluster, type WatchedClusterProps } from './watched-cluster.ts';

export interface ClusterStackProps extends StackProps, WatchedClusterProps {}

/** One cluster in a small stack of its own, as clusters.json asks for it. */
export class ClusterStack extends Stack {
  constructor(scope: Construct, id: string, { cluster, prefix, after, ...props }: ClusterStackProps) {
    super(scope, id, props);
    acknowledgeLint(this);
    // Logical IDs leave "Default" out: they are what they were when all of this was in the stack itself.
    new WatchedCluster(this, 'Default', { cluster, prefix, after });
  }
}
