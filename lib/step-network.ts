import { type ISecurityGroup, type ISubnet, type IVpc, Peer, Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { CfnOutput, Validations } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Network } from '../core/cluster/clusters-file.ts';
import type { StepNetwork } from './step-function.ts';

/** Where the steps are placed, and what they have to get out to. */
export interface Surroundings {
  vpc: IVpc;
  subnets: ISubnet[];
  /** Besides the steps' own. */
  securityGroups: ISecurityGroup[];
  clientPorts: readonly number[];
}

/** What clusters.json names by IDs. */
export function surroundingsById(
  scope: Construct,
  { vpcId, subnetIds, securityGroupIds, clientPorts }: Network,
): Surroundings {
  const vpc = Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    // Only the subnets' IDs reach the template; CDK wants a zone for each.
    availabilityZones: subnetIds.map((_, index) => `zone-${index}`),
    privateSubnetIds: subnetIds,
  });
  Validations.of(vpc).acknowledge({
    id: 'Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId',
    reason: 'Nothing here routes: functions are only placed into the subnets.',
  });
  const securityGroups = securityGroupIds.map((groupId, index) =>
    SecurityGroup.fromSecurityGroupId(scope, `Extra${index}`, groupId),
  );
  return { vpc, subnets: vpc.privateSubnets, securityGroups, clientPorts };
}

/** Out to the members' client ports and to the AWS APIs, and nothing in. */
export function connectSteps(
  scope: Construct,
  { vpc, subnets, securityGroups, clientPorts }: Surroundings,
): { network: StepNetwork; securityGroup: ISecurityGroup } {
  const securityGroup = new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'etcd-remediation steps: out to etcd and to the AWS APIs',
    allowAllOutbound: false,
  });
  for (const port of new Set([443, ...clientPorts])) {
    const purpose = port === 443 ? 'AWS APIs' : `etcd clients' port ${port}`;
    for (const peer of [Peer.anyIpv4(), Peer.anyIpv6()]) securityGroup.addEgressRule(peer, Port.tcp(port), purpose);
  }
  new CfnOutput(scope, 'SecurityGroupId', {
    value: securityGroup.securityGroupId,
    description: 'Of the steps: the members must let it in at their client ports',
  });
  return { network: { vpc, subnets, securityGroups: [securityGroup, ...securityGroups] }, securityGroup };
}
