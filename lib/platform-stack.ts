import { Stack, type StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Network } from '../core/cluster/clusters-file.ts';
import { acknowledgeLint } from './acknowledge-lint.ts';
import { Platform, type PlatformProps } from './platform.ts';
import { surroundingsById } from './step-network.ts';

export interface PlatformStackProps extends StackProps, Omit<PlatformProps, 'surroundings'> {
  network: Network;
}

/** The platform in a stack of its own, as clusters.json asks for it. */
export class PlatformStack extends Stack {
  readonly platform: Platform;

  constructor(scope: Construct, id: string, { network, prefix, encryption, bundles, ...props }: PlatformStackProps) {
    // Indentation would be a sixth of it.
    super(scope, id, { ...props, suppressTemplateIndentation: true });
    acknowledgeLint(this);
    const surroundings = surroundingsById(this, network);
    // Logical IDs leave "Default" out: they are what they were when all of this was in the stack itself.
    this.platform = new Platform(this, 'Default', { surroundings, prefix, encryption, bundles });
  }
}
