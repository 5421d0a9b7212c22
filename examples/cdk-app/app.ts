import { App, Stack } from 'aws-cdk-lib';
import { Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { RemediatedCluster, RemediationPlatform } from 'etcd-remediation';

const app = new App();

// The platform, once for all clusters of a VPC. Its template is large, so it has a stack of its own.
const platformStack = new Stack(app, 'EtcdRemediation');
const vpc = Vpc.fromVpcAttributes(platformStack, 'Vpc', {
  vpcId: 'vpc-0a1b2c3d4e5f60718',
  availabilityZones: ['eu-central-1a', 'eu-central-1b'],
  privateSubnetIds: ['subnet-0a1b2c3d4e5f60711', 'subnet-0a1b2c3d4e5f60712'],
});
const platform = new RemediationPlatform(platformStack, 'Platform', { vpc, clientPorts: [2379] });

// Who is called, and who lets the functions in.
platform.pagesTopic.addSubscription(new EmailSubscription('on-call@example.com'));
SecurityGroup.fromSecurityGroupId(platformStack, 'Members', 'sg-0a1b2c3d4e5f60731').connections.allowFrom(
  platform.securityGroup,
  Port.tcp(2379),
  'etcd-remediation',
);

// A small stack for each cluster: it deploys in a minute, and touches nothing else.
new RemediatedCluster(new Stack(app, 'EtcdOrders'), 'Orders', {
  platform,
  cluster: {
    name: 'orders',
    members: [1, 2, 3].map((number) => ({
      name: `node${number}`,
      clientUrl: `https://10.0.${number}.11:2379`,
      peerUrl: `https://10.0.${number}.11:2380`,
      host: `i-0a1b2c3d4e5f6000${number}`,
    })),
    quotaBackendBytes: 8 * 1024 ** 3,
    auth: { secret: 'etcd/orders/root' },
    tls: { secret: 'etcd/orders/client-tls' },
    layout: {
      unit: 'etcd',
      dataDir: '/var/lib/etcd/default',
      walDir: null,
      configFile: '/etc/etcd/etcd.yaml',
      user: 'etcd',
      group: 'etcd',
      binDir: '/usr/local/bin',
    },
    policy: { 'member-failed': 'automatic', 'quorum-lost': 'approval' },
  },
});
