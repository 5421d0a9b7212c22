import { join } from 'node:path';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Stage } from 'aws-cdk-lib/core';
import { Construct, type IDependable } from 'constructs';
import * as z from 'zod';
import { clustersFileSchema, networkSchema } from '../core/cluster/clusters-file.ts';
import { bundleStepsAtOnce } from './bundles/bundle-at-once.ts';
import { parseProps } from './parse-props.ts';
import { Platform } from './platform.ts';

/** Those that clusters.json has as well, by the same rules. */
const settingsSchema = z.strictObject({
  prefix: clustersFileSchema.shape.prefix,
  encryption: clustersFileSchema.shape.encryption,
  clientPorts: networkSchema.shape.clientPorts,
});

/** A platform, as far as clusters have to know it. */
export interface PlatformReference {
  /** The beginning of its names in AWS. Default: none, so that they begin with `etcd-remediation`. */
  readonly prefix?: string | undefined;
  /** The ports of all members' client URLs. Default: `[2379]` */
  readonly clientPorts?: readonly number[] | undefined;
}

export interface RemediationPlatformProps extends PlatformReference {
  /** From which all members' client ports can be reached. */
  readonly vpc: IVpc;
  /** The subnets that the functions run in: at most 16, with a way to the APIs of AWS. Default: those of the VPC that are private, with a way out. */
  readonly vpcSubnets?: SubnetSelection;
  /** Security groups of the functions besides their own: at most four. Default: none. */
  readonly securityGroups?: readonly ISecurityGroup[];
  /** Whose key encrypts the topics, the buckets, the table and the logs. Default: `aws-owned` */
  readonly encryption?: 'aws-owned' | 'customer-managed';
}

/**
 * The state machines, the functions and what starts them, once for all clusters of a VPC. Two platforms in one account and region need a `prefix` each.
 *
 * Give it a stack of its own: it makes a third of the resources that a stack may have.
 */
export class RemediationPlatform extends Construct implements PlatformReference {
  readonly prefix: string | undefined;
  readonly clientPorts: readonly number[];
  /** Of the functions that reach members: let the members' security groups accept it on the client ports. */
  readonly securityGroup: ISecurityGroup;
  /** What calls for people: subscribe whoever is on call. */
  readonly pagesTopic: ITopic;
  /** @internal What has to be there before a cluster's schedule is. */
  readonly _invokedBySchedules: IDependable;

  /** @throws InvalidInput with every problem of the props */
  constructor(scope: Construct, id: string, props: RemediationPlatformProps) {
    super(scope, id);
    const { vpc, vpcSubnets, securityGroups = [], ...rest } = props;
    const { prefix, encryption, clientPorts } = parseProps(this, settingsSchema, rest);
    const { outdir } = Stage.of(this) as Stage;
    const platform = new Platform(this, 'Default', {
      surroundings: {
        vpc,
        subnets: vpc.selectSubnets(vpcSubnets).subnets,
        securityGroups: [...securityGroups],
        clientPorts,
      },
      prefix,
      encryption,
      bundles: bundleStepsAtOnce(join(outdir, 'bundles')),
    });
    this.prefix = prefix;
    this.clientPorts = clientPorts;
    this.securityGroup = platform.securityGroup;
    this.pagesTopic = platform.pagesTopic;
    this._invokedBySchedules = platform.invokedBySchedules;
  }
}
